//! How many oopses there were, and whether one is being reported.
//!
//! | atomic of the machine | written by | read by | order |
//! |---|---|---|---|
//! | `die_counter` | the CPU that holds `die_lock` | the same | Relaxed: `die_lock` orders it |
//! | `oops_in_progress` | every CPU that oopses, before `die` and after it | `smp_call_function_*`, to keep quiet | Relaxed: a hint |
//!
//! In Linux: `arch/arm64/kernel/traps.c`, `die_counter`; `lib/bust_spinlocks.c`, `oops_in_progress`.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// See the table above.
#[derive(Debug, Default)]
pub(crate) struct DieState {
    die_counter: AtomicU32,
    oops_in_progress: AtomicU32,
}

impl DieState {
    /// Counts an oops. Returns which one it is, from 1.
    pub(crate) fn count(&self) -> u32 {
        self.die_counter.fetch_add(1, Relaxed) + 1
    }

    /// In Linux: `bust_spinlocks(1)`.
    pub(crate) fn oops_begins(&self) {
        self.oops_in_progress.fetch_add(1, Relaxed);
    }

    /// In Linux: `bust_spinlocks(0)`.
    pub(crate) fn oops_ends(&self) {
        self.oops_in_progress.fetch_sub(1, Relaxed);
    }

    /// Whether an oops is being reported, on any CPU.
    pub(crate) fn oops_in_progress(&self) -> bool {
        self.oops_in_progress.load(Relaxed) != 0
    }
}
