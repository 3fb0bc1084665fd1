//! Requests for a backtrace.
//!
//! | atomic | written by | read by | order |
//! |---|---|---|---|
//! | `backtrace_wanted` of a CPU (in `percpu.rs`) | the CPU that asks sets it; the owner clears it when it has printed | the CPU that asks, while it waits | see `flag.rs`: the answer is printed by then |
//! | `backtrace_flag` of the machine | the CPU that asks, for as long as it waits | the next CPU that wants to ask | Acquire, Release: one request at a time |
//!
//! In Linux: `lib/nmi_backtrace.c`, `backtrace_mask`, `backtrace_flag`.

use std::sync::atomic::{AtomicBool, Ordering::*};

/// One request at a time: see the table above.
#[derive(Debug, Default)]
pub(crate) struct BacktraceFlag {
    backtrace_flag: AtomicBool,
}

impl BacktraceFlag {
    /// Returns whether the calling CPU may ask: no other CPU is asking.
    pub(crate) fn acquire(&self) -> bool {
        !self.backtrace_flag.swap(true, Acquire)
    }

    /// The CPU that asked is done.
    pub(crate) fn release(&self) {
        self.backtrace_flag.store(false, Release);
    }
}
