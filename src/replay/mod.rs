//! The machine lives through the incident of a log, and prints its console beside the log's.
//!
//! A diagnosis says which CPU does not answer and since when others wait for it. If that is right, a machine in which
//! that CPU stops, and the others begin to wait at those moments, prints what the log has: the same numbers at the same
//! stamps. [`Replay::of`] builds this machine, [`Replay::run`] lets it run and compares.
//!
//! ```
//! use softlockup::Scenario;
//! use softlockup::dmesg::diagnosis::diagnose;
//! use softlockup::replay::Replay;
//! use softlockup::scenario::wait_chains::WaitChains;
//!
//! let log = WaitChains::default().machine()?.run()?.incident.console();
//! let incidents = diagnose(log.as_bytes());
//! let both = Replay::of(log.as_bytes(), &incidents[0])?.run()?;
//! assert_eq!((both.equal(), both.reports()), (2, 2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is given, and what is predicted
//!
//! Given, from the first report of each CPU: the phase of its timer, the time since which it is not fed, and whether it was
//! idle before. Given, from later stamps: that something touched the watchdog, where a CPU reports late; and the phase, to
//! milliseconds, because a stamp can only be late. Predicted: every number, and every report that is not late.
//!
//! So a replay confirms the numbers and the waits. It does not confirm which CPU is silent: any other would leave the
//! same victims.
//!
//! In Linux: no code does this.
//! Here it differs: only soft lockups are lived through. CPUs that do not wait are not brought up. Printing takes no time, and the other detectors are off.

mod headline;
mod kernel;
mod log;
mod pairs;
mod side_by_side;
mod waits;

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;

pub use headline::Headline;
pub use kernel::{Likeness, Reason};
pub use side_by_side::{Row, SideBySide};

use crate::config::bring_up::{BringUp, OnlineAt};
use crate::config::console::PrintOrder;
use crate::config::detectors::Detectors;
use crate::config::{Config, MAX_CPUS};
use crate::cpumask::CpuId;
use crate::dmesg::diagnosis::Diagnosis;
use crate::dmesg::diagnosis::verdict::Verdict;
use crate::dmesg::parse;
use crate::replay::headline::order;
use crate::replay::log::Log;
use crate::replay::waits::{Law, Wait, waits};
use crate::scenario::stops_answering::{StopsAnswering, Waiter};
use crate::scenario::{At, Scenario};
use crate::time::{KernelTime, sample_period_ns};

/// The incident of a log, ready to be lived through.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The machine, the silent CPU and those that wait.
    pub scenario: StopsAnswering,
    /// Which kernel it runs, and why.
    pub likeness: Likeness,
    /// What had to be assumed, or left out.
    pub notes: Vec<Note>,
    reports: Vec<Headline>,
}

/// What a replay assumes or leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The log names no silent CPU, so this one, which the log does not show, stands in for it.
    StandIn(CpuId),
    /// The named CPU reports itself: it takes interrupts and waits like the others. So this one stands in for what it
    /// waits for.
    CulpritReports {
        /// The CPU that the log names.
        culprit: CpuId,
        /// The one that is silent in the replay.
        stand_in: CpuId,
    },
    /// CPUs whose numbers are too high for a machine.
    TooManyCpus(Vec<CpuId>),
    /// CPUs that report later than a hundred others: so many do not wait here.
    TooManyWaiters(Vec<CpuId>),
    /// Reports without a stamp.
    Unstamped(usize),
    /// CPUs whose first number does not follow from its stamp.
    Assumed(Vec<CpuId>),
    /// Something touched the watchdogs of these CPUs while they waited.
    Touched(Vec<CpuId>),
    /// Reports of CPUs that ran after an earlier one: another wait, which is not lived through.
    LaterWaits(usize),
    /// Reports that come later than the machine runs.
    TooLate(usize),
}

/// A log whose incident cannot be lived through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CannotReplay {
    /// No CPU reported itself.
    NoReports,
    /// No report has a stamp.
    NoStamps,
    /// The stamps are too early for the numbers: they do not count from boot.
    TooEarly,
}

impl fmt::Display for CannotReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CannotReplay::NoReports => "no CPU reported a soft lockup",
            CannotReplay::NoStamps => "no soft lockup has a stamp that counts from boot",
            CannotReplay::TooEarly => "the stamps are smaller than the numbers allow",
        })
    }
}

impl Error for CannotReplay {}

/// A machine lives through so much of an incident that its CPUs sample themselves this often together. For 64 CPUs that is
/// 17 hours.
const MOST_SAMPLES: u64 = 1_000_000;

/// How many samples the machine takes before a CPU begins to wait, so that watchdogs are fed up to then.
const WELL_SAMPLES: u64 = 4;

/// The highest number of a CPU that a log can show: two more are needed.
const HIGHEST: u32 = MAX_CPUS - 3;

impl Replay {
    /// The incident that `diagnosis` is of, which must be one of this log.
    ///
    /// # Errors
    /// If nothing in it can be lived through, and why.
    pub fn of(log: &[u8], diagnosis: &Diagnosis) -> Result<Self, CannotReplay> {
        let log = Log::read(log, diagnosis, HIGHEST);
        let thresh_secs = thresh_secs(diagnosis);
        let period = sample_period_ns(thresh_secs);
        let likeness = Likeness::of(&log, thresh_secs);
        let Log { mut reports, unstamped, highest_cpu: seen, .. } = log;
        let mut notes = Vec::new();
        if reports.is_empty() {
            return Err(if unstamped == 0 {
                CannotReplay::NoReports
            } else {
                CannotReplay::NoStamps
            });
        }
        if unstamped > 0 {
            notes.push(Note::Unstamped(unstamped));
        }
        let log_begins = diagnosis.times.map_or(KernelTime::BOOT, |(first, _)| first);
        let law = Law { likeness: &likeness, thresh_secs, log_begins };
        let (waits, later) = plan(&reports, &law, &mut notes);
        let onset = |wait: &Wait| wait.fed + period / 2;
        let first = waits.iter().map(onset).min().ok_or(CannotReplay::TooEarly)?;
        let last = waits.iter().map(|wait| wait.last).max().unwrap_or_default();
        let latest = first + MOST_SAMPLES / u64::from(seen + 1) * period;
        let until = latest.min(last + period / 2);
        let too_late = reports.iter().filter(|report| report.time > until).count();
        if too_late > 0 {
            notes.push(Note::TooLate(too_late));
        }
        if !later.is_empty() {
            notes.push(Note::LaterWaits(later.len()));
        }
        let culprit = silent_cpu(diagnosis, &waits, CpuId(seen + 1), &mut notes);
        let touched: Vec<CpuId> =
            waits.iter().filter(|wait| !wait.touched.is_empty()).map(|wait| wait.cpu).collect();
        // Whatever touches them is a CPU that the log does not show.
        let nr_cpus = seen.max(culprit.0) + 1 + u32::from(!touched.is_empty());
        if !touched.is_empty() {
            notes.push(Note::Touched(touched));
        }
        let well = waits.iter().map(|wait| wait.fed).min().unwrap_or_default();
        let boot = well - WELL_SAMPLES * period;
        let online_at = |wait: &Wait| wait.fed - wait.fed.ns_since(boot) / period * period;
        let online = waits.iter().map(|wait| OnlineAt { cpu: wait.cpu, at: online_at(wait) });
        let others = [culprit, CpuId(nr_cpus - 1)].map(|cpu| OnlineAt { cpu, at: boot });
        let is_waiter = |cpu: CpuId| waits.iter().any(|wait| wait.cpu == cpu);
        let others = others.into_iter().filter(|other| !is_waiter(other.cpu));
        let config = Config {
            nr_cpus,
            kernel: likeness.kernel,
            watchdog_thresh_secs: thresh_secs,
            print_order: PrintOrder::Stock,
            console_touches_watchdog: likeness.console_touches_watchdog,
            detectors: Detectors { softlockup: true, ..Detectors::NONE },
            bring_up: BringUp {
                first_ns: KernelTime::MAX.ns(), // all others are never brought up
                per_cpu_ns: 0,
                tick_ns: 0, // stamps tell each CPU's phase already
                tick_offset_ns: 0,
            },
            online: online.chain(others).collect(),
            ..Config::default()
        };
        const BEFORE_NS: u64 = 1_000_000;
        let scenario = StopsAnswering {
            config,
            culprit: At { cpu: culprit, time: first - BEFORE_NS },
            waiters: waits.iter().map(|wait| waiter(wait, onset(wait), &reports)).collect(),
            until: Some(until),
        };
        let later: BTreeSet<_> = later.iter().map(|report| (report.time, report.cpu)).collect();
        reports.retain(|report| {
            let is_later = later.contains(&(report.time, report.cpu));
            report.time <= until && !is_later && waits.iter().any(|wait| wait.cpu == report.cpu)
        });
        Ok(Replay { scenario, likeness, notes, reports })
    }

    /// Lives through it.
    ///
    /// # Errors
    /// If the machine cannot be set up, or the host refuses a thread.
    pub fn run(&self) -> Result<SideBySide, Box<dyn Error>> {
        let incident = self.scenario.machine()?.run()?.incident;
        let printed = parse(incident.console().as_bytes());
        let mut ours: Vec<Headline> =
            printed.iter().filter_map(|entry| Headline::of(entry)?.ok()).collect();
        order(&mut ours);
        let period = sample_period_ns(self.scenario.config.watchdog_thresh_secs);
        Ok(SideBySide::of(&self.reports, ours, period))
    }
}

/// The waits of these reports, of which those with a CPU that no machine has are taken out.
fn plan(reports: &[Headline], law: &Law, notes: &mut Vec<Note>) -> (Vec<Wait>, Vec<Headline>) {
    let (mut waits, later) = waits(reports, law);
    let cpus = |waits: &[Wait], which: fn(&Wait) -> bool| -> Vec<CpuId> {
        waits.iter().filter(|wait| which(wait)).map(|wait| wait.cpu).collect()
    };
    const MOST_WAITERS: usize = 128; // each looks whenever another one does something
    waits.sort_by_key(|wait| (wait.sample, wait.cpu));
    let crowd: Vec<CpuId> = waits.iter().skip(MOST_WAITERS).map(|wait| wait.cpu).collect();
    if !crowd.is_empty() {
        waits.truncate(MOST_WAITERS);
        notes.push(Note::TooManyWaiters(crowd));
    }
    let too_high = cpus(&waits, |wait| wait.cpu.0 > HIGHEST);
    if !too_high.is_empty() {
        waits.retain(|wait| wait.cpu.0 <= HIGHEST);
        notes.push(Note::TooManyCpus(too_high));
    }
    let assumed = cpus(&waits, |wait| wait.is_assumed);
    if !assumed.is_empty() {
        notes.push(Note::Assumed(assumed));
    }
    (waits, later)
}

/// The threshold of the log's watchdogs: the diagnosis knows it by the period.
fn thresh_secs(diagnosis: &Diagnosis) -> u64 {
    const DEFAULT: u64 = 10;
    let began = diagnosis.victims.iter().find_map(|victim| victim.began);
    let period = began.map(|(from, to)| to.ns_since(from));
    let of = |period: &u64| (1..=60).find(|secs| sample_period_ns(*secs) == *period);
    period.as_ref().and_then(of).unwrap_or(DEFAULT)
}

/// The CPU that is silent in the replay: the named one, if it can be.
fn silent_cpu(
    diagnosis: &Diagnosis,
    waits: &[Wait],
    stand_in: CpuId,
    notes: &mut Vec<Note>,
) -> CpuId {
    match diagnosis.verdict {
        Verdict::Named { cpu, .. } if cpu.0 > HIGHEST => {
            notes.push(Note::TooManyCpus(vec![cpu]));
            stand_in
        }
        Verdict::Named { cpu: culprit, .. } if waits.iter().any(|wait| wait.cpu == culprit) => {
            notes.push(Note::CulpritReports { culprit, stand_in });
            stand_in
        }
        Verdict::Named { cpu, .. } => cpu,
        _ => {
            notes.push(Note::StandIn(stand_in));
            stand_in
        }
    }
}

fn waiter(wait: &Wait, onset: KernelTime, reports: &[Headline]) -> Waiter {
    let task = reports.iter().find(|report| report.cpu == wait.cpu);
    let (comm, pid) = task.and_then(|report| report.task.clone()).unwrap_or(("task".into(), 1));
    Waiter {
        at: At { cpu: wait.cpu, time: onset },
        comm,
        pid,
        was_idle: wait.was_idle,
        touched: wait.touched.clone(),
    }
}
