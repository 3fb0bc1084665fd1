//! The CPUs that report themselves: since when each waits, and why it prints what it prints.

use serde::Serialize;

use crate::cpumask::CpuId;
use crate::dmesg::diagnosis::context::Class;
use crate::dmesg::diagnosis::dump::Why;
use crate::dmesg::diagnosis::number::{Expected, Law, Reckoning, next_of};
use crate::dmesg::diagnosis::scene::{Scene, SoftReport};
use crate::record::Pid;
use crate::time::KernelTime;

/// A CPU that reported itself as soft-locked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Victim {
    /// Which CPU.
    pub cpu: CpuId,
    /// The task it runs, if the line is complete.
    pub comm: Option<String>,
    /// That task's number.
    pub pid: Option<Pid>,
    /// What it does, if its dump tells.
    pub class: Option<Class>,
    /// The function it stands in.
    pub function: Option<String>,
    /// The line of its first report.
    pub line: usize,
    /// Its stamp.
    #[serde(rename = "time_ns")]
    pub time: Option<KernelTime>,
    /// Every number that it printed, in order.
    pub printed: Vec<u64>,
    /// Why the first number is what it is; `None` if it does not follow from the stamp.
    pub reckoning: Option<Reckoning>,
    /// The earliest and the latest moment at which it can have begun to wait, if it was busy before. If it was idle, it
    /// may have been as much as one sample period earlier.
    #[serde(rename = "began_ns")]
    pub began: Option<(KernelTime, KernelTime)>,
    /// What it prints next, if it is still stuck and the log shows how often it reports.
    pub next: Option<Expected>,
}

/// The victims, in the order of their first reports.
pub(super) fn victims(scene: &Scene, law: Option<Law>) -> Vec<Victim> {
    let mut order: Vec<CpuId> = Vec::new();
    for report in &scene.soft {
        if !order.contains(&report.cpu) {
            order.push(report.cpu);
        }
    }
    order.into_iter().filter_map(|cpu| victim(scene, law, cpu)).collect()
}

fn victim(scene: &Scene, law: Option<Law>, cpu: CpuId) -> Option<Victim> {
    let reports: Vec<&SoftReport> = scene.soft.iter().filter(|report| report.cpu == cpu).collect();
    let first = *reports.first()?;
    let dump = scene
        .dumps
        .iter()
        .find(|dump| dump.cpu == cpu && dump.why == Why::SoftLockup && dump.is_whole);
    let reckoning = law.and_then(|law| law.reckon(first));
    let began = law
        .zip(reckoning)
        .map(|(law, reckoning)| (reckoning.last_feed, reckoning.last_feed + law.period_ns()));
    let task = first.task.clone();
    Some(Victim {
        cpu,
        comm: task.as_ref().map(|(comm, _)| comm.clone()),
        pid: task.map(|(_, pid)| pid),
        class: dump.and_then(|dump| dump.class),
        function: dump.and_then(|dump| dump.context.frames.first().cloned()),
        line: first.line,
        time: first.time,
        printed: reports.iter().map(|report| report.secs).collect(),
        reckoning,
        began,
        next: next_of(&reports),
    })
}
