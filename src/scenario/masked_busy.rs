//! Eleven CPUs call one that has its interrupts off.
//!
//! CPU 4 computes for a second with its interrupts off. Each of the other eleven CPUs calls it meanwhile and waits.
//! When its interrupts come on, it takes its queue and runs eleven calls.
//!
//! *What a reader should conclude.* Nothing is wrong. The first caller sent an IPI; ten others found the queue not
//! empty and sent none. A queue must hold as many calls as can be in flight: every CPU may have one there, and more.
//! Linux never counts them, because each call brings its own link (`llist`). A queue with room for eight loses three of
//! the eleven, and three callers wait for ever. The article's incident does not show that: five CPUs called its CPU 0.
//!
//! In Linux: `kernel/smp.c`, `call_single_queue`; `lib/llist.c`, `llist_add`.
//! Here it differs: that all eleven call within 11 ms is arranged.

use super::busy::{Busy, Call, Masked, To};
use super::{At, Scenario, ScenarioError, small_machine};
use crate::config::Config;
use crate::cpumask::CpuId;
use crate::incident::Incident;
use crate::incident::report::diagnosis::Diagnosis;
use crate::machine::Machine;
use crate::parts::Parts;
use crate::parts::call_many::Wait;
use crate::time::{KernelTime, NSEC_PER_SEC};

/// The scenario, with everything that can be changed about it.
#[derive(Clone, Debug)]
pub struct MaskedBusy {
    /// The machine. `until` is replaced unless [`MaskedBusy::until`] is given.
    pub config: Config,
    /// The CPU that has its interrupts off, from when on and for how long.
    pub masked: Masked,
    /// The CPUs that call it, and when. Each waits for its answer.
    pub callers: Vec<At>,
    /// When the machine is switched off; `None` chooses a time at which a CPU that waits for ever has been reported.
    pub until: Option<KernelTime>,
}

impl Default for MaskedBusy {
    /// Twelve CPUs of 4.19. CPU 4 has its interrupts off from 10 s to 11 s, and the others call it from 10.1 s on.
    fn default() -> Self {
        let masked = CpuId(4);
        let at = |cpu, ms: u64| At { cpu, time: KernelTime::from_ns(ms * 1_000_000) };
        let callers = (0..12).map(CpuId).filter(|cpu| *cpu != masked);
        MaskedBusy {
            config: Config { nr_cpus: 12, ..small_machine() },
            masked: Masked { at: at(masked, 10_000), ns: NSEC_PER_SEC },
            callers: callers.zip(10_100..).map(|(cpu, ms)| at(cpu, ms)).collect(),
            until: None,
        }
    }
}

impl Scenario for MaskedBusy {
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
        self.calls().machine_with(parts)
    }

    fn conclusion(&self) -> Diagnosis {
        self.calls().conclusion()
    }
}

impl MaskedBusy {
    /// Whether every caller was answered once, and went on then. [`Busy::judge`] has the rules; the first caller's call
    /// is `call_00`.
    ///
    /// # Errors
    /// The first rule that was broken: what was expected, what happened, on which CPU and when.
    pub fn judge(&self, incident: &Incident) -> Result<(), String> {
        self.calls().judge(incident)
    }

    fn calls(&self) -> Busy {
        let to = To::One(self.masked.at.cpu);
        let call = |&from: &At| Call { from, to, wait: Wait::Sync };
        Busy {
            config: self.config.clone(),
            calls: self.callers.iter().map(call).collect(),
            masked: vec![self.masked],
            until: self.until,
        }
    }
}
