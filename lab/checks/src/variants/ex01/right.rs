//! Right ones.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
    solution(|| checks(SOLUTION)),
    right("divides by 2^30", || checks(DIVIDES)),
    right("128 bits, and a window counted up from the feed", || checks(WIDE)),
    right("thousands, and a loop over samples", || checks(LOOP)),
];

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
