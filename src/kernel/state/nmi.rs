//! Requests for a backtrace.
//!
//! | atomic | written by | read by | order |
//! |---|---|---|---|
//! | `backtrace_wanted` of a CPU (in `percpu.rs`) | the CPU that asks sets it; the owner clears it when it has printed | the CPU that asks, while it waits | see `flag.rs`: the answer is printed by then |
//! | `backtrace_flag` of the machine | the CPU that asks, for as long as it waits | the next CPU that wants to ask | Acquire, Release: one request at a time |
//! | `soft_lockup_nmi_warn`, `hard_lockup_nmi_warn` of the machine | the CPU that reports a lockup and has all CPUs dumped, for as long as that takes | the next CPU that finds a lockup | the same: one such report at a time |
//!
//! In Linux: `lib/nmi_backtrace.c`, `backtrace_mask`, `backtrace_flag`; `kernel/watchdog.c`, `soft_lockup_nmi_warn`,
//! `hard_lockup_nmi_warn` (before 6.8 `hardlockup_allcpu_dumped`, which is never given back).

use std::sync::atomic::{AtomicBool, Ordering::*};

/// One at a time: see the table above.
#[derive(Debug, Default)]
pub(crate) struct BacktraceFlag {
    taken: AtomicBool,
}

impl BacktraceFlag {
    /// Returns whether the calling CPU may go on: no other CPU is at it. In Linux: `test_and_set_bit_lock`.
    pub(crate) fn acquire(&self) -> bool {
        !self.taken.swap(true, Acquire)
    }

    /// The CPU that went on is done. In Linux: `clear_bit_unlock`.
    pub(crate) fn release(&self) {
        self.taken.store(false, Release);
    }
}

/// Which lockups are being reported with all CPUs' backtraces.
#[derive(Debug, Default)]
pub(crate) struct AllCpuDumps {
    pub(crate) soft_lockup_nmi_warn: BacktraceFlag,
    pub(crate) hard_lockup_nmi_warn: BacktraceFlag,
}
