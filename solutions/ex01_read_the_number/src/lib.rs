//! # Why it works
//!
//! - The period multiplies before it divides: `2 * thresh * (10⁹ / 5)` is exact for every threshold.
//! - `>> 30` is a division by 2³⁰ that forgets the rest. A unit is 1.073741824 s, so the printed "seconds" are too few
//!   by 7 %, and the threshold of "20" is really 21.47 s.
//! - The kernel forgets the rest of *each* moment, and then subtracts. A difference of floors is not the floor of a
//!   difference: 24.0 s are 22.35 units, and the number is 23 if the report falls into the first 0.35 of a unit, else
//!   22. So 22 and 23 tell nothing about the CPU. They tell where its sample lies in a unit.
//! - The sixth sample reports: six periods lie between the last feed and the report. A busy CPU got stuck within the
//!   period after that feed: the window is `(T - 6 P, T - 5 P]`, for the article `(T - 24 s, T - 20 s]`.
//! - After idling the count begins at a sample that came *after* the CPU got stuck: one period earlier, `(T - 7 P, T -
//!   6 P]`. The number is the same, and the CPU has been stuck for 4 s longer.
//!
//! So each CPU prints about 22, whenever it got stuck: that is the first of the three questions.

use softlockup::KernelTime;
use softlockup::scenario::nested_oops::Before;

/// Nanoseconds from one sample to the next, if `kernel.watchdog_thresh` is so many seconds.
pub fn sample_period_ns(watchdog_thresh_secs: u64) -> u64 {
    2 * watchdog_thresh_secs * (1_000_000_000 / 5)
}

/// A moment in whole units of 2³⁰ ns since boot.
pub fn timestamp_units(time: KernelTime) -> u64 {
    time.ns() >> 30
}

/// The number that a CPU prints which was fed last at `last_feed` and reports itself at `reported`.
pub fn printed_seconds(reported: KernelTime, last_feed: KernelTime) -> u64 {
    timestamp_units(reported) - timestamp_units(last_feed)
}

/// When the CPU began to be stuck that reports itself for the first time at `reported`.
pub fn onset_window(
    reported: KernelTime,
    watchdog_thresh_secs: u64,
    before: Before,
) -> (KernelTime, KernelTime) {
    let period = sample_period_ns(watchdog_thresh_secs);
    let samples = match before {
        Before::Busy => 6,
        Before::Idle => 7,
    };
    (reported - samples * period, reported - (samples - 1) * period)
}
