//! The report: the article's three questions, answered for one run from its records.
//!
//! As JSON it is one object, version 1:
//!
//! | field | is |
//! |---|---|
//! | `schema`, `version` | `"softlockup.report"`, `1` |
//! | `outcome` | `hung`, `recovered`, `panicked` or `host_hang`: see [`Outcome`] |
//! | `ended_ns` | when the machine was switched off, in nanoseconds of kernel time |
//! | `culprit` | the CPU that everything waits for, or `null`: see [`Report::culprit`] |
//! | `diagnosis` | the class of cause, as below |
//! | `diagnosed_cpus` | the CPUs to blame for it, in order: see [`Diagnosis`] |
//! | `detections` | what each detector found, in order of time: see [`Detection`] |
//! | `soft_lockups` | the reports of the watchdog in order of time: see [`SoftLockup`] |
//! | `stuck` | the CPUs that were stuck in the end: see [`Stuck`] |
//! | `not_stopped` | after a panic: the CPUs that did not stop, whose registers a dump would lack |
//! | `oopses` | the oopses in order of time: see [`Oops`] |
//! | `dropped_records` | how many records were lost (wall-clock time only) |
//!
//! | `cause` | says |
//! |---|---|
//! | `self_deadlock` | a CPU waits for a `die_lock` that it holds |
//! | `leaked_die_lock` | a CPU waits for a `die_lock` whose holder is dead |
//! | `interrupts_off` | a CPU keeps its interrupts off and waits for no CPU |
//! | `lost_ipi` | callers wait for a CPU that takes interrupts, and never took their IPI |
//! | `waiting_with_interrupts_off` | CPUs wait for each other, in a ring, with interrupts off |
//! | `slow_cpu` | no CPU is stuck; but a CPU waited for more than 5 s for a CPU that had its interrupts off |
//! | `not_preempted` | a CPU takes interrupts but lets no other task run |
//! | `no_interruption_point` | a CPU runs without ever reaching an interruption point |
//! | `unanswered` | callers wait for a CPU that heard them: a part of the machine is wrong |
//! | `none` | no CPU is stuck, and none waited for long |

mod detection;
pub mod diagnosis;
mod stuck;
mod text;

pub use detection::{Detection, Detector};
pub use stuck::{Place, Stuck};

use std::collections::HashMap;

use serde::{Serialize, Serializer};

use crate::config::Config;
use crate::cpumask::CpuId;
use crate::incident::Incident;
use crate::incident::report::diagnosis::{Diagnosis, Tracker};
use crate::incident::view::View;
use crate::record::{Event, Pid, Record, Symbol};
use crate::time::{KernelTime, sample_period_ns};
use crate::vector::Vector;

/// How a run ended, and what happened on the way. Displays as text for people; serialises as the object above.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    schema: &'static str,
    version: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// When the machine was switched off.
    #[serde(rename = "ended_ns")]
    pub ended: KernelTime,
    /// The CPU at the root of the waiting. Start at any stuck CPU, and go from each CPU to the CPU that it waits for,
    /// until a CPU waits for itself or for no CPU. In a ring, it is the CPU that began to wait first. The culprit need
    /// not be stuck itself: it may be slow, or never have got the IPI. `None` if no CPU is stuck; else one of
    /// [`Diagnosis::cpus`].
    pub culprit: Option<CpuId>,
    /// What was wrong, and with which CPUs: from records only. Of a ring of waiters, all are named.
    #[serde(flatten)]
    pub diagnosis: Diagnosis,
    /// What each detector found, and when.
    pub detections: Vec<Detection>,
    /// What the watchdog reported.
    pub soft_lockups: Vec<SoftLockup>,
    /// The CPUs that were stuck in the end.
    pub stuck: Vec<Stuck>,
    /// After a panic, the CPUs that did not stop: a dump would have what they wrote to memory, but not their registers.
    pub not_stopped: Vec<CpuId>,
    /// What oopsed.
    pub oopses: Vec<Oops>,
    /// How many records were lost.
    pub dropped_records: u64,
    #[serde(skip)]
    pub(crate) config: Config,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// At least one CPU waits for something that will never come.
    Hung,
    /// Every CPU answers, whatever happened before.
    Recovered,
    /// The kernel panicked.
    Panicked,
    /// A CPU's code never reached an interruption point, and the host ended the run. No kernel would say that: on
    /// real hardware there is no such thing.
    HostHang,
}

/// One `BUG: soft lockup`, and why it says what it says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SoftLockup {
    /// The CPU that reports itself.
    pub cpu: CpuId,
    /// When.
    #[serde(rename = "time_ns")]
    pub time: KernelTime,
    /// The printed number: ⌊time/U⌋ − ⌊last feed/U⌋ with U = 2³⁰ ns.
    pub printed_seconds: u64,
    /// The task that ran.
    pub comm: Symbol,
    /// Its number.
    pub pid: Pid,
    /// The CPU that it waited for then; empty if it only kept other tasks from running.
    pub waits_for: Vec<CpuId>,
    /// Since when it waited.
    #[serde(rename = "wait_began_ns")]
    pub wait_began: Option<KernelTime>,
    /// From when the watchdog counted: the last run of the stopper. On 4.19, if the watchdog was touched since then
    /// (the CPU left a tickless idle), it is the sample at which the count began anew.
    #[serde(rename = "last_feed_ns")]
    pub last_feed: Option<KernelTime>,
    /// Which sample since then this was: the sixth, unless it is a repeat, or the CPU had left a tickless idle on 6.12.
    pub sample: u32,
    /// The functions that were interrupted, the innermost first.
    pub stack: Vec<String>,
}

/// One oops.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Oops {
    /// On which CPU.
    pub cpu: CpuId,
    /// When it faulted.
    #[serde(rename = "time_ns")]
    pub time: KernelTime,
    /// In which task.
    pub comm: Symbol,
    /// Its number.
    pub pid: Pid,
    /// The address that led nowhere.
    #[serde(serialize_with = "hex")]
    pub addr: u64,
    /// It was a write.
    pub write: bool,
    /// `[#1]`; `None` if `die` never got as far as printing it.
    pub count: Option<u32>,
    /// It came inside the report of another oops on the same CPU.
    pub nested: bool,
}

fn hex<S: Serializer>(addr: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{addr:#x}"))
}

impl Report {
    /// Reads the records of an incident.
    pub fn new(incident: &Incident) -> Self {
        let mut reader = Reader {
            view: View::new(&incident.config),
            tracker: Tracker::new(&incident.config),
            detections: Vec::new(),
            soft_lockups: Vec::new(),
            oopses: Vec::new(),
            calls: HashMap::new(),
            hung: Vec::new(),
            panicked_on: None,
            dropped: 0,
        };
        incident.records.iter().for_each(|record| reader.read(record));
        let period = sample_period_ns(reader.view.watchdog_thresh_secs.max(1));
        let patience = period.max(incident.config.host_slack_ns());
        let stuck = reader.stuck(incident, patience);
        let (culprit, diagnosis) =
            reader.tracker.diagnose(&reader.view, &stuck, incident.ended, patience);
        let not_stopped = reader.not_stopped(incident.config.nr_cpus);
        // In wall-clock time records are in the order of cause and effect, which two CPUs' stamps need not follow.
        reader.soft_lockups.sort_by_key(|lockup| lockup.time);
        reader.detections.sort_by_key(|detection| detection.time);
        reader.oopses.sort_by_key(|oops| oops.time);
        let outcome = match (reader.panicked_on.is_some(), reader.hung.is_empty(), stuck.is_empty())
        {
            (true, _, _) => Outcome::Panicked,
            (_, false, _) => Outcome::HostHang,
            (_, _, false) => Outcome::Hung,
            (_, _, true) => Outcome::Recovered,
        };
        Report {
            schema: "softlockup.report",
            version: 1,
            outcome,
            ended: incident.ended,
            culprit,
            diagnosis,
            detections: reader.detections,
            soft_lockups: reader.soft_lockups,
            not_stopped,
            stuck,
            oopses: reader.oopses,
            dropped_records: reader.dropped,
            config: Config {
                watchdog_thresh_secs: reader.view.watchdog_thresh_secs,
                ..incident.config.clone()
            },
        }
    }
}

impl Incident {
    /// Which CPUs were stuck, which CPU waited for which, and why each report said what it said.
    pub fn report(&self) -> Report {
        Report::new(self)
    }
}

/// What runs while an oops is reported: arm64's function, and x86's. A fault above it is a nested one.
const OOPS_REPORTS: [&str; 2] = ["die", "__die_body"];

/// What is gathered on the way through the records.
struct Reader {
    view: View,
    tracker: Tracker,
    detections: Vec<Detection>,
    soft_lockups: Vec<SoftLockup>,
    oopses: Vec<Oops>,
    /// For each caller and called CPU: whether the caller's last call to that CPU came with an IPI.
    calls: HashMap<(CpuId, CpuId), bool>,
    hung: Vec<CpuId>,
    panicked_on: Option<CpuId>,
    dropped: u64,
}

impl Reader {
    fn read(&mut self, record: &Record) {
        let &Record { time, cpu, ref event, .. } = record;
        self.view.apply(record);
        self.tracker.read(record, &self.view);
        let view = self.view.cpu(cpu);
        self.detections.extend(Detection::of(record));
        match *event {
            Event::SoftLockup { printed } => self.soft_lockups.push(SoftLockup {
                cpu,
                time,
                printed_seconds: printed,
                comm: view.comm.clone(),
                pid: view.pid,
                waits_for: self.view.waits_for(cpu).into_iter().collect(),
                wait_began: view.csd_wait().map(|wait| wait.since).or(view.die_lock_wait),
                last_feed: view.last_feed,
                sample: view.samples,
                stack: owned(&view.regs().stack),
            }),
            Event::Fault { addr, write, .. } => self.oopses.push(Oops {
                cpu,
                time,
                comm: view.comm.clone(),
                pid: view.pid,
                addr,
                write,
                count: None,
                nested: view.stack().iter().any(|func| OOPS_REPORTS.contains(func)),
            }),
            Event::Oops { count, .. } => {
                let last = self.oopses.iter_mut().rfind(|oops| oops.cpu == cpu);
                last.into_iter().for_each(|oops| oops.count = Some(count));
            }
            Event::IpiSend { to, vector: Vector::CallFunction } => {
                self.calls.insert((cpu, to), true);
            }
            Event::CsdQueue { to, .. } => _ = self.calls.insert((cpu, to), false),
            Event::HostHang => self.hung.push(cpu),
            Event::Panic { .. } => self.panicked_on = Some(cpu),
            Event::Dropped { count } => self.dropped = self.dropped.saturating_add(count),
            _ => {}
        }
    }

    fn not_stopped(&self, nr_cpus: u32) -> Vec<CpuId> {
        let Some(panicked_on) = self.panicked_on else { return Vec::new() };
        let runs_on = |cpu: &CpuId| *cpu != panicked_on && !self.view.cpu(*cpu).is_stopped;
        (0..nr_cpus).map(CpuId).filter(runs_on).collect()
    }

    /// The CPUs that are stuck in the end. Proven: a CPU that waits for itself, or hangs the host. Judged by time: a
    /// CPU that has waited, or kept its interrupts off, for longer than `patience_ns` (nothing healthy takes a sample
    /// period, nor does a loaded host take longer to run a thread than its slack); or a CPU that was reported and not fed since. And every CPU that waits for one
    /// of those, or for which one of those waits.
    fn stuck(&self, incident: &Incident, patience_ns: u64) -> Vec<Stuck> {
        let candidates =
            (0..incident.config.nr_cpus).map(CpuId).filter_map(|cpu| self.candidate(cpu));
        let for_sure = |stuck: &Stuck| {
            matches!(stuck.place, Place::NoInterruptionPoint | Place::NotPreempted)
                || stuck.waits_for == Some(stuck.cpu)
                || incident.ended.ns_since(stuck.since) > patience_ns
        };
        let (mut stuck, mut others): (Vec<_>, Vec<_>) = candidates.partition(for_sure);
        loop {
            let with_others = |other: &Stuck| {
                let holds_one_up = stuck.iter().any(|stuck| stuck.waits_for == Some(other.cpu));
                let waits_for_one = stuck.iter().any(|stuck| other.waits_for == Some(stuck.cpu));
                waits_for_one || (holds_one_up && other.irqs_off)
            };
            let (more, rest): (Vec<_>, Vec<_>) = others.into_iter().partition(with_others);
            if more.is_empty() {
                break;
            }
            stuck.extend(more);
            others = rest;
        }
        stuck.sort_by_key(|stuck| (stuck.since, stuck.cpu));
        stuck
    }

    /// A CPU that does not idle or run freely in the end, and so might be stuck.
    fn candidate(&self, cpu: CpuId) -> Option<Stuck> {
        let view = self.view.cpu(cpu);
        let hung = self.hung.contains(&cpu).then_some(view.last_seen);
        let csd_wait = view.csd_wait().map(|wait| wait.since);
        let is_on_purpose = view.is_stopped || view.goes_down;
        let soft_locked = view.is_soft_locked.then_some(view.last_feed).flatten();
        let places = [
            (Place::NoInterruptionPoint, hung),
            (Place::CsdLockWait, csd_wait),
            (Place::DieLock, view.die_lock_wait),
            (Place::InterruptsOff, view.irqs_off_since.filter(|_| !is_on_purpose)),
            (Place::NotPreempted, soft_locked),
        ];
        let (place, since) = places.into_iter().find_map(|(place, since)| Some((place, since?)))?;
        let waits_for = self.view.waits_for(cpu);
        Some(Stuck {
            cpu,
            place,
            since,
            waits_for,
            leaked_on: self.view.die_lock_leaked_on(cpu),
            sent_ipi: waits_for.is_some_and(|on| self.calls.get(&(cpu, on)) == Some(&true)),
            last_feed: view.last_feed,
            irqs_off: view.irqs_off(),
            stack: owned(&view.stack()),
        })
    }
}

fn owned(stack: &[&str]) -> Vec<String> {
    stack.iter().map(|&func| func.to_owned()).collect()
}
