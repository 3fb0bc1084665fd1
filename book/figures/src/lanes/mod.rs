//! What a figure shows of each CPU, from records alone.

pub(crate) mod calls;
mod irqs;
pub(crate) mod lane;
mod reader;

use std::collections::HashMap;

use softlockup::incident::console::Console;
use softlockup::incident::report::Report;
use softlockup::time::NSEC_PER_SEC;
use softlockup::{CpuId, Incident, KernelTime};

use crate::lanes::calls::{Call, Target};
use crate::lanes::lane::Lane;
use crate::lanes::reader::Reader;

/// The CPU that panicked, when, and why.
pub(crate) type Panic = (CpuId, KernelTime, String);

/// CPUs with a row of their own, at most.
const ROWS: usize = 16;

/// All CPUs, those that something happens to first.
#[derive(Debug)]
pub(crate) struct Lanes {
    pub(crate) shown: Vec<Lane>,
    pub(crate) others: Vec<Lane>,
    /// Calls that some CPU was slow to answer, or did not answer.
    pub(crate) calls: Vec<Call>,
    pub(crate) panic: Option<Panic>,
    /// Where the figure begins and ends. Where all is well for long before the machine is switched off, it ends earlier.
    pub(crate) begin: KernelTime,
    pub(crate) end: KernelTime,
    pub(crate) ended: KernelTime,
    pub(crate) report: Report,
    /// What takes longer than this, in nanoseconds, is shown.
    pub(crate) long: u64,
}

impl Lanes {
    pub(crate) fn of(incident: &Incident) -> Self {
        let mut reader = Reader::new(incident);
        let mut console = Console::new(&incident.config);
        let mut printed_text = String::new();
        for record in &incident.records {
            printed_text.clear();
            console.print(record, &mut printed_text);
            reader.read(record, &printed_text);
        }
        reader.finish(incident)
    }

    fn arrange(
        lanes: Vec<Lane>,
        calls: Vec<Call>,
        panic: Option<Panic>,
        ended: KernelTime,
        report: Report,
    ) -> Self {
        // What takes longer than this can be seen in a figure of the whole run, or of what is left of it.
        let long = [NSEC_PER_SEC, NSEC_PER_SEC / 20, NSEC_PER_SEC / 1_000, 0];
        let is_shown = |long: &u64| lanes.iter().any(|lane| lane.begins(*long, ended).is_some());
        let long = long.into_iter().find(is_shown).unwrap_or(0);
        let is_slow = |call: &Call, target: &Target| target.took_ns(call, ended) > long;
        // A CPU that answers late or never is worth a row, whatever it does itself.
        let mut asked: HashMap<CpuId, KernelTime> = HashMap::new();
        for call in &calls {
            for target in call.targets.iter().filter(|target| is_slow(call, target)) {
                asked.entry(target.cpu).or_insert(call.time);
            }
        }
        let begin = |lane: &Lane| {
            lane.begins(long, ended).into_iter().chain(asked.get(&lane.cpu).copied()).min()
        };
        let first = lanes.iter().filter_map(begin).min().unwrap_or(KernelTime::BOOT);
        let last = lanes.iter().filter_map(|lane| lane.ends(long, ended)).max().unwrap_or(ended);
        let last = if last == first { ended } else { last };
        let end = ended.min(last + last.ns_since(first) * 3 / 5 + NSEC_PER_SEC / 10);
        let lead = (end.ns_since(first) / 25).max(NSEC_PER_SEC / 20);
        let (mut shown, mut others): (Vec<_>, Vec<_>) =
            lanes.into_iter().partition(|lane| begin(lane).is_some());
        shown.sort_by_key(|lane| (begin(lane), !asked.contains_key(&lane.cpu), lane.cpu));
        // The latest go without a row of their own.
        others.splice(0..0, shown.drain(shown.len().min(ROWS)..));
        let slow = |call: &Call| call.targets.iter().any(|target| is_slow(call, target));
        let calls = calls.into_iter().filter(slow).collect();
        Lanes { shown, others, calls, panic, begin: first - lead, end, ended, report, long }
    }

    /// Every CPU.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Lane> {
        self.shown.iter().chain(&self.others)
    }

    /// The row of a CPU, if it has one of its own.
    pub(crate) fn row(&self, cpu: CpuId) -> Option<usize> {
        self.shown.iter().position(|lane| lane.cpu == cpu)
    }
}
