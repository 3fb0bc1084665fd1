//! Requests for a backtrace.
//!
//! | atomic | written by | read by | order |
//! |---|---|---|---|
//! | `backtrace_wanted` of a CPU (in `percpu.rs`) | the CPU that asks sets it; the owner clears it when it has printed | the CPU that asks, while it waits | see `flag.rs`: the answer is printed by then |
//! | `backtrace_flag` of the machine | the CPU that asks, for as long as it waits | the next CPU that wants to ask | see `bit_lock.rs`: one request at a time |
//! | `soft_lockup_nmi_warn`, `hard_lockup_nmi_warn` of the machine | the CPU that reports a lockup and has all CPUs dumped, for as long as that takes | the next CPU that finds a lockup | likewise: one such report at a time |
//!
//! In Linux: `lib/nmi_backtrace.c`, `backtrace_mask`, `backtrace_flag`; `kernel/watchdog.c`, `soft_lockup_nmi_warn`,
//! `hard_lockup_nmi_warn` (before 6.8 `hardlockup_allcpu_dumped`, which is never given back).

use crate::kernel::state::bit_lock::BitLock;

/// Which lockups are being reported with all CPUs' backtraces.
#[derive(Debug, Default)]
pub(crate) struct AllCpuDumps {
    pub(crate) soft_lockup_nmi_warn: BitLock,
    pub(crate) hard_lockup_nmi_warn: BitLock,
}
