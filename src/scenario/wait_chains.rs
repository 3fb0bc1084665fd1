//! CPUs wait for each other in chains, and the chains end at one silent CPU.
//!
//! CPU 3 polls a device that never answers, with its interrupts off. CPU 1 calls CPU 3, also with interrupts off, and
//! waits; so CPU 1 cannot answer either. CPU 2 calls CPU 1 and waits in the same way. CPU 4 calls CPU 2, with
//! interrupts on. And another chain leads from CPU 0 to CPU 7, 5, 6 and then 3.
//!
//! *What a reader should conclude.* CPU 3 alone is to blame. Only the last CPU of each chain is reported, because only
//! it takes its timer: CPU 4, which waits for CPU 2, and CPU 0, which waits for CPU 7. A reader who goes one step, from
//! the reported CPU to the CPU that it waits for, blames CPU 2 and CPU 7: two wrong CPUs. And the kernel's one warning,
//! of a call with interrupts off, names CPU 1. Go on from each CPU to the one that it waits for, until one waits for no
//! CPU. In the article one step was enough.
//!
//! In Linux: `kernel/smp.c`, `csd_lock_wait`, and the `WARN_ON_ONCE` of `smp_call_function_single`.
//! Here it differs: the chains are arranged. A CPU in the middle of a real one more often waits for a lock.

use super::{
    ANY_PID, At, Scenario, ScenarioError, busy_before_ns, busy_then, on_this_machine,
    poll_for_ever, reported_by, small_machine,
};
use crate::config::Config;
use crate::cpumask::CpuId;
use crate::incident::Incident;
use crate::incident::report::diagnosis::{Cause, Diagnosis};
use crate::kernel::cpu::Cpu;
use crate::kernel::csd::CallFunction;
use crate::kernel::irq;
use crate::kernel::smp::smp_call_function_single;
use crate::machine::Machine;
use crate::parts::Parts;
use crate::parts::call_many::Wait;
use crate::record::Event;
use crate::time::{KernelTime, NSEC_PER_SEC, sample_period_ns};
use crate::vector::Vector;

/// The scenario, with everything that can be changed about it.
#[derive(Clone, Debug)]
pub struct WaitChains {
    /// The machine. `until` is replaced unless [`WaitChains::until`] is given.
    pub config: Config,
    /// The CPU that is silent, and from when on.
    pub culprit: At,
    /// The chains. The first CPU of each calls the culprit, each further one calls the CPU before it, and later than
    /// that. All but the last of a chain call with their interrupts off.
    pub chains: Vec<Vec<At>>,
    /// When the machine is switched off; `None` chooses a time after the last report.
    pub until: Option<KernelTime>,
}

impl Default for WaitChains {
    /// Eight CPUs of 4.19. CPU 3 is silent from 60 s on; CPUs 1, 2 and 4 wait in one chain, CPUs 6, 5, 7 and 0 in
    /// another.
    fn default() -> Self {
        let at =
            |cpu, secs: u64| At { cpu: CpuId(cpu), time: KernelTime::from_ns(secs * NSEC_PER_SEC) };
        WaitChains {
            config: small_machine(),
            culprit: at(3, 60),
            chains: vec![
                vec![at(1, 61), at(2, 62), at(4, 63)],
                vec![at(6, 64), at(5, 65), at(7, 66), at(0, 67)],
            ],
            until: None,
        }
    }
}

/// What is called: it does nothing.
static ARE_YOU_THERE: CallFunction = CallFunction { name: "are_you_there", func: |_, _| {} };

impl Scenario for WaitChains {
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
        let last = self.chains.iter().flatten().map(|at| at.time).max().unwrap_or_default();
        let last = last.max(self.culprit.time);
        // On 6.12 a waiting CPU may be the buddy of a silent one. It then waits 10 s for that CPU's backtrace, which
        // touches its own watchdog, so its report comes later.
        let as_a_buddy = 10 * sample_period_ns(self.config.watchdog_thresh_secs);
        let until = self.until.unwrap_or_else(|| reported_by(&self.config, last) + as_a_buddy);
        let mut machine = Machine::new(Config { until, ..self.config.clone() }, parts)?;
        let busy_ns = busy_before_ns(&self.config);
        let culprit = on_this_machine(&self.config, self.culprit.cpu)?;
        machine
            .spawn(culprit, busy_then(self.culprit, busy_ns, "driver", ANY_PID - 1, poll_for_ever));
        let mut named = vec![culprit];
        for link in self.links() {
            let cpu = on_this_machine(&self.config, link.from.cpu)?;
            if named.contains(&cpu) {
                return Err(ScenarioError::NamedTwice(cpu));
            }
            if link.from.time <= link.on.time {
                let (time, after) = (link.from.time, link.on.time);
                return Err(ScenarioError::TooEarly { cpu, time, after });
            }
            let pid = ANY_PID + named.len() as u32;
            named.push(cpu);
            let call = move |cpu: &Cpu| {
                let _irq = link.irqs_off.then(|| irq::disable_local(cpu));
                smp_call_function_single(cpu, link.on.cpu, &ARE_YOU_THERE, 0, Wait::Sync);
            };
            machine.spawn(cpu, busy_then(link.from, busy_ns, "caller", pid, call));
        }
        Ok(machine)
    }

    fn conclusion(&self) -> Diagnosis {
        Diagnosis { cause: Cause::InterruptsOff, cpus: vec![self.culprit.cpu] }
    }
}

/// One CPU of a chain.
#[derive(Clone, Copy, Debug)]
struct Link {
    from: At,
    /// The CPU that it waits for, and since when that one is silent.
    on: At,
    /// It is not the last of its chain.
    irqs_off: bool,
}

impl WaitChains {
    fn links(&self) -> impl Iterator<Item = Link> + '_ {
        self.chains.iter().flat_map(|chain| {
            let ons = std::iter::once(self.culprit).chain(chain.iter().copied());
            let last = chain.len().saturating_sub(1);
            let link = move |(n, (&from, on))| Link { from, on, irqs_off: n < last };
            chain.iter().zip(ons).enumerate().map(link)
        })
    }

    /// Whether the chains stand in the end: each CPU waits for the one before it; the culprit waits for none and took
    /// no interrupt; and each CPU that waits with interrupts on was reported as soft-locked, and no other.
    ///
    /// # Errors
    /// The first rule that was broken: what was expected, what happened, on which CPU and when.
    pub fn judge(&self, incident: &Incident) -> Result<(), String> {
        let on_cpu = |cpu| incident.records.iter().filter(move |record| record.cpu == cpu);
        let At { cpu: culprit, time: silent } = self.culprit;
        let is_heard = |event: &Event| {
            let vectors = [Vector::Timer, Vector::CallFunction];
            matches!(event, Event::IrqEnter { vector } if vectors.contains(vector))
        };
        let mut after = on_cpu(culprit).filter(|record| record.time > silent);
        if let Some(heard) = after.find(|record| is_heard(&record.event)) {
            return Err(format!(
                "CPU#{culprit} was to be silent from {silent} s on, and took an interrupt at {} s",
                heard.time
            ));
        }
        for Link { from: At { cpu, time }, on, .. } in self.links() {
            let on = on.cpu;
            let last = on_cpu(cpu).rev().find_map(|record| match record.event {
                Event::CsdWait { on, .. } => Some((record.time, on, true)),
                Event::CsdWaitEnd { on } => Some((record.time, on, false)),
                _ => None,
            });
            match last {
                Some((_, found, true)) if found == on => {}
                Some((went_on, found, false)) if found == on => {
                    return Err(format!(
                        "CPU#{cpu} was to wait for CPU#{on} for ever, because CPU#{on} cannot answer. It went on at \
                         {went_on} s"
                    ));
                }
                _ => {
                    return Err(format!(
                        "CPU#{cpu} was to wait for CPU#{on} from {time} s on, and never did"
                    ));
                }
            }
        }
        for Link { from: At { cpu, time }, irqs_off, .. } in self.links() {
            let is_report = |event: &Event| matches!(event, Event::SoftLockup { .. });
            let report = on_cpu(cpu).find(|record| is_report(&record.event));
            match report.map(|record| record.time) {
                Some(early) if early < time => {
                    return Err(format!(
                        "CPU#{cpu} was reported as soft-locked at {early} s. It was to be left alone then: it waits \
                         since {time} s only"
                    ));
                }
                Some(reported) if irqs_off => {
                    return Err(format!(
                        "CPU#{cpu} was reported as soft-locked at {reported} s. It was to be silent: its interrupts \
                         are off since {time} s"
                    ));
                }
                None if !irqs_off => {
                    return Err(format!(
                        "CPU#{cpu} has waited since {time} s with its interrupts on. Its watchdog was to report it \
                         before the machine was switched off, at {} s, and did not",
                        incident.ended
                    ));
                }
                _ => {}
            }
        }
        let mut reports =
            incident.records.iter().filter(|r| matches!(r.event, Event::SoftLockup { .. }));
        match reports.find(|report| self.links().all(|link| link.from.cpu != report.cpu)) {
            Some(report) => Err(format!(
                "CPU#{} was reported as soft-locked at {} s. It was to be left alone: it waits for no CPU",
                report.cpu, report.time
            )),
            None => Ok(()),
        }
    }
}
