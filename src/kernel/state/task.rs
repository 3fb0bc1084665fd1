//! The task that runs on a CPU. The CPU's own: nothing here is shared.
//!
//! In Linux: `current`, and what its stack and `PF_EXITING` say.

use std::cell::Cell;

use crate::record::Pid;

/// See the module's head.
#[derive(Debug, Default)]
pub(crate) struct TaskState {
    current: Cell<Pid>,
    nested_oopses: Cell<u32>,
    killed: Cell<bool>,
    saved_irqs: Cell<u32>,
}

impl TaskState {
    /// The task that runs; 0 when the CPU idles (`swapper`).
    pub(crate) fn current(&self) -> Pid {
        self.current.get()
    }

    /// How many oopses lie inside each other on the task's stack.
    pub(crate) fn nested_oopses(&self) -> u32 {
        self.nested_oopses.get()
    }

    pub(crate) fn set_nested_oopses(&self, nested: u32) {
        self.nested_oopses.set(nested);
    }

    /// Whether the task is being killed.
    pub(crate) fn is_killed(&self) -> bool {
        self.killed.get()
    }

    /// The task is being killed from now on.
    pub(crate) fn kill(&self) {
        self.killed.set(true);
    }

    /// How many times the task turned interrupts off and has not turned them back.
    pub(crate) fn saved_irqs(&self) -> u32 {
        self.saved_irqs.get()
    }

    /// It turned them off.
    pub(crate) fn irqs_saved(&self) {
        self.saved_irqs.set(self.saved_irqs.get() + 1);
    }

    /// It turned them back.
    pub(crate) fn irqs_restored(&self) {
        self.saved_irqs.set(self.saved_irqs.get() - 1);
    }

    /// `pid` runs from now on.
    pub(crate) fn start(&self, pid: Pid) {
        self.current.set(pid);
    }

    /// The task is over, and the CPU idles.
    pub(crate) fn end(&self) {
        self.current.set(0);
        self.nested_oopses.set(0);
        self.killed.set(false);
    }
}
