//! The printed number.

use softlockup::dmesg::{Message, parse};
use softlockup::incident::report::SoftLockup;
use softlockup::scenario::nested_oops::{Before, NestedOops};
use softlockup::time::{self, NSEC_PER_TIMESTAMP_UNIT};
use softlockup::{CpuId, KernelTime, Parts};

use crate::check::Failure;
use crate::consoles::REAL;
use crate::ex01::{Answer, random_machines};
use crate::oracle::ask;
use crate::replay;

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
pub(super) fn article(answer: Answer) -> Result<(), Failure> {
    let report = replay::live(&NestedOops::default(), Parts::stock())?.report();
    let lines: Vec<Line> = report.soft_lockups.iter().filter_map(line_of).collect();
    assert_eq!(lines.len(), 5, "the article has five reports");
    numbers("the article", answer, lines)
}

pub(super) fn machines(answer: Answer) -> Result<(), Failure> {
    let mut count = 0;
    for (thresh, run) in random_machines(Before::Busy, &[2, 5, 8, 10, 13, 20, 30]) {
        let report = run?.report();
        let lines: Vec<Line> = report.soft_lockups.iter().filter_map(line_of).collect();
        count += lines.len();
        numbers(&format!("a machine with a watchdog_thresh of {thresh} s"), answer, lines)?;
    }
    assert!(count > 20, "{count} reports are too few to tell");
    Ok(())
}

pub(super) fn real_consoles(answer: Answer) -> Result<(), Failure> {
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
