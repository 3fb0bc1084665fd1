//! Known answers to ex01.

use softlockup::KernelTime;
use softlockup::scenario::nested_oops::Before;

use crate::check::Check;
use crate::ex01::{Answer, ID, checks};
use crate::variants::{Kind, Variant};

const SOLUTION: Answer = {
    use ex01_read_the_number_solution::*;
    Answer { sample_period_ns, timestamp_units, printed_seconds, onset_window }
};

const fn right(name: &'static str, checks: fn() -> Vec<Check>) -> Variant {
    Variant::new(ID, name, Kind::Alternative, checks)
}

const fn wrong(
    name: &'static str,
    by: &'static str,
    words: &'static [&'static str],
    checks: fn() -> Vec<Check>,
) -> Variant {
    Variant::new(ID, name, Kind::Mutant { by, words }, checks)
}

/// Solution, alternatives, mutants.
pub const VARIANTS: &[Variant] = &[
    Variant::new(ID, "solution", Kind::Solution, || checks(SOLUTION)),
    right("divides by 2^30", || checks(DIVIDES)),
    right("128 bits, and a window counted up from the feed", || checks(WIDE)),
    right("thousands, and a loop over samples", || checks(LOOP)),
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
        &["1073741823 ns", "0 whole units", "says 1"],
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
        &["watchdog_thresh of 1 s", "the code says 22"],
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
    wrong("as handed out", "oracle::period", &["not written yet"], || {
        checks(Answer { sample_period_ns: |_| todo!(), ..SOLUTION })
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

const DIVIDES: Answer = Answer {
    sample_period_ns: |thresh| thresh * 400_000_000,
    timestamp_units: |time| time.ns() / 1_073_741_824,
    printed_seconds: |reported, last_feed| {
        reported.ns() / 1_073_741_824 - last_feed.ns() / 1_073_741_824
    },
    onset_window: |reported, thresh, before| {
        let fed = reported - 6 * (thresh * 400_000_000);
        match before {
            Before::Busy => (fed, fed + thresh * 400_000_000),
            Before::Idle => (fed - thresh * 400_000_000, fed),
        }
    },
};

const WIDE: Answer = Answer {
    sample_period_ns: |thresh| u64::try_from(2 * u128::from(thresh) * 1_000_000_000 / 5).unwrap(),
    timestamp_units: |time| (u128::from(time.ns()) / (1 << 30)) as u64,
    printed_seconds: |reported, last_feed| {
        let rest = |time: KernelTime| time.ns() % (1 << 30);
        let borrow = u64::from(rest(reported) < rest(last_feed));
        ((reported.ns() - last_feed.ns()) >> 30) + borrow
    },
    onset_window: |reported, thresh, before| {
        let ns = |tenths: u64| KernelTime::from_ns(reported.ns() - tenths * thresh * 100_000_000);
        if before == Before::Idle { (ns(28), ns(24)) } else { (ns(24), ns(20)) }
    },
};

const LOOP: Answer = Answer {
    sample_period_ns: |thresh| thresh * 2 * 200 * 1_000 * 1_000,
    timestamp_units: |time| time.ns().checked_shr(30).unwrap_or(0),
    printed_seconds: |reported, last_feed| {
        (LOOP.timestamp_units)(reported).wrapping_sub((LOOP.timestamp_units)(last_feed))
    },
    onset_window: |reported, thresh, before| {
        let period = (LOOP.sample_period_ns)(thresh);
        let mut fed = reported;
        let mut samples = 0;
        while (reported.ns() - fed.ns()) >> 30 <= 2 * thresh {
            (fed, samples) = (fed - period, samples + 1);
        }
        let touched = u64::from(before == Before::Idle) * period;
        assert_eq!(samples, 6);
        (fed - touched, fed + period - touched)
    },
};
