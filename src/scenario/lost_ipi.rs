//! An IPI is lost.
//!
//! The real one: Juergen Gross chased hangs in `smp_call_function_many` for more than two years (the fix of the
//! instrument is `a5aabace5fb8`), on machines under a hypervisor. The CPU that the callers waited for was fine; sending
//! it the IPI once more set all callers free.
//!
//! CPU 3 idles, and takes its timer. CPU 5 calls every CPU, and the IPI to CPU 3 never arrives. CPU 5 waits. A CPU that
//! calls CPU 3 later finds CPU 3's queue not empty, sends no IPI, and waits as well.
//!
//! *What a reader should conclude.* The reports look like the article's, but no CPU is silent. The CPU that the callers
//! wait for takes its timer, so no hard-lockup detector names it, and it would answer a request for its backtrace at
//! once. If a CPU takes other interrupts and never took this one, its interrupts were not off: this one never arrived.
//! With CSD-lock debugging a caller sends the IPI again after 5 s, and all callers go on: `got unstuck`. If the CPU's
//! interrupts were off, a second IPI would change nothing.

use super::{
    At, Scenario, ScenarioError, on_this_machine, reported_by, small_machine, spawn_callers,
};
use crate::config::Config;
use crate::config::causes::LoseIpi;
use crate::config::detectors::Detectors;
use crate::cpumask::CpuId;
use crate::incident::report::diagnosis::{Cause, Diagnosis};
use crate::machine::Machine;
use crate::parts::Parts;
use crate::time::{KernelTime, NSEC_PER_SEC};
use crate::version::Kernel;

/// The incident, with everything that can be changed about it.
#[derive(Clone, Debug)]
pub struct LostIpi {
    /// The machine. `lose_ipi` is replaced, and so is `until` unless [`LostIpi::until`] is given.
    pub config: Config,
    /// The CPU that the IPI does not reach.
    pub deaf: CpuId,
    /// Which CPUs call every CPU, and when. The IPI of the earliest caller is the one that gets lost.
    pub callers: Vec<At>,
    /// When the machine is switched off; `None` chooses a time shortly after the last report.
    pub until: Option<KernelTime>,
}

impl Default for LostIpi {
    /// Eight CPUs of 6.12; the IPI does not reach CPU 3; three callers, two of them less than 5 s apart.
    fn default() -> Self {
        let kernel = Kernel::Arm64V6_12;
        let at =
            |cpu, secs: u64| At { cpu: CpuId(cpu), time: KernelTime::from_ns(secs * NSEC_PER_SEC) };
        LostIpi {
            config: Config { kernel, detectors: Detectors::of(kernel), ..small_machine() },
            deaf: CpuId(3),
            callers: vec![at(5, 60), at(1, 62), at(6, 100)],
            until: None,
        }
    }
}

impl Scenario for LostIpi {
    fn config(&self) -> &Config {
        &self.config
    }

    fn config_mut(&mut self) -> &mut Config {
        &mut self.config
    }

    fn set_until(&mut self, until: KernelTime) {
        self.until = Some(until);
    }

    fn machine_with(&self, parts: Parts) -> Result<Machine, ScenarioError> {
        self.config.check()?;
        let to = on_this_machine(&self.config, self.deaf)?;
        let times = || self.callers.iter().filter(|at| at.cpu != to).map(|at| at.time);
        let lose_ipi = times().min().map(|after| LoseIpi { to, after });
        let last = times().max().unwrap_or_default();
        let until = self.until.unwrap_or_else(|| reported_by(&self.config, last));
        let config = Config { lose_ipi, until, ..self.config.clone() };
        let mut machine = Machine::new(config, parts)?;
        spawn_callers(&mut machine, &self.config, &self.callers)?;
        Ok(machine)
    }

    fn conclusion(&self) -> Diagnosis {
        let lost = |at: &At| at.cpu != self.deaf && self.until.is_none_or(|until| at.time < until);
        match self.callers.iter().any(lost) {
            true => Diagnosis { cause: Cause::LostIpi, cpus: vec![self.deaf] },
            false => Diagnosis { cause: Cause::None, cpus: Vec::new() },
        }
    }
}
