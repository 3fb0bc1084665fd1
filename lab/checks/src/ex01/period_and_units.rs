//! How often a CPU is sampled, and in what the kernel counts.

use softlockup::KernelTime;
use softlockup::time::{self, NSEC_PER_TIMESTAMP_UNIT};

use crate::check::Failure;
use crate::ex01::Answer;
use crate::oracle::ask;

pub(super) fn period(answer: Answer) -> Result<(), Failure> {
    let periods: Vec<u64> = ask("the sample periods of the thresholds 1 to 60", move || {
        (1..=60).map(answer.sample_period_ns).collect()
    })?;
    for (period, thresh) in periods.into_iter().zip(1..) {
        let right = time::sample_period_ns(thresh);
        if period != right {
            return Err(Failure::new(format!(
                "with a watchdog_thresh of {thresh} s a CPU is sampled every {} s, five times in {} s; the code \
                 says {} s. Every window and every delay of the watchdog is a multiple of this period",
                KernelTime::from_ns(right),
                2 * thresh,
                KernelTime::from_ns(period)
            )));
        }
    }
    Ok(())
}

pub(super) fn units(answer: Answer) -> Result<(), Failure> {
    const UNIT: u64 = NSEC_PER_TIMESTAMP_UNIT;
    let moments = [
        0,
        1,
        UNIT - 1,
        UNIT,
        20 * UNIT - 1,
        20 * UNIT,
        22_000_000_000,
        516_538_045_000,
        86_400_000_000_000,
        u64::MAX / 2,
    ];
    let answers = ask("moments in units", move || {
        moments.map(|ns| (answer.timestamp_units)(KernelTime::from_ns(ns)))
    })?;
    for (ns, said) in moments.into_iter().zip(answers) {
        let right = time::get_timestamp(KernelTime::from_ns(ns));
        if said != right {
            return Err(Failure::new(format!(
                "{ns} ns after boot are {right} whole units of 2³⁰ ns = {UNIT} ns; the code says {said}. A kernel \
                 that divided by 10⁹ would print true seconds, and each CPU of the article would print 24"
            )));
        }
    }
    Ok(())
}
