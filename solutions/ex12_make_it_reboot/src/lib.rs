//! # Why it works
//!
//! **The lock** says which CPU holds it. A CPU that finds its own number there wrote it itself, and has not cleared it
//! since; no other CPU can write that number. So "I hold it" is certain, and "another CPU holds it" may change at any
//! moment, which is what the exchange is for.
//!
//! | operation | order | because |
//! |---|---|---|
//! | the load of `holder` | Relaxed | it finds its own number only if this CPU stored it, and a CPU sees its own stores |
//! | the exchange that succeeds | Acquire | this CPU goes on to read and write what the last holder wrote: the report, and `depth` |
//! | the exchange that fails | Relaxed | it only looks, and looks again |
//! | `depth` | Relaxed | the holder alone reads and writes it; `holder` carries it from one to the next |
//! | the store of 0 to `holder` | Release | all that this CPU wrote comes before it, `depth` too; so `depth` is cleared first |
//!
//! `task_exit` gives back every level at once, because no stack is left that would do it one by one; and only if this
//! CPU holds the lock, because tasks exit everywhere. x86 lacks it: its lock stays taken with no owner, and the next
//! oops hangs.
//!
//! **The chain** notes that it is in a callback *before* it calls it. If the callback faults, the walk inside the fault
//! finds the note and goes on behind it; the callback after it, which saves the log, runs. If the task dies there, the
//! note is never taken back: this CPU has seen that callback fault, and leaves it alone from then on. If the task is
//! spared, the call returns and the note goes. Every CPU has notes of its own, and reads and writes no other's:
//! Relaxed.

use softlockup::ThisCpu;
use softlockup::parts::die_chain::{Callbacks, DieChain, Notify};
use softlockup::parts::die_lock::DieLock;
use softlockup::sync::{AtomicU32, Ordering::*};

/// A lock that a CPU may take again, and that a dying task gives back.
#[derive(Debug, Default)]
pub struct MyDieLock {
    /// 0: free. n + 1: CPU n holds it.
    holder: AtomicU32,
    /// How often it does.
    depth: AtomicU32,
}

impl MyDieLock {
    fn is_held_by(&self, cpu: &impl ThisCpu) -> bool {
        self.holder.load(Relaxed) == cpu.id().0 + 1
    }

    fn set_depth(&self, depth: u32) -> u32 {
        self.depth.store(depth, Relaxed);
        if depth == 0 {
            self.holder.store(0, Release);
        }
        depth
    }
}

impl DieLock for MyDieLock {
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        if !self.is_held_by(cpu) {
            while self.holder.compare_exchange(0, cpu.id().0 + 1, Acquire, Relaxed).is_err() {
                cpu.relax();
            }
        }
        self.set_depth(self.depth.load(Relaxed) + 1)
    }

    fn unlock(&self, _cpu: &impl ThisCpu) -> u32 {
        self.set_depth(self.depth.load(Relaxed) - 1)
    }

    fn task_exit(&self, cpu: &impl ThisCpu) {
        if self.is_held_by(cpu) {
            self.set_depth(0);
        }
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
    fn call(&self, callbacks: &impl Callbacks) -> Notify {
        let inside = &self.inside[callbacks.cpu().index()];
        let mut answer = Notify::Done;
        for n in 0..callbacks.count() {
            if inside.load(Relaxed) >> n & 1 == 1 {
                continue;
            }
            inside.fetch_or(1 << n, Relaxed);
            answer = callbacks.call(n); // may never return
            inside.fetch_and(!(1 << n), Relaxed);
            if answer.ends_the_chain() {
                break;
            }
        }
        answer
    }
}
