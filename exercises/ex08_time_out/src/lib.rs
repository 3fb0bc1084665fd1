//! # Exercise 8: who has not answered?
//!
//! A CPU that waits in `csd_lock_wait` knows for which CPU it waits. It could say so. With CSD-lock debugging it does:
//!
//! ```text
//! smp: csd: Detected non-responsive CSD lock (#1) on CPU#2, waiting 5000020352 ns for CPU#00 do_nothing+0x0/0x4(0x0).
//! ```
//!
//! In the article no CPU said that, and it took a registers' dump to find CPU 0. This report comes long before the soft
//! lockup, and it names the silent CPU. With each report the waiting CPU also sends its interrupt once more, unless the
//! called CPU is running a call just then; if the first one was lost, that sets it free.
//!
//! Write when the next report of a wait is due. Your detector is right if
//!
//! - the first report comes when *more* than 5 s have passed since the wait began, and at most 1 s after that moment;
//! - each further one comes at least 5 s after the one before, or never. When the report before really came is in
//!   `stall.reported`: a report may be late;
//! - what it says depends on `stall` alone. Many CPUs wait at once, and share one detector: it remembers nothing.
//!
//! The kernel's own due moves further away from report to report, and on bigger machines. You may do as it does.
//!
//! The machine asks once when the wait begins, and again after each report.
//!
//! Predict first: `cargo lab predict ex08.lost SECONDS`.
//!
//! In Linux: `kernel/smp.c`, `csd_lock_wait_toolong`.
//!
//! In the book: `book/src/why-that-function.md`.
//!
//! Grade it: `cargo lab check ex08`. See two incidents with it: `cargo lab replay ex08`. A hint: `cargo lab hint ex08`.

use softlockup::KernelTime;
use softlockup::parts::csd_stall::{CsdStall, StallDetector};
use softlockup::time::NSEC_PER_SEC;

/// `smp.csd_lock_timeout`: 5 s.
pub const TIMEOUT_NS: u64 = 5 * NSEC_PER_SEC;

/// Decides when a caller that waits for an answer says so.
#[derive(Clone, Copy, Debug, Default)]
pub struct MyStallDetector;

impl StallDetector for MyStallDetector {
    /// When `stall` is to be reported next, if the wait still lasts then. A moment plus a number is so many nanoseconds
    /// later: `stall.began + TIMEOUT_NS`.
    fn due(&self, stall: &CsdStall) -> KernelTime {
        match stall.reported {
            None => todo!("when is the first report due?"),
            Some(last) => {
                let _ = last;
                todo!("when is the next one due, if the last one came then?")
            }
        }
    }
}
