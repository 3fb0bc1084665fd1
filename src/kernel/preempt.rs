//! The preemption count, and the stopper that it keeps from running.
//!
//! A CPU that waits with a non-zero count still takes interrupts, so its timer samples it; but the stopper, which
//! would feed the watchdog, cannot run. That difference is what a soft lockup *is*.
//!
//! In Linux: `include/linux/preempt.h`, `preempt_disable`; `kernel/stop_machine.c`, `cpu_stopper_thread`
//! (`migration/N`).
//! Here it differs: the kernel preempts at every interrupt's end if the count is 0, as with `CONFIG_PREEMPT`, and the
//! stopper is the only thing that preempts: a CPU runs its tasks one after another.

use std::marker::PhantomData;

use crate::kernel::cpu::Cpu;
use crate::kernel::{heartbeat, irq, rcu};

/// This CPU's preemption count: 0 means that the stopper may run here. In Linux: `preempt_count()`.
pub fn preempt_count(cpu: &Cpu) -> u32 {
    cpu.preempt.count()
}

/// Keeps other tasks, the stopper among them, off this CPU until the guard ends. In Linux: `preempt_disable`.
pub fn disable(cpu: &Cpu) -> DisabledPreemptGuard<'_> {
    cpu.preempt.set_count(cpu.preempt.count() + 1);
    DisabledPreemptGuard { cpu, _not_send: PhantomData }
}

/// Proof that this code will not be preempted. While a task is being killed the guard does nothing, as
/// [`DisabledLocalIrqGuard`](crate::kernel::irq::DisabledLocalIrqGuard).
#[derive(Debug)]
#[must_use = "preemption is possible again when the guard is dropped"]
pub struct DisabledPreemptGuard<'a> {
    cpu: &'a Cpu,
    _not_send: PhantomData<*const ()>,
}

impl Drop for DisabledPreemptGuard<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.cpu.preempt.set_count(self.cpu.preempt.count() - 1);
            self.cpu.preempt_check();
        }
    }
}

impl Cpu {
    /// A place where a healthy CPU that works for long lets others run. Takes what is pending, too. In Linux:
    /// `cond_resched`.
    pub fn cond_resched(&self) {
        self.shared().check_halt();
        self.take_interrupts();
    }

    /// A preemption point: the stopper runs if it has work and nothing forbids it.
    // ANCHOR: preempt-check
    pub(crate) fn preempt_check(&self) {
        if !self.preempt.is_stopper_queued() {
            return;
        }
        if self.is_preemptible() && self.preempt.take_stopper_work() {
            rcu::note_context_switch(self);
            heartbeat::softlockup_fn(self);
        }
    }
    // ANCHOR_END: preempt-check

    /// Whether nothing forbids it here. In Linux: `preemptible()`.
    pub(crate) fn is_preemptible(&self) -> bool {
        self.preempt.count() == 0
            && !std::thread::panicking()
            && !self.preempt.in_handler()
            && !irq::irqs_disabled(self)
    }
}
