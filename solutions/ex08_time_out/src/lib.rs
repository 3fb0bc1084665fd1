//! # Why it works
//!
//! - The first due counts from the beginning of the wait. It is a nanosecond later than 5 s: the kernel reports when
//!   *more* than the time-out has passed.
//! - Each later due counts from the report before, and not from the beginning. So it lies in the future whenever the
//!   machine asks, even if that report was late, and there is a pause after each report.
//! - Each pause is 5 s longer than the one before. A second report of the same wait says nothing new, and costs a
//!   stack.
//! - On a big machine many CPUs wait for the same one, and each reports. So the pauses grow with the number of CPUs, by
//!   half of its binary logarithm.
//! - It remembers nothing. All that it needs is in `stall`, which belongs to one wait.
//!
//! A lost interrupt is repaired by the first report, after 5 s: the soft-lockup watchdog, at 20 s, sees nothing. A CPU
//! with its interrupts off is named after 5 s, and does not hear the second interrupt either.

use softlockup::KernelTime;
use softlockup::parts::csd_stall::{CsdStall, StallDetector};
use softlockup::time::NSEC_PER_SEC;

/// `smp.csd_lock_timeout`: 5 s.
pub const TIMEOUT_NS: u64 = 5 * NSEC_PER_SEC;

/// Decides when a caller that waits for an answer says so.
#[derive(Clone, Copy, Debug, Default)]
pub struct MyStallDetector;

impl StallDetector for MyStallDetector {
    fn due(&self, stall: &CsdStall) -> KernelTime {
        match stall.reported {
            None => stall.began + TIMEOUT_NS + 1,
            Some(last) => {
                let patience = u64::from(stall.nr_online.ilog2()) / 2 + 1;
                last + TIMEOUT_NS * (stall.reports + 1) * patience + 1
            }
        }
    }
}
