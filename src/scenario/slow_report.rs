//! Two CPUs oops at about the same time, and a report takes long.
//!
//! CPU 1 oopses. A die notifier, such as one that writes a crash record to flash, takes two seconds. Half a second
//! after CPU 1 CPU 2 oopses. It waits for `die_lock` until CPU 1's report is complete, and then reports in turn.
//!
//! *What a reader should conclude.* Nothing is wrong with the lock: this is what it is for. Without it the lines of two
//! reports would be mixed. On a machine whose prints cost no time a report takes no time, so no second CPU finds
//! `die_lock` held by a CPU that will give it back; a lock that excludes no CPU passes there. Here
//! [`SlowReport::judge`] tells it apart. CPU 2 had its interrupts off for as long as it waited: one slow callback makes
//! two CPUs silent.
//!
//! In Linux: `arch/arm64/kernel/traps.c`, `die`.
//! Here it differs: the callback computes, where a real one would wait for a device.

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

/// The scenario, with everything that can be changed about it.
#[derive(Clone, Debug)]
pub struct SlowReport {
    /// The machine. `until` is replaced unless [`SlowReport::until`] is given.
    pub config: Config,
    /// Which CPUs oops, and when: each CPU once.
    pub oopses: Vec<At>,
    /// How long the callback takes, in nanoseconds.
    pub callback_ns: u64,
    /// When the machine is switched off; `None` chooses a time at which every report is complete.
    pub until: Option<KernelTime>,
}

impl Default for SlowReport {
    /// Four CPUs of 4.19. CPU 1 oopses at 10.0 s and CPU 2 at 10.5 s; the callback takes 2 s.
    fn default() -> Self {
        let at = |cpu, ms: u64| At { cpu: CpuId(cpu), time: KernelTime::from_ns(ms * 1_000_000) };
        SlowReport {
            config: Config { nr_cpus: 4, ..small_machine() },
            oopses: vec![at(1, 10_000), at(2, 10_500)],
            callback_ns: 2 * NSEC_PER_SEC,
            until: None,
        }
    }
}

impl Scenario for SlowReport {
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
        let callbacks_ns = self.callback_ns.saturating_mul(self.oopses.len() as u64);
        let until = self.until.unwrap_or_else(|| reported_by(&self.config, last + callbacks_ns));
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
        let callback_ns = self.callback_ns;
        machine.register_die_notifier(NotifierBlock::new("slow_die", 0, move |cpu| {
            cpu.spend(callback_ns);
            Notify::Done
        }));
        Ok(machine)
    }

    fn conclusion(&self) -> Diagnosis {
        Diagnosis { cause: Cause::None, cpus: Vec::new() }
    }
}

impl SlowReport {
    /// Whether every oops was reported, one at a time: from the moment when a CPU has `die_lock` until it gives it back
    /// no other CPU reports.
    ///
    /// # Errors
    /// The first rule that was broken: what was expected, what happened, on which CPU and when.
    pub fn judge(&self, incident: &Incident) -> Result<(), String> {
        let mut holder: Option<(CpuId, KernelTime)> = None;
        // Since when a CPU waits for the lock; and which CPUs' reports are complete.
        let mut waits: Vec<(CpuId, KernelTime)> = Vec::new();
        let mut complete: Vec<CpuId> = Vec::new();
        for record in &incident.records {
            let (cpu, time) = (record.cpu, record.time);
            match record.event {
                Event::DieLock => waits.push((cpu, time)),
                Event::DieLockHeld { .. } => {
                    if let Some((other, since)) = holder.filter(|(other, _)| *other != cpu) {
                        return Err(format!(
                            "CPU#{cpu} was let in by die_lock at {time} s. It was to wait: CPU#{other} had the lock \
                             since {since} s, and its report was not complete"
                        ));
                    }
                    waits.retain(|(waiter, _)| *waiter != cpu);
                    holder = holder.or(Some((cpu, time)));
                }
                Event::DieUnlock => holder = holder.filter(|(other, _)| *other != cpu),
                Event::TaskEnd { killed: true } => complete.push(cpu),
                _ => {}
            }
        }
        if let Some((cpu, since)) = waits.first() {
            return Err(format!(
                "CPU#{cpu} was to have die_lock as soon as it was free. It has waited since {since} s, and still did \
                 when the machine was switched off, at {} s",
                incident.ended
            ));
        }
        match self.oopses.iter().find(|at| !complete.contains(&at.cpu)) {
            Some(At { cpu, time }) => Err(format!(
                "CPU#{cpu} oopsed at {time} s. Its report was to be complete when the machine was switched off, at \
                 {} s, and was not",
                incident.ended
            )),
            None => Ok(()),
        }
    }
}
