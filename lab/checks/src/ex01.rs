//! The checks of ex01: read the number.

use std::fmt::Write;

use softlockup::config::Config;
use softlockup::dmesg::{Message, parse};
use softlockup::incident::report::SoftLockup;
use softlockup::scenario::nested_oops::{Arrivals, Before, NestedOops};
use softlockup::time::{self, NSEC_PER_TIMESTAMP_UNIT};
use softlockup::{CpuId, KernelTime, Parts};

use crate::check::{Check, Failure, Tier};
use crate::consoles::REAL;
use crate::oracle::ask;
use crate::replay;

/// The name in reports.
pub const ID: &str = "ex01";

/// What a learner writes.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// Nanoseconds from one sample to the next.
    pub sample_period_ns: fn(watchdog_thresh_secs: u64) -> u64,
    /// A moment in whole units.
    pub timestamp_units: fn(time: KernelTime) -> u64,
    /// The printed number, from the report and the last feed.
    pub printed_seconds: fn(reported: KernelTime, last_feed: KernelTime) -> u64,
    /// When it began.
    pub onset_window: fn(KernelTime, u64, Before) -> (KernelTime, KernelTime),
}

/// What the four functions must say.
pub fn checks(answer: Answer) -> Vec<Check> {
    let check = |id, rule, run: fn(Answer) -> Result<(), Failure>| {
        Check::new(Tier::Oracle, id, rule, 1, move || run(answer))
    };
    vec![
        check("oracle::period", "five samples lie in twice the threshold", period),
        check("oracle::units", "a unit is 2³⁰ ns, and only whole units count", units),
        check("oracle::article", "the article's five numbers come out", article),
        check("oracle::machines", "the numbers of other machines come out", machines),
        check("oracle::real_consoles", "the numbers of real kernels come out", real_consoles),
        check("oracle::busy_window", "a busy CPU's onset lies in the window", busy_window),
        check("oracle::idle_window", "an idle CPU's onset lies in the window", idle_window),
    ]
}

fn period(answer: Answer) -> Result<(), Failure> {
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

fn units(answer: Answer) -> Result<(), Failure> {
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

/// One line of a console, and what is known about it.
#[derive(Clone, Copy, Debug)]
struct Line {
    cpu: CpuId,
    reported: KernelTime,
    last_feed: KernelTime,
    printed: u64,
}

/// What is known of a report.
fn line_of(lockup: &SoftLockup) -> Option<Line> {
    let &SoftLockup { cpu, time: reported, printed_seconds: printed, .. } = lockup;
    Some(Line { cpu, reported, last_feed: lockup.last_feed?, printed })
}

/// The numbers of `lines`.
fn numbers(of: &str, answer: Answer, lines: Vec<Line>) -> Result<(), Failure> {
    let asked = lines.clone();
    let answers: Vec<u64> = ask(&format!("the numbers that {of} printed"), move || {
        asked.iter().map(|line| (answer.printed_seconds)(line.reported, line.last_feed)).collect()
    })?;
    match lines.iter().zip(answers).find(|(line, said)| line.printed != *said) {
        Some((line, said)) => Err(wrong_number(of, line, said, mistake(answer))),
        None => Ok(()),
    }
}

/// A known mistake, told by a wait of 883 s.
fn mistake(answer: Answer) -> Option<&'static str> {
    let [to, from] = [900, 17].map(KernelTime::from_secs);
    match ask("a wait of 883 s", move || (answer.printed_seconds)(to, from)).ok()? {
        822 => Some("the floor of the difference is not the difference of the floors"),
        883 => Some("these are seconds, and the kernel counts units"),
        _ => None,
    }
}

fn wrong_number(of: &str, line: &Line, said: u64, mistake: Option<&'static str>) -> Failure {
    let &Line { cpu, reported, last_feed, printed } = line;
    let [to, from] = [reported, last_feed].map(time::get_timestamp);
    let ns = reported.ns_since(last_feed);
    let message = format!(
        "CPU#{cpu} of {of} was fed last at {last_feed} s, reported itself at {reported} s, and printed {printed}; \
         the code says {said}. The kernel subtracts whole units: {to} - {from} = {printed}. The time between, {} s \
         or {:.2} units, it never computes: a reader who takes the number for that time is wrong by up to a unit, \
         and by 7 % on top",
        KernelTime::from_ns(ns),
        ns as f64 / NSEC_PER_TIMESTAMP_UNIT as f64,
    );
    Failure { mistake, ..Failure::new(message) }
}

/// As the machine prints them: the stamps of the article's own console differ from these by a few microseconds.
fn article(answer: Answer) -> Result<(), Failure> {
    let report = replay::live(&NestedOops::default(), Parts::stock())?.report();
    let lines: Vec<Line> = report.soft_lockups.iter().filter_map(line_of).collect();
    assert_eq!(lines.len(), 5, "the article has five reports");
    numbers("the article", answer, lines)
}

/// Seeds that no page of the course shows, each with a threshold.
fn random_machines(before: Before, thresholds: &[u64]) -> Vec<(u64, NestedOops)> {
    let machine = |(&thresh, n): (&u64, u64)| {
        let config = Config { nr_cpus: 24, watchdog_thresh_secs: thresh, ..Config::default() };
        let arrivals = Arrivals::Seed(0x5EED_0100 + 977 * n + thresh);
        (thresh, NestedOops { config, arrivals, before, ..NestedOops::default() })
    };
    thresholds.iter().zip(0..).map(machine).collect()
}

fn machines(answer: Answer) -> Result<(), Failure> {
    let mut count = 0;
    for (thresh, scenario) in random_machines(Before::Busy, &[1, 2, 3, 5, 8, 10, 13, 20, 30]) {
        let report = replay::live(&scenario, Parts::stock())?.report();
        let lines: Vec<Line> = report.soft_lockups.iter().filter_map(line_of).collect();
        count += lines.len();
        numbers(&format!("a machine with a watchdog_thresh of {thresh} s"), answer, lines)?;
    }
    assert!(count > 20, "{count} reports are too few to tell");
    Ok(())
}

fn real_consoles(answer: Answer) -> Result<(), Failure> {
    for console in REAL {
        let lines = parse(console.bytes).into_iter().filter_map(|entry| match entry.message {
            Message::SoftLockup { cpu, secs: printed, .. } => {
                let (reported, period) = (entry.time?, time::sample_period_ns(10));
                // A whole number of samples lie between: the one that is nearest to the printed number.
                let ns = printed * NSEC_PER_TIMESTAMP_UNIT;
                let samples = (ns + period / 2) / period;
                Some(Line { cpu, reported, last_feed: reported - samples * period, printed })
            }
            _ => None,
        });
        numbers(&format!("the real console {}", console.name), answer, lines.collect())?;
    }
    Ok(())
}

fn busy_window(answer: Answer) -> Result<(), Failure> {
    window(answer, Before::Busy, 6)
}

fn idle_window(answer: Answer) -> Result<(), Failure> {
    window(answer, Before::Idle, 7)
}

/// The window after the last report but `samples` samples, which is one period long.
fn window(answer: Answer, before: Before, samples: u64) -> Result<(), Failure> {
    let mut count = 0;
    for (thresh, scenario) in random_machines(before, &[5, 7, 10, 15, 24]) {
        let period = time::sample_period_ns(thresh);
        let report = replay::live(&scenario, Parts::stock())?.report();
        for lockup in report.soft_lockups {
            let (cpu, reported) = (lockup.cpu, lockup.time);
            let began = lockup.wait_began.expect("it waits for CPU 0");
            let right = (reported - samples * period, reported - (samples - 1) * period);
            assert!(right.0 < began && began <= right.1, "{began} is not in {right:?}");
            count += 1;
            let said = ask(&format!("the window of a report at {reported} s"), move || {
                (answer.onset_window)(reported, thresh, before)
            })?;
            if said == right {
                continue;
            }
            let (after, until) = said;
            let was = match before {
                Before::Busy => "was busy, was fed right after each sample, and got stuck at",
                Before::Idle => "was idle, and woke up and touched its watchdog at",
            };
            let outside = began <= after || until < began;
            let wrong = match outside {
                true => "which is outside of it".to_owned(),
                false => format!(
                    "which is inside; but the window that the watchdog allows is {} s to {} s",
                    right.0, right.1
                ),
            };
            return Err(Failure::new(format!(
                "with a watchdog_thresh of {thresh} s CPU#{cpu} reported itself at {reported} s, and the code says \
                 that it got stuck between {after} s and {until} s. It {was} {began} s, {wrong}. A sample comes \
                 every {} s: count them back from the report. A reader who looks for the cause in the wrong period finds an innocent task",
                KernelTime::from_ns(period)
            )));
        }
    }
    assert!(count > 10, "{count} reports are too few to tell");
    Ok(())
}

/// What `lab replay` shows: the article's lines, with what the learner's functions say of them.
pub fn replayed(answer: Answer) -> String {
    let incident = match replay::live(&NestedOops::default(), Parts::stock()) {
        Ok(incident) => incident,
        Err(failure) => return failure.message,
    };
    let mut text =
        "CPU    last feed    reported     it printed  your number  your window\n".to_owned();
    for lockup in incident.report().soft_lockups {
        let (cpu, reported) = (lockup.cpu, lockup.time);
        let last_feed = lockup.last_feed.unwrap_or_default();
        let said = ask("the article's lines", move || {
            (
                (answer.printed_seconds)(reported, last_feed),
                (answer.onset_window)(reported, 10, Before::Busy),
            )
        });
        let (number, (after, until)) = match said {
            Ok(said) => said,
            Err(failure) => return failure.message,
        };
        _ = writeln!(
            text,
            "{:<5}  {last_feed}   {reported}   {:<10}  {number:<11}  after {after}, at {until} at the latest",
            format!("#{cpu}"),
            lockup.printed_seconds
        );
    }
    text
}
