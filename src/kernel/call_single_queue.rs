//! The calls that other CPUs posted to each CPU: through the queue that the machine was given as a part
//! (`parts/call_queue.rs`), or through mailboxes.
//!
//! In Linux: `kernel/smp.c`, `call_single_queue`.

use crate::config::Config;
use crate::config::clock::Clock;
use crate::cpumask::CpuId;
use crate::kernel::csd::{self, CsdTable};
use crate::kernel::mailbox::Mailbox;
use crate::parts::call_queue::CsdId;
use crate::parts::{CallQueueChoice, DynCallQueues};
use crate::vector::Vector;

/// One queue for each CPU.
pub(crate) enum CallSingleQueues {
    Parts(Box<dyn DynCallQueues>),
    Mailboxes {
        mailboxes: Box<[Mailbox]>,
        /// A letter interrupts its reader by itself, without an IPI: in wall-clock time, and only if no IPI would be
        /// missed. A machine that records needs an IPI to record; a machine that is to lose an IPI needs one to lose.
        ring: bool,
    },
}

/// What the CPU that posted a call owes the called one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Posted {
    /// An IPI: the queue was empty.
    First,
    /// Nothing: there are calls before this one, and an IPI for them.
    Behind,
    /// To be woken, if it sleeps: the call interrupts it by itself.
    Rings,
}

impl CallSingleQueues {
    pub(crate) fn new(choice: CallQueueChoice, config: &Config) -> Self {
        match choice {
            CallQueueChoice::Queue(one_per_cpu) => {
                CallSingleQueues::Parts(one_per_cpu(config.nr_cpus))
            }
            CallQueueChoice::Mailbox => {
                let letters = (0..config.nr_cpus).map(|cpu| csd::letter(CpuId(cpu)));
                let wall = matches!(config.clock, Clock::Wall { .. });
                CallSingleQueues::Mailboxes {
                    mailboxes: letters.map(Mailbox::new).collect(),
                    ring: wall && !config.record && config.lose_ipi.is_none(),
                }
            }
        }
    }

    /// The letter to `target`, if the calling CPU can have it. The caller must give it [back](Mailbox::release).
    pub(crate) fn claim_letter(&self, target: CpuId) -> Option<(CsdId, &Mailbox)> {
        let CallSingleQueues::Mailboxes { mailboxes, .. } = self else { return None };
        let mailbox = &mailboxes[target.index()];
        mailbox.claim().then(|| (csd::letter(target), mailbox))
    }

    /// Posts `csd` to `target`. What the caller wrote before is visible to the CPU that takes `csd`.
    pub(crate) fn push(&self, target: CpuId, csd: CsdId, csds: &CsdTable) -> Posted {
        let was_empty = match self {
            CallSingleQueues::Parts(queues) => queues.push(target, csd, csds),
            CallSingleQueues::Mailboxes { mailboxes, ring } => {
                let mailbox = &mailboxes[target.index()];
                if csd == csd::letter(target) {
                    mailbox.post(*ring, csds);
                    return if *ring { Posted::Rings } else { Posted::First };
                }
                mailbox.push(csd, csds)
            }
        };
        if was_empty { Posted::First } else { Posted::Behind }
    }

    /// Takes everything that was posted to the calling CPU. Returns the oldest; links lead on.
    pub(crate) fn take_all(&self, cpu: CpuId, csds: &CsdTable) -> Option<CsdId> {
        match self {
            CallSingleQueues::Parts(queues) => queues.take_all(cpu, csds),
            CallSingleQueues::Mailboxes { mailboxes, .. } => mailboxes[cpu.index()].take_all(csds),
        }
    }

    /// The mailbox whose letters interrupt `cpu` by themselves, if it has one.
    pub(crate) fn bell(&self, cpu: CpuId) -> Option<&Mailbox> {
        match self {
            CallSingleQueues::Mailboxes { mailboxes, ring: true } => Some(&mailboxes[cpu.index()]),
            _ => None,
        }
    }

    /// Whether a letter would interrupt `cpu`, if it accepts these vectors.
    pub(crate) fn rings(&self, cpu: CpuId, accepts: u32, csds: &CsdTable) -> bool {
        let calls = accepts & Vector::CallFunction.bit() != 0;
        calls && self.bell(cpu).is_some_and(|mailbox| mailbox.rings(csds))
    }
}
