//! A CPU stops answering, and others begin to wait for it.
//!
//! From some moment on a CPU polls a device with its interrupts off, for ever. Other CPUs then call it, each at a time of
//! its own, and wait. This is the skeleton of every incident in which one CPU is silent and others report
//! themselves; [`replay`](crate::replay) fits it to a log.
//!
//! *What a reader should conclude.* The silent CPU is to blame, whichever CPUs report themselves. A reported number
//! tells how long a watchdog was not fed. A CPU that was busy reports after six samples: "22s" or "23s". On 5.13 and
//! later one that was idle reports after seven: "26s". One whose watchdog is touched meanwhile reports still later.
//!
//! In Linux: `kernel/watchdog.c`, `watchdog_timer_fn`, `touch_softlockup_watchdog`; `kernel/smp.c`,
//! `smp_call_function_single`.
//! Here it differs: a CPU calls the silent one only, where most callers in Linux call all; so thousands can wait. And a touch comes from outside, by a call from the machine's last CPU. In Linux a waiting CPU is mostly
//! touched by what its own interrupts do: a stall warning of RCU, a backtrace that it asks for.

use super::{
    ANY_PID, At, Scenario, ScenarioError, busy_before_ns, busy_then, on_this_machine,
    poll_for_ever, reported_by, small_machine,
};
use crate::config::Config;
use crate::cpumask::CpuId;
use crate::incident::report::diagnosis::{Cause, Diagnosis};
use crate::kernel::cpu::Cpu;
use crate::kernel::csd::CallFunction;
use crate::kernel::heartbeat::touch_softlockup_watchdog;
use crate::kernel::smp::smp_call_function_single;
use crate::kernel::task::Task;
use crate::machine::Machine;
use crate::parts::Parts;
use crate::parts::call_many::Wait;
use crate::record::Pid;
use crate::time::{KernelTime, NSEC_PER_SEC, sample_period_ns};

/// The scenario, with everything that can be changed about it.
#[derive(Clone, Debug)]
pub struct StopsAnswering {
    /// The machine. `until` is replaced unless [`StopsAnswering::until`] is given.
    pub config: Config,
    /// The CPU that is silent, and from when on.
    pub culprit: At,
    /// Those that wait for it, each later than that.
    pub waiters: Vec<Waiter>,
    /// When the machine is switched off; `None` chooses a time after the last report.
    pub until: Option<KernelTime>,
}

/// A CPU that calls the silent one, and waits for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiter {
    /// Which, and since when it waits.
    pub at: At,
    /// The name of its task, cut to 15 characters.
    pub comm: String,
    /// Its task's number.
    pub pid: Pid,
    /// It was idle before. That touches its watchdog.
    pub was_idle: bool,
    /// When something touches its watchdog while it waits. If any CPU has such a time, the machine's last CPU can be
    /// neither the culprit nor a waiter: it does the touching.
    pub touched: Vec<KernelTime>,
}

impl Default for StopsAnswering {
    /// Eight CPUs of 4.19. CPU 3 is silent from 60 s on. CPU 1, which is busy, waits for it since 61 s, and CPU 5, which
    /// is idle, since 63 s.
    fn default() -> Self {
        let at =
            |cpu, secs: u64| At { cpu: CpuId(cpu), time: KernelTime::from_ns(secs * NSEC_PER_SEC) };
        let waiter = |at: At, was_idle| {
            let pid = ANY_PID + at.cpu.0;
            Waiter { at, comm: "caller".to_owned(), pid, was_idle, touched: Vec::new() }
        };
        StopsAnswering {
            config: small_machine(),
            culprit: at(3, 60),
            waiters: vec![waiter(at(1, 61), false), waiter(at(5, 63), true)],
            until: None,
        }
    }
}

/// What the silent CPU is asked for: nothing.
static ARE_YOU_THERE: CallFunction = CallFunction { name: "are_you_there", func: |_, _| {} };

static TOUCH: CallFunction = CallFunction {
    name: "touch_softlockup_watchdog",
    func: |cpu, _| touch_softlockup_watchdog(cpu),
};

/// The task that touches other CPUs' watchdogs.
const TOUCHER_PID: Pid = ANY_PID - 2;

impl Scenario for StopsAnswering {
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
        let until = self.until.unwrap_or_else(|| self.last_report());
        let mut machine = Machine::new(Config { until, ..self.config.clone() }, parts)?;
        let busy_ns = busy_before_ns(&self.config);
        let culprit = on_this_machine(&self.config, self.culprit.cpu)?;
        machine
            .spawn(culprit, busy_then(self.culprit, busy_ns, "driver", ANY_PID - 1, poll_for_ever));
        let mut named = vec![culprit];
        let toucher = CpuId(self.config.nr_cpus - 1);
        if self.waiters.iter().any(|waiter| !waiter.touched.is_empty()) {
            if culprit == toucher {
                return Err(ScenarioError::NamedTwice(toucher));
            }
            named.push(toucher);
        }
        for Waiter { at, comm, pid, was_idle, touched } in &self.waiters {
            let cpu = on_this_machine(&self.config, at.cpu)?;
            if named.contains(&cpu) {
                return Err(ScenarioError::NamedTwice(cpu));
            }
            if at.time <= self.culprit.time {
                let (time, after) = (at.time, self.culprit.time);
                return Err(ScenarioError::TooEarly { cpu, time, after });
            }
            named.push(cpu);
            let busy_ns = if *was_idle { 0 } else { busy_ns };
            let call = move |caller: &Cpu| {
                smp_call_function_single(caller, culprit, &ARE_YOU_THERE, 0, Wait::Sync);
            };
            machine.spawn(cpu, busy_then(*at, busy_ns, comm.clone(), *pid, call));
            for &time in touched {
                let touch = move |toucher: &Cpu| {
                    smp_call_function_single(toucher, cpu, &TOUCH, 0, Wait::Sync);
                };
                machine.spawn(toucher, Task::new("toucher", TOUCHER_PID, time, touch));
            }
        }
        Ok(machine)
    }

    fn conclusion(&self) -> Diagnosis {
        Diagnosis { cause: Cause::InterruptsOff, cpus: vec![self.culprit.cpu] }
    }
}

impl StopsAnswering {
    /// The time by which every waiter has been reported.
    fn last_report(&self) -> KernelTime {
        let period = sample_period_ns(self.config.watchdog_thresh_secs);
        let counts_from = self.waiters.iter().map(|waiter| {
            let onset = waiter.at.time + if waiter.was_idle { period } else { 0 };
            waiter.touched.iter().fold(onset, |from, &touch| from.max(touch + period))
        });
        let last = counts_from.max().unwrap_or_default().max(self.culprit.time);
        reported_by(&self.config, last)
    }
}
