//! When it began.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
    wrong(
        "the fifth sample reports",
        "oracle::busy_window",
        &["outside", "count them back"],
        || checks(Answer { onset_window: five_samples, ..SOLUTION }),
    ),
    wrong(
        "takes the printed number for a time",
        "oracle::busy_window",
        &["inside; but the window"],
        || checks(Answer { onset_window: around_the_number, ..SOLUTION }),
    ),
    wrong("both windows at once", "oracle::busy_window", &["inside; but the window"], || {
        checks(Answer { onset_window: both_windows, ..SOLUTION })
    }),
    wrong(
        "the idle case forgotten",
        "oracle::idle_window",
        &["idle", "touched", "outside"],
        || {
            checks(Answer {
                onset_window: |reported, thresh, _| {
                    (SOLUTION.onset_window)(reported, thresh, Before::Busy)
                },
                ..SOLUTION
            })
        },
    ),
    wrong("the idle case comes later", "oracle::idle_window", &["idle", "outside"], || {
        checks(Answer { onset_window: idle_comes_later, ..SOLUTION })
    }),
    wrong(
        "windows of the default threshold",
        "oracle::busy_window",
        &["watchdog_thresh of 5 s"],
        || {
            checks(Answer {
                onset_window: |reported, _, before| (SOLUTION.onset_window)(reported, 10, before),
                ..SOLUTION
            })
        },
    ),
];

fn five_samples(reported: KernelTime, thresh: u64, before: Before) -> (KernelTime, KernelTime) {
    let period = (SOLUTION.sample_period_ns)(thresh);
    let samples = if before == Before::Busy { 5 } else { 6 };
    (reported - samples * period, reported - (samples - 1) * period)
}

/// "Stuck for 22 s": so from 22 s before, give or take what the printed number can be off.
fn around_the_number(
    reported: KernelTime,
    thresh: u64,
    before: Before,
) -> (KernelTime, KernelTime) {
    let (after, until) = (SOLUTION.onset_window)(reported, thresh, before);
    (after - 1_073_741_824, until + 1_073_741_824)
}

fn both_windows(reported: KernelTime, thresh: u64, _before: Before) -> (KernelTime, KernelTime) {
    let window = |before| (SOLUTION.onset_window)(reported, thresh, before);
    (window(Before::Idle).0, window(Before::Busy).1)
}

/// A touched CPU gets more time: so it got stuck later?
fn idle_comes_later(reported: KernelTime, thresh: u64, before: Before) -> (KernelTime, KernelTime) {
    let period = (SOLUTION.sample_period_ns)(thresh);
    let samples = if before == Before::Busy { 6 } else { 5 };
    (reported - samples * period, reported - (samples - 1) * period)
}
