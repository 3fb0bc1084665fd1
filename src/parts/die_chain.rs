//! How the die notifier chain is walked.
//!
//! In Linux: `kernel/notifier.c`, `notifier_call_chain`.
//! Here it differs: the chain is complete before the machine starts, so walking it needs no RCU.

use crate::cpumask::CpuId;

/// What a callback answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notify {
    /// `NOTIFY_DONE`: not interested.
    Done,
    /// `NOTIFY_OK`: dealt with; others may still want to know.
    Ok,
    /// `NOTIFY_BAD`: no further callback is asked.
    Bad,
    /// `NOTIFY_STOP`: no further callback is asked, and `die` neither prints registers (in stock order) nor kills the
    /// task. On arm64 a task that faulted is killed by the fault path all the same.
    Stop,
}

impl Notify {
    /// `NOTIFY_STOP_MASK`: the chain ends here.
    pub const fn ends_the_chain(self) -> bool {
        matches!(self, Notify::Bad | Notify::Stop)
    }
}

/// The callbacks of a chain, in the order in which they are to be called, and the CPU on which that happens.
pub trait Callbacks {
    /// How many there are.
    fn count(&self) -> usize;

    /// Calls the `n`-th, from 0. If it faults, the chain is entered anew from inside this call, on the same CPU; and if
    /// the task dies in that fault, this never returns.
    ///
    /// # Panics
    /// If there is no such callback.
    fn call(&self, n: usize) -> Notify;

    /// The CPU that oopses.
    fn cpu(&self) -> CpuId;
}

impl<T: Callbacks + ?Sized> Callbacks for &T {
    fn count(&self) -> usize {
        (**self).count()
    }

    fn call(&self, n: usize) -> Notify {
        (**self).call(n)
    }

    fn cpu(&self) -> CpuId {
        (**self).cpu()
    }
}

/// Walks the die chain. Called with `die_lock` held and interrupts off, on the CPU that oopses.
///
/// The rules, as tests, are in [`contract::die_chain`](crate::parts::contract::die_chain).
pub trait DieChain: Send + Sync + 'static {
    /// Calls the callbacks from the first one on, until one ends the chain. Returns the last answer.
    fn call(&self, callbacks: &impl Callbacks) -> Notify;
}

/// The kernel's: it calls every callback, each time from the first one on. So a callback that faults each time is called
/// again from inside its own fault, without end.
#[derive(Clone, Copy, Debug, Default)]
pub struct KernelDieChain;

impl DieChain for KernelDieChain {
    fn call(&self, callbacks: &impl Callbacks) -> Notify {
        let mut answer = Notify::Done;
        for n in 0..callbacks.count() {
            answer = callbacks.call(n);
            if answer.ends_the_chain() {
                break;
            }
        }
        answer
    }
}
