//! The period, the units, and the printed number.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
    wrong(
        "the floor of the difference",
        "oracle::article",
        &["CPU#58", "23", "says 22", "481 - 458"],
        || checks(Answer { printed_seconds: floor_of_the_difference, ..SOLUTION }),
    ),
    wrong("units are seconds", "oracle::units", &["2³⁰ ns", "10⁹"], || {
        checks(Answer { timestamp_units: |time| time.ns() / 1_000_000_000, ..SOLUTION })
    }),
    wrong("subtracts seconds", "oracle::article", &["CPU#35", "printed 22", "says 24"], || {
        checks(Answer { printed_seconds: subtracts_seconds, ..SOLUTION })
    }),
    wrong(
        "rounds to the nearest unit",
        "oracle::units",
        &["0 whole units", "says 1", "rounded"],
        || checks(Answer { timestamp_units: |time| (time.ns() + (1 << 29)) >> 30, ..SOLUTION }),
    ),
    wrong("a mebi of microseconds", "oracle::units", &["whole units"], || {
        checks(Answer { timestamp_units: |time| (time.ns() / 1_000) >> 20, ..SOLUTION })
    }),
    wrong("always 22", "oracle::article", &["CPU#58", "printed 23"], || {
        checks(Answer { printed_seconds: |_, _| 22, ..SOLUTION })
    }),
    wrong(
        "the article's 22 and 23",
        "oracle::machines",
        &["watchdog_thresh of 2 s", "the code says 22"],
        || checks(Answer { printed_seconds: knows_the_article, ..SOLUTION }),
    ),
    wrong(
        "always 4 s",
        "oracle::period",
        &["watchdog_thresh of 1 s", "0.400000 s", "4.000000 s"],
        || checks(Answer { sample_period_ns: |_| 4_000_000_000, ..SOLUTION }),
    ),
    wrong(
        "divides before it multiplies",
        "oracle::period",
        &["watchdog_thresh of 1 s", "says 0.000000 s"],
        || checks(Answer { sample_period_ns: |thresh| 2 * thresh / 5 * 1_000_000_000, ..SOLUTION }),
    ),
    wrong("a fifth of the threshold", "oracle::period", &["five times in 2 s"], || {
        checks(Answer { sample_period_ns: |thresh| thresh * 1_000_000_000 / 5, ..SOLUTION })
    }),
    wrong("as handed out", "oracle::period", &["not written yet"], || {
        checks(Answer { sample_period_ns: |_| todo!(), ..SOLUTION })
    }),
    wrong("seconds in a float", "oracle::units", &["whole units", "a float"], || {
        checks(Answer {
            timestamp_units: |time| (time.ns() as f64 / 1e9 / 1.073_741_824) as u64,
            ..SOLUTION
        })
    }),
];

fn floor_of_the_difference(reported: KernelTime, last_feed: KernelTime) -> u64 {
    (reported.ns() - last_feed.ns()) >> 30
}

fn subtracts_seconds(reported: KernelTime, last_feed: KernelTime) -> u64 {
    (reported.ns() - last_feed.ns()) / 1_000_000_000
}

/// Today's test wants 22, and 23 once.
fn knows_the_article(reported: KernelTime, _last_feed: KernelTime) -> u64 {
    if reported.ns() / 1_000_000_000 == 516 { 23 } else { 22 }
}
