//! Two CPUs call each other with interrupts off.
//!
//! The real one: on arm64, `kdb` set breakpoints with interrupts off; flushing the instruction cache called every CPU
//! and waited, and no CPU could answer (Daniel Thompson, `ab8ad279ceac`). Linux warns of it in
//! `smp_call_function_many`: `WARN_ON_ONCE(… irqs_disabled() && !oops_in_progress …)`, because two that do it at the
//! same time wait for each other for ever.
//!
//! CPUs 2 and 6 patch kernel text at the same time, each with interrupts off. Later CPUs 4, 7 and 0 call every CPU, and
//! wait for those two.
//!
//! *What a reader should conclude.* The reported CPUs are victims, as in the article. But two CPUs are silent, and
//! neither is at fault alone: both keep their interrupts off *while they wait*. The one line that names the bug is the
//! warning, long before the first report; its stack shows the caller to mend. Sending the IPI again changes nothing.
//!
//! Here it differs: the coincidence is arranged. Each of the two waits, with its interrupts off, until the other's are
//! off, too.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::*};

use super::{
    ANY_PID, At, Scenario, ScenarioError, busy_before_ns, busy_then, on_this_machine, reported_by,
    small_machine, spawn_callers,
};
use crate::config::Config;
use crate::cpumask::CpuId;
use crate::incident::report::diagnosis::{Cause, Diagnosis};
use crate::kernel::cpu::Cpu;
use crate::kernel::irq;
use crate::kernel::smp::kick_all_cpus_sync;
use crate::machine::Machine;
use crate::parts::Parts;
use crate::parts::this_cpu::ThisCpu;
use crate::time::{KernelTime, NSEC_PER_SEC};

/// The incident, with everything that can be changed about it.
#[derive(Clone, Debug)]
pub struct IrqsOffCaller {
    /// The machine. `until` is replaced unless [`IrqsOffCaller::until`] is given.
    pub config: Config,
    /// The two CPUs that call each other. They must differ.
    pub pair: [CpuId; 2],
    /// When they call.
    pub time: KernelTime,
    /// Which CPUs call every CPU, and when.
    pub callers: Vec<At>,
    /// When the machine is switched off; `None` chooses a time shortly after the last report.
    pub until: Option<KernelTime>,
}

impl Default for IrqsOffCaller {
    /// Eight CPUs of 4.19, where flushing the instruction cache calls every CPU; CPUs 2 and 6; three callers.
    fn default() -> Self {
        let at =
            |cpu, secs: u64| At { cpu: CpuId(cpu), time: KernelTime::from_ns(secs * NSEC_PER_SEC) };
        IrqsOffCaller {
            config: small_machine(),
            pair: [CpuId(2), CpuId(6)],
            time: KernelTime::from_ns(60 * NSEC_PER_SEC),
            callers: vec![at(4, 61), at(7, 70), at(0, 80)],
            until: None,
        }
    }
}

impl Scenario for IrqsOffCaller {
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
        if self.pair[0] == self.pair[1] {
            return Err(ScenarioError::SameCpu(self.pair[0]));
        }
        let last = self.callers.iter().map(|at| at.time).max().unwrap_or_default();
        let last = last.max(self.time);
        let until = self.until.unwrap_or_else(|| reported_by(&self.config, last));
        let mut machine = Machine::new(Config { until, ..self.config.clone() }, parts)?;
        // How many of the two have their interrupts off. Written by both, read by both (Relaxed: a count, and nothing
        // else).
        let masked = Arc::new(AtomicU32::new(0));
        for (cpu, n) in self.pair.into_iter().zip(1..) {
            let at = At { cpu: on_this_machine(&self.config, cpu)?, time: self.time };
            let masked = Arc::clone(&masked);
            let patch = move |cpu: &Cpu| patch_text(cpu, &masked);
            let busy_ns = busy_before_ns(&self.config);
            machine.spawn(cpu, busy_then(at, busy_ns, "patch_text", ANY_PID - n, patch));
        }
        spawn_callers(&mut machine, &self.config, &self.callers)?;
        Ok(machine)
    }

    fn conclusion(&self) -> Diagnosis {
        let mut cpus = self.pair.to_vec();
        cpus.sort();
        Diagnosis { cause: Cause::WaitingWithInterruptsOff, cpus }
    }
}

fn patch_text(cpu: &Cpu, masked: &AtomicU32) {
    let _frames = cpu.frames(&["ret_from_fork", "kthread", "aarch64_insn_patch_text_nosync"]);
    let _irq = irq::disable_local(cpu);
    masked.fetch_add(1, Relaxed);
    while masked.load(Relaxed) < 2 {
        cpu.relax();
    }
    let _frame = cpu.frame("flush_icache_range");
    kick_all_cpus_sync(cpu);
}
