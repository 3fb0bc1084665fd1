//! The preemption count of a CPU, and whether work waits for its stopper. The CPU's own: nothing here is shared.
//!
//! In Linux: `include/linux/preempt.h`, `preempt_count`, whose higher bits say `in_hardirq()` and `in_nmi()`.
//! Here it differs: those bits are fields of their own; and what is to run here is two bits of one cell, so that a CPU that
//! spins looks at one (in Linux: `TIF_NEED_RESCHED`).

use std::cell::Cell;

/// See the module's head.
#[derive(Debug, Default)]
pub(crate) struct PreemptState {
    count: Cell<u32>,
    in_irq: Cell<bool>,
    in_nmi: Cell<bool>,
    queued: Cell<u8>,
}

/// The stopper has work.
const STOPPER: u8 = 1 << 0;

/// Another CPU posted work, and said so by IPI: see `state/watchdog.rs`.
const POSTED_WORK: u8 = 1 << 1;

impl PreemptState {
    /// 0 if the stopper may run.
    pub(crate) fn count(&self) -> u32 {
        self.count.get()
    }

    pub(crate) fn set_count(&self, count: u32) {
        self.count.set(count);
    }

    /// Whether a handler of an interrupt runs.
    pub(crate) fn in_irq(&self) -> bool {
        self.in_irq.get()
    }

    /// Whether a handler of an NMI runs.
    pub(crate) fn in_nmi(&self) -> bool {
        self.in_nmi.get()
    }

    /// Whether any handler runs.
    pub(crate) fn in_handler(&self) -> bool {
        self.in_irq() || self.in_nmi()
    }

    /// A handler begins or ends.
    pub(crate) fn set_in_handler(&self, is_nmi: bool, runs: bool) {
        let context = if is_nmi { &self.in_nmi } else { &self.in_irq };
        context.set(runs);
    }

    /// A task is over, however it ended: nothing is counted any more.
    pub(crate) fn reset(&self) {
        self.count.set(0);
        self.in_irq.set(false);
        self.in_nmi.set(false);
    }

    /// Whether anything else than the current task wants to run here.
    pub(crate) fn need_resched(&self) -> bool {
        self.queued.get() != 0
    }

    pub(crate) fn queue_stopper(&self) {
        self.queue(STOPPER);
    }

    pub(crate) fn is_stopper_queued(&self) -> bool {
        self.queued.get() & STOPPER != 0
    }

    /// The stopper takes its work. Returns whether there was any.
    pub(crate) fn take_stopper_work(&self) -> bool {
        self.take(STOPPER)
    }

    /// Another CPU posted work.
    pub(crate) fn queue_work(&self) {
        self.queue(POSTED_WORK);
    }

    /// A task takes it. Returns whether there was any.
    pub(crate) fn take_work(&self) -> bool {
        self.take(POSTED_WORK)
    }

    fn queue(&self, what: u8) {
        self.queued.set(self.queued.get() | what);
    }

    fn take(&self, what: u8) -> bool {
        let queued = self.queued.replace(self.queued.get() & !what);
        queued & what != 0
    }
}
