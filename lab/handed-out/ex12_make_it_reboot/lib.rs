//! # Exercise 12: make it reboot
//!
//! CPU 0 of the article was to print a report and reboot, or go on. It did neither: a callback on the die chain
//! faulted, and the second report waited for the lock of the first one. Mend both parts.
//!
//! **The lock.** As exercise 4's: to look whether it is free and then to take it are two steps, and between them another
//! CPU takes it; so `if free { take }` is no lock, and one exchange must do both. Beyond that
//!
//! - a CPU that holds it gets in again, at depth 2, 3, …; other CPUs wait until it has unlocked as often as it locked;
//! - when a task dies on a CPU (`task_exit`), no level that this CPU holds is ever unlocked any more: the stack that
//!   would do it is gone. The lock is then free, and the next oops, on any CPU, begins at depth 1. If the CPU does not
//!   hold the lock, `task_exit` changes nothing: tasks exit all the time.
//!
//! Linux' x86 has the first half of this. Before you run yours, predict what is missing without the second:
//! `cargo lab predict ex12.headers`.
//!
//! **The chain.** `call` calls the callbacks from the first one on, until one answers `Bad` or `Stop`, and returns the
//! last answer (`Done` if there is none). A callback that faults enters `call` anew, on the same CPU, from inside
//! itself; most often its task dies in there, and then the call never returns. So that the machine goes on,
//!
//! - a callback that this CPU is in is not called again; those after it are;
//! - the next oops finds the other callbacks again, on every CPU. (One that faulted may be left alone from then on.)
//! - a walk on one CPU is not changed by one on another. No machine here has more than 64 CPUs, no chain more than 32
//!   callbacks.
//!
//! Use the atomics of `softlockup::sync`, and call `cpu.relax()` at every look of a wait.
//!
//! In Linux: `arch/x86/kernel/dumpstack.c`, `oops_begin`, `oops_end`; `kernel/notifier.c`, `notifier_call_chain`.
//!
//! In the book: `book/src/reboot.md`.
//!
//! Grade it: `cargo lab check ex12`. See the incident with it: `cargo lab replay ex12`. A hint: `cargo lab hint ex12`.

use softlockup::ThisCpu;
use softlockup::parts::die_chain::{Callbacks, DieChain, Notify};
use softlockup::parts::die_lock::DieLock;
use softlockup::sync::AtomicU32;

/// A lock that a CPU may take again, and that a dying task gives back.
#[derive(Debug, Default)]
pub struct MyDieLock {
    /// 0: free. n + 1: CPU n holds it.
    holder: AtomicU32,
    /// How often it does.
    depth: AtomicU32,
}

impl DieLock for MyDieLock {
    /// Takes the lock. Returns the nesting depth after that: 1 for the first oops, 2 for one inside its report.
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        let _ = (cpu, &self.holder, &self.depth);
        todo!("let this CPU in if it holds the lock; else wait until the lock is free, and take it")
    }

    /// Gives one level back. Returns the depth that is left; at 0 the lock is free.
    fn unlock(&self, cpu: &impl ThisCpu) -> u32 {
        let _ = cpu;
        todo!("give one level back, and the lock with the last one")
    }

    /// A task dies on this CPU.
    fn task_exit(&self, cpu: &impl ThisCpu) {
        let _ = cpu;
        todo!("give back every level that this CPU holds, if it holds any")
    }
}

/// A chain that survives a callback that faults.
#[derive(Debug)]
pub struct MyDieChain {
    /// For each CPU: a bit for each callback that it is in.
    inside: [AtomicU32; 64],
}

impl Default for MyDieChain {
    fn default() -> Self {
        MyDieChain { inside: std::array::from_fn(|_| AtomicU32::new(0)) }
    }
}

impl DieChain for MyDieChain {
    /// Calls the callbacks, from the first one on. Returns the last answer.
    fn call(&self, callbacks: &impl Callbacks) -> Notify {
        let _ = (callbacks, &self.inside);
        todo!("call each callback, but none that this CPU is in, until one ends the chain")
    }
}
