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
    let all: Vec<(u64, u64)> = moments.into_iter().zip(answers).collect();
    for &(ns, said) in &all {
        let right = time::get_timestamp(KernelTime::from_ns(ns));
        if said != right {
            let failure = Failure::new(format!(
                "{ns} ns after boot are {right} whole units of 2³⁰ ns = {UNIT} ns; the code says {said}. Each number \
                 that the watchdog prints is a difference of two of these"
            ));
            return Err(Failure { mistake: mistake(&all), ..failure });
        }
    }
    Ok(())
}

/// A known mistake, if it makes of each of these moments what was said of it.
fn mistake(said: &[(u64, u64)]) -> Option<&'static str> {
    let seconds = |ns: u64| ns / 1_000_000_000;
    let rounded = |ns: u64| (ns + (1 << 29)) >> 30;
    let of_microseconds = |ns: u64| (ns / 1_000) >> 20;
    let in_a_float = |ns: u64| if ns < 1 << 53 { ns >> 30 } else { (ns >> 30) + 1 };
    type Known = (fn(u64) -> u64, &'static str);
    let known: [Known; 4] = [
        (seconds, "these are seconds: dividing by 10⁹ each CPU of the article would print 24"),
        (rounded, "rounded to the nearest unit; a unit counts when it is over"),
        (of_microseconds, "units of 2²⁰ µs, which are 1.049 s; the kernel shifts nanoseconds"),
        (in_a_float, "a float: it keeps 53 bits, and a `u64` of nanoseconds has more"),
    ];
    let explains =
        |known: &&(fn(u64) -> u64, _)| said.iter().all(|&(ns, said)| known.0(ns) == said);
    known.iter().find(explains).map(|known| known.1)
}
