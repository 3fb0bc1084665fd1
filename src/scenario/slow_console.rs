//! A CPU is merely slow.
//!
//! The real one: an NVIDIA Grace with 6.16-rc5. CSD-lock debugging complained of CPU 1; a backtrace by pseudo-NMI
//! showed it in `pl011_console_write_atomic`, feeding a serial line character by character with interrupts off; after
//! 8.8 s it was done, and the CPUs that waited for it went on.
//!
//! CPU 1 does that here. CPUs 5, 6 and 3 call every CPU meanwhile, wait, and go on.
//!
//! *What a reader should conclude.* Nothing is broken and no CPU is stuck: 8.8 s are too short for the soft-lockup
//! watchdog (20 s) and for the buddy. CSD-lock debugging finds it: `Detected` at 5 s, `got unstuck` at 8.8 s. The
//! second line tells it from a hang; the stack that the NMI brings shows the cause.
//!
//! Here it differs: the frames between `console_flush_all` and the driver are left out, and the line prints nothing.

use super::{
    ANY_PID, At, Scenario, ScenarioError, busy_before_ns, busy_then, on_this_machine, reported_by,
    small_machine, spawn_callers,
};
use crate::config::Config;
use crate::config::detectors::Detectors;
use crate::cpumask::CpuId;
use crate::incident::report::diagnosis::{Cause, Diagnosis};
use crate::kernel::cpu::Cpu;
use crate::kernel::irq;
use crate::machine::Machine;
use crate::parts::Parts;
use crate::time::{KernelTime, NSEC_PER_SEC};
use crate::version::Kernel;

/// The incident, with everything that can be changed about it.
#[derive(Clone, Debug)]
pub struct SlowConsole {
    /// The machine. `until` is replaced unless [`SlowConsole::until`] is given.
    pub config: Config,
    /// The CPU that writes to the console, and from when on.
    pub slow: At,
    /// For how long, in nanoseconds.
    pub write_ns: u64,
    /// Which CPUs call every CPU, and when.
    pub callers: Vec<At>,
    /// When the machine is switched off; `None` chooses a time at which even a lasting hang would have been reported.
    pub until: Option<KernelTime>,
}

impl Default for SlowConsole {
    /// Eight CPUs of 6.12; CPU 1 writes for 8.8 s; one caller waits for nearly all of it, one for 6.8 s, one for 3.8 s.
    fn default() -> Self {
        let kernel = Kernel::Arm64V6_12;
        let at = |cpu, ms: u64| At { cpu: CpuId(cpu), time: KernelTime::from_ns(ms * 1_000_000) };
        SlowConsole {
            config: Config { kernel, detectors: Detectors::of(kernel), ..small_machine() },
            slow: at(1, 60_000),
            write_ns: 88 * NSEC_PER_SEC / 10,
            callers: vec![at(5, 60_001), at(6, 62_000), at(3, 65_000)],
            until: None,
        }
    }
}

impl Scenario for SlowConsole {
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
        let last = self.callers.iter().map(|at| at.time).max().unwrap_or_default();
        let last = last.max(self.slow.time + self.write_ns);
        let until = self.until.unwrap_or_else(|| reported_by(&self.config, last));
        let config = Config { until, ..self.config.clone() };
        let mut machine = Machine::new(config, parts)?;
        let (cpu, write_ns) = (on_this_machine(&self.config, self.slow.cpu)?, self.write_ns);
        let print = move |cpu: &Cpu| print_slowly(cpu, write_ns);
        let busy_ns = busy_before_ns(&self.config);
        machine.spawn(cpu, busy_then(self.slow, busy_ns, "systemd-journal", ANY_PID - 1, print));
        spawn_callers(&mut machine, &self.config, &self.callers)?;
        Ok(machine)
    }

    fn conclusion(&self) -> Diagnosis {
        let over = self.slow.time + self.write_ns;
        let cause = match self.until.is_none_or(|until| over < until) {
            true => Cause::SlowCpu,
            false => Cause::InterruptsOff,
        };
        Diagnosis { cause, cpus: vec![self.slow.cpu] }
    }
}

fn print_slowly(cpu: &Cpu, write_ns: u64) {
    let _frames = cpu.frames(&["_printk", "vprintk_emit", "console_unlock", "console_flush_all"]);
    let _irq = irq::disable_local(cpu);
    let _frame = cpu.frame("pl011_console_write_atomic");
    cpu.spend(write_ns);
}
