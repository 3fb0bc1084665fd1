//! When is a wait for another CPU's answer too long? The decision, as a pure function.
//!
//! In Linux: `kernel/smp.c`, `csd_lock_wait_toolong`.
//! Here it differs: the wait wakes when a report is due, and does not look at the clock in a loop.

use crate::time::{CSD_LOCK_TIMEOUT_NS, KernelTime};

/// A wait for a csd, as far as it is known when the next report is to be fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CsdStall {
    /// `ts0`: when the wait began.
    pub began: KernelTime,
    /// `ts1`: when it was reported last; `None` before the first report.
    pub reported: Option<KernelTime>,
    /// How many times it was reported.
    pub reports: u64,
    /// How many CPUs are online.
    pub nr_online: usize,
}

/// Decides when a caller that waits for an answer says so. Pure.
///
/// The rules, as tests, are in [`contract::csd_stall`](crate::parts::contract::csd_stall).
pub trait StallDetector: Send + Sync + 'static {
    /// When `stall` is to be reported next, if the wait still lasts then.
    fn due(&self, stall: &CsdStall) -> KernelTime;
}

/// A report is made when *more* than the time-out has passed.
const LATER: u64 = 1;

/// The kernel's: a first report after more than 5 s; then each time a multiple of 5 s later, which grows from report to
/// report, and with the number of CPUs.
#[derive(Clone, Copy, Debug, Default)]
pub struct KernelStallDetector;

impl StallDetector for KernelStallDetector {
    fn due(&self, stall: &CsdStall) -> KernelTime {
        let Some(last) = stall.reported else {
            return stall.began + CSD_LOCK_TIMEOUT_NS + LATER;
        };
        let patience = u64::from(stall.nr_online.ilog2()) / 2 + 1;
        last + CSD_LOCK_TIMEOUT_NS * (stall.reports + 1) * patience + LATER
    }
}
