//! The preemption count of a CPU, and whether work waits for its stopper. The CPU's own: nothing here is shared.
//!
//! In Linux: `include/linux/preempt.h`, `preempt_count`, whose higher bits say `in_hardirq()` and `in_nmi()`.
//! Here it differs: those bits are fields of their own.

use std::cell::Cell;

/// See the module's head.
#[derive(Debug, Default)]
pub(crate) struct PreemptState {
    count: Cell<u32>,
    in_irq: Cell<bool>,
    in_nmi: Cell<bool>,
    stopper_queued: Cell<bool>,
    work_queued: Cell<bool>,
}

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

    pub(crate) fn queue_stopper(&self) {
        self.stopper_queued.set(true);
    }

    pub(crate) fn is_stopper_queued(&self) -> bool {
        self.stopper_queued.get()
    }

    /// Another CPU posted work, and said so by IPI: see `state/watchdog.rs`.
    pub(crate) fn queue_work(&self) {
        self.work_queued.set(true);
    }

    pub(crate) fn is_work_queued(&self) -> bool {
        self.work_queued.get()
    }

    /// A task takes it.
    pub(crate) fn take_work(&self) -> bool {
        self.work_queued.replace(false)
    }

    /// The stopper takes its work.
    pub(crate) fn take_stopper_work(&self) -> bool {
        self.stopper_queued.replace(false)
    }
}
