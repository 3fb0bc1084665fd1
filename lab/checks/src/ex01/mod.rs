//! The checks of ex01: read the number.

mod number;
mod period_and_units;
mod window;

use std::fmt::Write;

use softlockup::config::Config;
use softlockup::scenario::nested_oops::{Arrivals, Before, NestedOops};
use softlockup::{Incident, KernelTime, Parts};

use crate::check::{Check, Failure, Tier};
use crate::oracle::ask;
use crate::replay;
use number::{article, machines, real_consoles};
use period_and_units::{period, units};
use window::{busy_window, idle_window};

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

/// Runs with seeds that no page of the course shows, each with a threshold.
fn random_machines(before: Before, thresholds: &[u64]) -> Vec<(u64, Result<Incident, Failure>)> {
    let run = |(&thresh, n): (&u64, u64)| {
        let config = Config { nr_cpus: 8, watchdog_thresh_secs: thresh, ..Config::default() };
        let arrivals = Arrivals::Seed(0x5EED_0100 + 977 * n + thresh);
        let scenario = NestedOops { config, arrivals, before, ..NestedOops::default() };
        (thresh, replay::live(&scenario, Parts::stock()))
    };
    replay::at_once(thresholds.iter().zip(0..).collect(), run)
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
