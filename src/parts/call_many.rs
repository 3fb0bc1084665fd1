//! Calling many CPUs at once: who is posted to, who is interrupted, who is waited for.
//!
//! In Linux: `kernel/smp.c`, `smp_call_function_many_cond`.

use crate::cpumask::{CpuId, CpuMask};
use crate::parts::this_cpu::ThisCpu;

/// Whether the caller of a function on another CPU waits until it has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Until it has run, without any time-out.
    Sync,
    /// Not at all.
    Async,
}

/// What a broadcast may ask of the CPU that makes it. One value is one broadcast: of one function, with one argument.
pub trait CrossCalls: ThisCpu {
    /// Whether `cpu` is online, and so takes calls.
    fn is_online(&self, cpu: CpuId) -> bool;

    /// Posts the call to `target`: locks this CPU's csd for that CPU, fills it, and puts it into the queue. Returns
    /// whether the queue was empty, and so whether this CPU owes `target` an IPI.
    ///
    /// # Panics
    /// If the machine has no such CPU, or if it is this one: it cannot answer while it calls.
    fn post(&self, target: CpuId) -> bool;

    /// Sends `target` the IPI that makes it take its calls.
    ///
    /// # Panics
    /// If the machine has no such CPU.
    fn send_ipi(&self, target: CpuId);

    /// Waits until `target` has answered the call that was posted to it. Returns at once if none was.
    ///
    /// # Panics
    /// If the machine has no such CPU.
    fn csd_lock_wait(&self, target: CpuId);
}

impl<T: CrossCalls + ?Sized> CrossCalls for &T {
    fn is_online(&self, cpu: CpuId) -> bool {
        (**self).is_online(cpu)
    }

    fn post(&self, target: CpuId) -> bool {
        (**self).post(target)
    }

    fn send_ipi(&self, target: CpuId) {
        (**self).send_ipi(target);
    }

    fn csd_lock_wait(&self, target: CpuId) {
        (**self).csd_lock_wait(target);
    }
}

/// Calls every online CPU of a mask but the calling one.
///
/// The rules, as tests, are in [`contract::call_many`](crate::parts::contract::call_many).
pub trait CallMany: Send + Sync + 'static {
    /// Calls every online CPU of `mask` but `cpu`, and with [`Wait::Sync`] waits until all have answered.
    fn call_many(&self, cpu: &impl CrossCalls, mask: &CpuMask, wait: Wait);
}

/// The kernel's: it posts to all, interrupts those whose queue was empty, and then waits for all, CPU 0 first.
#[derive(Clone, Copy, Debug, Default)]
pub struct KernelCallMany;

// ANCHOR: call_many
impl CallMany for KernelCallMany {
    fn call_many(&self, cpu: &impl CrossCalls, mask: &CpuMask, wait: Wait) {
        let mut targets = mask.clone();
        for other in mask.iter().filter(|&other| other == cpu.id() || !cpu.is_online(other)) {
            targets.clear(other);
        }
        let mut to_interrupt = targets.clone();
        for target in targets.iter().filter(|&target| !cpu.post(target)) {
            to_interrupt.clear(target);
        }
        to_interrupt.iter().for_each(|target| cpu.send_ipi(target));
        if wait == Wait::Sync {
            targets.iter().for_each(|target| cpu.csd_lock_wait(target));
        }
    }
}
// ANCHOR_END: call_many
