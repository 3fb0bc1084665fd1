//! A die notifier faults, and another one must run after it.
//!
//! Two callbacks are on the die chain. The first faults each time it is called. The second must run for every oops: it
//! saves the log, without which no reader learns why the machine died. CPU 1 oopses; ten seconds later CPU 2 does.
//!
//! *What a reader should conclude.* The stock machine does **not** run the second callback, not even once. The first
//! callback faults inside CPU 1's report, and CPU 1 waits for ever for the `die_lock` that it holds; CPU 2 waits behind
//! it. A lock that nests is not enough: the fault begins a report of its own, which calls the chain again from its
//! start, so the first callback faults again, 31 times, until the stack is spent and the kernel panics. What is missing
//! is a chain that survives a faulting callback: one that does not call a callback that is still running on this CPU.
//! [`CallbackChain::judge`] passes such a machine.
//!
//! In Linux: `kernel/notifier.c`, `notifier_call_chain`, which the stock chain follows: no callback is skipped.
//! Here it differs: saving the log prints a line, and no more.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use super::{ANY_PID, At, Scenario, ScenarioError, on_this_machine, reported_by, small_machine};
use crate::config::Config;
use crate::cpumask::CpuId;
use crate::incident::Incident;
use crate::incident::report::diagnosis::{Cause, Diagnosis};
use crate::kernel::fault::Access;
use crate::kernel::notifier::NotifierBlock;
use crate::kernel::task::Task;
use crate::machine::Machine;
use crate::parts::Parts;
use crate::parts::die_chain::Notify;
use crate::record::Event;
use crate::time::{KernelTime, NSEC_PER_SEC};

/// The callback that faults, as it stands in a call trace.
const FAULTING: &str = "flaky_die";

/// The callback that must run.
const MUST_RUN: &str = "save_log_die";

/// The scenario, with everything that can be changed about it.
#[derive(Clone, Debug)]
pub struct CallbackChain {
    /// The machine. `until` is replaced unless [`CallbackChain::until`] is given.
    pub config: Config,
    /// Which CPUs oops, and when: each CPU once.
    pub oopses: Vec<At>,
    /// How often the first callback faults; after that it returns.
    pub faults: u32,
    /// When the machine is switched off; `None` chooses a time at which a CPU that waits for ever can be told.
    pub until: Option<KernelTime>,
}

impl Default for CallbackChain {
    /// Four CPUs of 4.19. CPU 1 oopses at 10 s and CPU 2 at 20 s; the first callback faults each time.
    fn default() -> Self {
        let at =
            |cpu, secs: u64| At { cpu: CpuId(cpu), time: KernelTime::from_ns(secs * NSEC_PER_SEC) };
        CallbackChain {
            config: Config { nr_cpus: 4, ..small_machine() },
            oopses: vec![at(1, 10), at(2, 20)],
            faults: u32::MAX,
            until: None,
        }
    }
}

impl Scenario for CallbackChain {
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
        let last = self.oopses.iter().map(|at| at.time).max().unwrap_or_default();
        let until = self.until.unwrap_or_else(|| reported_by(&self.config, last));
        let mut machine = Machine::new(Config { until, ..self.config.clone() }, parts)?;
        for (n, at) in self.oopses.iter().enumerate() {
            let cpu = on_this_machine(&self.config, at.cpu)?;
            if self.oopses[..n].iter().any(|other| other.cpu == cpu) {
                return Err(ScenarioError::NamedTwice(cpu));
            }
            machine.spawn(
                cpu,
                Task::new("oops", ANY_PID + n as u32, at.time, |cpu| {
                    cpu.null_deref(Access::Write, 0);
                }),
            );
        }
        let faults = self.faults;
        // Counted by the CPU that holds `die_lock` (Relaxed: the lock orders it).
        let calls = AtomicU32::new(0);
        machine.register_die_notifier(NotifierBlock::new(FAULTING, 1, move |cpu| {
            if calls.fetch_add(1, Relaxed) < faults {
                cpu.null_deref(Access::Read, 8);
            }
            Notify::Done
        }));
        machine.register_die_notifier(NotifierBlock::new(MUST_RUN, 0, |cpu| {
            cpu.printk("the log is saved");
            Notify::Done
        }));
        Ok(machine)
    }

    fn conclusion(&self) -> Diagnosis {
        let first = self.oopses.iter().min_by_key(|at| (at.time, at.cpu));
        match first.filter(|_| self.faults > 0) {
            Some(first) => Diagnosis { cause: Cause::SelfDeadlock, cpus: vec![first.cpu] },
            None => Diagnosis { cause: Cause::None, cpus: Vec::new() },
        }
    }
}

impl CallbackChain {
    /// Whether the callback that must run did so after every oops, on the CPU that oopsed; and whether the oopsing task
    /// died then. Stock parts do not pass: that is the lesson.
    ///
    /// # Errors
    /// The first rule that was broken: what was expected, what happened, on which CPU and when.
    pub fn judge(&self, incident: &Incident) -> Result<(), String> {
        let mut oopses = self.oopses.clone();
        oopses.sort_by_key(|at| (at.time, at.cpu));
        for At { cpu, time } in oopses {
            let here = || {
                incident.records.iter().filter(|record| record.cpu == cpu && record.time >= time)
            };
            let entered = |callback: &'static str| {
                let enters =
                    move |event: &Event| matches!(event, Event::Enter { func } if func == callback);
                here().filter(move |record| enters(&record.event))
            };
            if entered(MUST_RUN).next().is_none() {
                let times = match entered(FAULTING).count() {
                    1 => "once".to_owned(),
                    n => format!("{n} times"),
                };
                let why = match entered(FAULTING).next_back() {
                    Some(last) => format!(
                        "{FAULTING} ran there {times}, the last time at {} s, and no callback after it",
                        last.time
                    ),
                    None => "no callback ran there".to_owned(),
                };
                return Err(format!(
                    "{MUST_RUN} was to run for the oops on CPU#{cpu} at {time} s. It never did: {why}"
                ));
            }
            if !here().any(|record| record.event == Event::TaskEnd { killed: true }) {
                return Err(format!(
                    "the task that oopsed on CPU#{cpu} at {time} s was to be killed when the report was complete. It \
                     was not, until the machine was switched off at {} s",
                    incident.ended
                ));
            }
        }
        Ok(())
    }
}
