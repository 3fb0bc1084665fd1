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
//! | `soft_lockups` | the reports of the watchdog in order of time: see [`SoftLockup`] |
//! | `stuck` | the CPUs that were stuck in the end: see [`Stuck`] |
//! | `oopses` | the oopses in order of time: see [`Oops`] |
//! | `dropped_records` | how many records were lost (wall-clock time only) |

use serde::{Serialize, Serializer};

use super::view::View;
use crate::record::{Event, Symbol};
use crate::{Config, CpuId, Incident, KernelTime, Pid, Vector, sample_period_ns};

/// What a run came to. Displays as text for people; serialises as the object above.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    schema: &'static str,
    version: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// When the machine was switched off.
    #[serde(rename = "ended_ns")]
    pub ended: KernelTime,
    /// The CPU at the root of the waiting: follow who waits for whom, from any stuck CPU, until somebody waits for
    /// itself, for nobody, or for somebody who is not stuck. `None` if nobody is stuck.
    pub culprit: Option<CpuId>,
    /// What the watchdog reported.
    pub soft_lockups: Vec<SoftLockup>,
    /// Who was stuck in the end.
    pub stuck: Vec<Stuck>,
    /// What oopsed.
    pub oopses: Vec<Oops>,
    /// How many records were lost.
    pub dropped_records: u64,
    #[serde(skip)]
    pub(crate) config: Config,
    #[serde(skip)]
    pub(crate) senders_of_ipis: Vec<(CpuId, CpuId)>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
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
    /// For whom the CPU waited then; empty if it just did not let others run.
    pub waits_for: Vec<CpuId>,
    /// Since when it waited.
    #[serde(rename = "wait_began_ns")]
    pub wait_began: Option<KernelTime>,
    /// From when the watchdog counted: when its stopper had run last; or, if 4.19 had been told since then to begin
    /// anew (the CPU left a tickless idle), the sample at which it did.
    #[serde(rename = "last_feed_ns")]
    pub last_feed: Option<KernelTime>,
    /// Which sample since then this was: the sixth, unless it is a repeat, or the CPU had left a tickless idle on 6.12.
    pub sample: u32,
    /// The functions that were interrupted, the innermost first.
    pub stack: Vec<String>,
}

/// A CPU that was stuck when the machine was switched off.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stuck {
    /// Which.
    pub cpu: CpuId,
    /// Where it stands.
    pub place: Place,
    /// Since when.
    #[serde(rename = "since_ns")]
    pub since: KernelTime,
    /// For whom it waits.
    pub waits_for: Option<CpuId>,
    /// Whether its interrupts are off. If so it can neither answer nor report itself.
    pub irqs_off: bool,
    /// Its stack, the innermost function first.
    pub stack: Vec<String>,
}

/// Where a stuck CPU stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// It waits for an answer to a call.
    CsdLockWait,
    /// It waits for `die_lock`.
    DieLock,
    /// It runs without ever reaching an interruption point.
    NoInterruptionPoint,
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
            soft_lockups: Vec::new(),
            oopses: Vec::new(),
            senders_of_ipis: Vec::new(),
            hung: Vec::new(),
            panicked: false,
            dropped: 0,
        };
        incident.records.iter().for_each(|record| reader.read(record));
        let stuck = reader.stuck(incident);
        let outcome = match (reader.panicked, reader.hung.is_empty(), stuck.is_empty()) {
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
            culprit: culprit(&stuck),
            soft_lockups: reader.soft_lockups,
            stuck,
            oopses: reader.oopses,
            dropped_records: reader.dropped,
            config: incident.config.clone(),
            senders_of_ipis: reader.senders_of_ipis,
        }
    }
}

/// What is gathered on the way through the records.
struct Reader {
    view: View,
    soft_lockups: Vec<SoftLockup>,
    oopses: Vec<Oops>,
    /// Who sent a call IPI to whom: one entry each.
    senders_of_ipis: Vec<(CpuId, CpuId)>,
    hung: Vec<(CpuId, KernelTime)>,
    panicked: bool,
    dropped: u64,
}

impl Reader {
    fn read(&mut self, record: &crate::Record) {
        let &crate::Record { time, cpu, ref event, .. } = record;
        self.view.apply(record);
        let view = self.view.cpu(cpu);
        match *event {
            Event::SoftLockup { printed } => self.soft_lockups.push(SoftLockup {
                cpu,
                time,
                printed_seconds: printed,
                comm: view.comm.clone(),
                pid: view.pid,
                waits_for: self.view.waits_for(cpu).into_iter().collect(),
                wait_began: view.csd_wait.map(|wait| wait.since).or(view.die_lock_wait),
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
                nested: view.stack().contains(&"die"),
            }),
            Event::Oops { count, .. } => {
                let last = self.oopses.iter_mut().rfind(|oops| oops.cpu == cpu);
                last.into_iter().for_each(|oops| oops.count = Some(count));
            }
            Event::IpiSend { to, vector: Vector::CallFunction } => {
                self.senders_of_ipis.push((cpu, to));
            }
            Event::HostHang => self.hung.push((cpu, time)),
            Event::Panic { .. } => self.panicked = true,
            Event::Dropped { count } => self.dropped += count,
            _ => {}
        }
    }

    /// Who is stuck in the end. Proven: a CPU that waits for itself. Judged by time: one that has waited for longer
    /// than a sample period (no healthy wait takes that long, on a loaded host either). And whoever waits for one of
    /// those.
    fn stuck(&self, incident: &Incident) -> Vec<Stuck> {
        let period = sample_period_ns(incident.config.watchdog_thresh_secs.max(1));
        let waiting: Vec<Stuck> = (0..incident.config.nr_cpus)
            .map(CpuId)
            .filter_map(|cpu| {
                let view = self.view.cpu(cpu);
                let hung = self.hung.iter().find(|(hung, _)| *hung == cpu);
                let (place, since) = match (hung, view.csd_wait, view.die_lock_wait) {
                    (Some(&(_, since)), ..) => (Place::NoInterruptionPoint, since),
                    (_, Some(wait), _) => (Place::CsdLockWait, wait.since),
                    (_, _, Some(since)) => (Place::DieLock, since),
                    _ => return None,
                };
                Some(Stuck {
                    cpu,
                    place,
                    since,
                    waits_for: self.view.waits_for(cpu),
                    irqs_off: view.irqs_off,
                    stack: owned(&view.stack()),
                })
            })
            .collect();
        let for_long = |stuck: &Stuck| {
            stuck.place == Place::NoInterruptionPoint
                || stuck.waits_for == Some(stuck.cpu)
                || incident.ended.ns_since(stuck.since) > period
        };
        let (mut stuck, mut others): (Vec<_>, Vec<_>) = waiting.into_iter().partition(for_long);
        loop {
            let (more, rest): (Vec<_>, Vec<_>) = others.into_iter().partition(|other: &Stuck| {
                stuck.iter().any(|stuck| Some(stuck.cpu) == other.waits_for)
            });
            if more.is_empty() {
                break;
            }
            stuck.extend(more);
            others = rest;
        }
        stuck.sort_by_key(|stuck| (stuck.since, stuck.cpu));
        stuck
    }
}

fn owned(stack: &[&str]) -> Vec<String> {
    stack.iter().map(|&func| func.to_owned()).collect()
}

/// The root that most stuck CPUs lead to; the earliest of them, if several do.
fn culprit(stuck: &[Stuck]) -> Option<CpuId> {
    let find = |cpu: CpuId| stuck.iter().position(|stuck| stuck.cpu == cpu);
    let root = |start: usize| {
        let mut at = start;
        // As many steps as there are CPUs are enough; a ring of waiters has no better root than where we stand.
        for _ in 0..stuck.len() {
            match stuck[at].waits_for.and_then(find) {
                Some(next) if next != at => at = next,
                _ => break,
            }
        }
        at
    };
    let mut led_to = vec![0; stuck.len()];
    (0..stuck.len()).for_each(|start| led_to[root(start)] += 1);
    // `max_by_key` takes the last of equals: look from the end, to get the earliest.
    let most = (0..stuck.len()).rev().max_by_key(|&n| led_to[n])?;
    Some(stuck[most].cpu)
}
