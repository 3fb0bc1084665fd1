//! # Exercise 1: read the number
//!
//! *The article* is the report of a real incident, which this course takes apart: CPU 0 of an arm64 server hung, and
//! one by one five other CPUs printed a line like `BUG: soft lockup - CPU#58 stuck for 23s!`. (The README tells the
//! story.) Each says about 22. Where does the number come from?
//!
//! A timer samples each CPU, again and again. Between two samples a task of highest priority notes the time: it *feeds*
//! the watchdog. A CPU that lets no other task run is fed no more. At each sample the timer compares: how long ago was
//! the last feed? Two facts shape the answer.
//!
//! - The kernel does not count seconds here. It counts *units* of 2³⁰ ns, because a shift is cheaper than a division.
//!   It keeps the time of the last feed in whole units too.
//! - A CPU is called stuck if *more* than `2 * watchdog_thresh` units lie between the two. It is sampled five times in
//!   `2 * watchdog_thresh` seconds.
//!
//! Write the four functions. You may use no other function of `softlockup::time`: they are what you write here.
//!
//! Predict first: `cargo lab predict ex01.cpu58 NUMBER`.
//!
//! In Linux: `kernel/watchdog.c`, `get_timestamp`, `set_sample_period`, `is_softlockup`.
//!
//! In the book: `book/src/why-22.md`.
//!
//! Grade it: `cargo lab check ex01`. See it beside the article: `cargo lab replay ex01`. A hint: `cargo lab hint ex01`.

use softlockup::KernelTime;
use softlockup::scenario::nested_oops::Before;

/// Nanoseconds from one sample to the next, if `kernel.watchdog_thresh` is so many seconds (1 to 60). With 10 it is 4
/// s.
pub fn sample_period_ns(watchdog_thresh_secs: u64) -> u64 {
    let _ = watchdog_thresh_secs;
    todo!("a fifth of twice the threshold, in nanoseconds")
}

/// A moment in whole units of 2³⁰ ns since boot. [`KernelTime::ns`] gives its nanoseconds.
pub fn timestamp_units(time: KernelTime) -> u64 {
    let _ = time;
    todo!("count the whole units until then")
}

/// The number that a CPU prints which was fed last at `last_feed` and reports itself at `reported`.
pub fn printed_seconds(reported: KernelTime, last_feed: KernelTime) -> u64 {
    let _ = (reported, last_feed);
    todo!("subtract as the kernel does, which has nothing but whole units of each moment")
}

/// When did the CPU begin to be stuck that reports itself for the first time at `reported`? After the first of the two
/// moments, and at the second at the latest.
///
/// With a threshold of 5 s or more it is always the sixth sample after the last feed that reports: the fifth is still
/// within the threshold. And
///
/// - a CPU that was [`Busy`](Before::Busy) before is fed right after each sample. So it got stuck after its last feed,
///   and before the next sample;
/// - a CPU that was [`Idle`](Before::Idle) before has its tick stopped. When it wakes up, it *touches* its watchdog:
///   the next sample finds that, reports nothing, and takes its own time for a feed. So it got stuck up to one period
///   *before* the moment from which its watchdog counts.
///
/// `watchdog_thresh_secs` is 5 to 60.
pub fn onset_window(
    reported: KernelTime,
    watchdog_thresh_secs: u64,
    before: Before,
) -> (KernelTime, KernelTime) {
    let _ = (reported, watchdog_thresh_secs);
    match before {
        Before::Busy => todo!("count the samples back from the report"),
        Before::Idle => todo!("the same, and one thing more"),
    }
}
