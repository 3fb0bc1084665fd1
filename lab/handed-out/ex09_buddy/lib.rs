//! # Exercise 9: who watches whom?
//!
//! CPU 0 of the article keeps its interrupts off. Its own watchdog is a timer interrupt on CPU 0, so it is silent.
//! Another CPU has to notice. From 6.5 on one does: each CPU counts its own timer's interrupts, and each CPU's timer
//! has a look at the count of one other CPU, its *buddy*. A count that does not change is a CPU that takes no timer:
//!
//! ```text
//! watchdog: Watchdog detected hard LOCKUP on cpu 0
//! ```
//!
//! Write both decisions, as pure functions: all memory is in `watch`. They are right if
//!
//! - no CPU watches itself, each CPU that is online is watched by another one that is online, and a CPU that is alone
//!   watches none. CPU numbers may have gaps;
//! - a look that finds another count than the last one finds the CPU `Alive`, whatever was missed or reported before;
//! - looks that find the same count again are misses. The `miss_thresh`-th miss in a row is a `Lockup`, the ones before
//!   it are `Missed`, the ones after it `AlreadyReported`, until the CPU is alive again. `miss_thresh` is at least 1.
//!
//! Before the first look `watch` is the default, and a CPU's count is at least 1.
//!
//! Predict first: `cargo lab predict ex09.reporter CPU`.
//!
//! In Linux: `kernel/watchdog_buddy.c`, `watchdog_next_cpu`; `kernel/watchdog.c`, `is_hardlockup`.
//!
//! In the book: `book/src/why-that-function.md`.
//!
//! Grade it: `cargo lab check ex09`. See the incident with it: `cargo lab replay ex09`. A hint: `cargo lab hint ex09`.

use softlockup::CpuId;
use softlockup::cpumask::CpuMask;
use softlockup::parts::hardlockup::{HardlockupDetector, HardlockupVerdict, HardlockupWatch};

/// Decides which CPU watches which, and what one look finds.
#[derive(Clone, Copy, Debug, Default)]
pub struct MyBuddy;

impl HardlockupDetector for MyBuddy {
    /// Which of the CPUs that are `online` does `cpu` watch? [`CpuMask::iter`] gives them in ascending order,
    /// [`CpuMask::contains`] and [`CpuMask::weight`] tell more.
    fn watches(&self, cpu: CpuId, online: &CpuMask) -> Option<CpuId> {
        let _ = (cpu, online);
        todo!("name a CPU so that each one is watched")
    }

    /// One look at a CPU whose timer has run `interrupts` times: what it finds, and what is remembered until the next.
    /// `watch.saved` is for the count, `watch.missed` for the misses in a row, `watch.warned` for "it was reported".
    fn check(
        &self,
        watch: HardlockupWatch,
        interrupts: u64,
        miss_thresh: u32,
    ) -> (HardlockupWatch, HardlockupVerdict) {
        let _ = (watch, interrupts, miss_thresh);
        todo!("has its timer run since the last look? If not, for how many looks?")
    }
}
