//! The numbers and words of a run that prose may quote, by name. An unknown name fails the build.

use anyhow::{Context, Result, bail};
use softlockup::CpuId;
use softlockup::incident::report::{Detector, SoftLockup};
use softlockup::record::Event;
use softlockup::time::{
    KernelTime, NSEC_PER_SEC, NSEC_PER_TIMESTAMP_UNIT, get_timestamp, sample_period_ns,
    softlockup_thresh,
};
use softlockup::vector::Vector;

use crate::runs::Shown;

/// The facts that every run has and prose may be tempted to type: see `typed`.
pub(crate) const NAMES: &[&str] = &[
    "culprit",
    "reports",
    "cpus",
    "period",
    "threshold.units",
    "threshold.seconds",
    "unit",
    "thresh",
    "oops.time",
    "oopses",
    "ended",
    "panic.time",
    "ipis",
    "posts",
    "first_detector",
    "first_detector.time",
    "diagnosis",
];

/// What can be asked of a report: `report[35].time`.
pub(crate) const OF_A_REPORT: &[&str] = &[
    "cpu",
    "comm",
    "time",
    "printed",
    "sample",
    "fed",
    "began",
    "since_feed",
    "waited",
    "units_now",
    "units_fed",
    "waits_for",
];

/// The fact called `name`, of this run.
pub(crate) fn fact(name: &str, shown: &Shown) -> Result<String> {
    if let Some((which, field)) = name.strip_prefix("report[").and_then(|of| of.split_once("].")) {
        return of_report(report(which, &shown.report.soft_lockups)?, field);
    }
    if let Some(text) = name.strip_prefix("count:") {
        return Ok(shown.console.lines().filter(|line| line.contains(text)).count().to_string());
    }
    let (report, config) = (&shown.report, &shown.incident.config);
    let thresh = config.watchdog_thresh_secs;
    let first_detector = || report.detections.first().context("no detector found anything");
    Ok(match name {
        "reports" => report.soft_lockups.len().to_string(),
        "cpus" => config.nr_cpus.to_string(),
        "culprit" => report.culprit.context("no CPU is the culprit of this run")?.to_string(),
        "period" => decimal(sample_period_ns(thresh), 0),
        "threshold.units" => softlockup_thresh(thresh).to_string(),
        "threshold.seconds" => decimal(softlockup_thresh(thresh) * NSEC_PER_TIMESTAMP_UNIT, 2),
        // Rounded, as the report and the figures say it.
        "unit" => decimal(NSEC_PER_TIMESTAMP_UNIT + 500_000, 3),
        "thresh" => thresh.to_string(),
        "oops.time" => report.oopses.first().context("no oops in this run")?.time.to_string(),
        "oopses" => report.oopses.len().to_string(),
        "ended" => report.ended.to_string(),
        "panic.time" => panic_time(shown).context("no panic in this run")?.to_string(),
        "ipis" => sent_by_waiters(shown).to_string(),
        "posts" => posts(shown).to_string(),
        "first_detector" => detector(first_detector()?.detector)?.to_owned(),
        "first_detector.time" => first_detector()?.time.to_string(),
        "diagnosis" => report.diagnosis.to_string(),
        other => bail!("no fact is called `{other}`"),
    })
}

fn report<'all>(which: &str, all: &'all [SoftLockup]) -> Result<&'all SoftLockup> {
    let found = match (which, which.strip_prefix('#')) {
        ("first", _) => all.first(),
        ("last", _) => all.last(),
        (_, Some(place)) => all.get(place.parse::<usize>()?.wrapping_sub(1)),
        (cpu, None) => {
            let cpu = CpuId(cpu.parse().context("say report[35], [#2], [first] or [last]")?);
            all.iter().find(|lockup| lockup.cpu == cpu)
        }
    };
    found.with_context(|| format!("this run has no report [{which}]"))
}

fn of_report(lockup: &SoftLockup, field: &str) -> Result<String> {
    let fed = || lockup.last_feed.context("no feed before this report");
    let began = || lockup.wait_began.context("this CPU waited for no CPU");
    Ok(match field {
        "cpu" => lockup.cpu.to_string(),
        "comm" => lockup.comm.to_string(),
        "time" => lockup.time.to_string(),
        "printed" => lockup.printed_seconds.to_string(),
        "sample" => lockup.sample.to_string(),
        "fed" => fed()?.to_string(),
        "began" => began()?.to_string(),
        "since_feed" => decimal(lockup.time.ns_since(fed()?), 1),
        "waited" => decimal(lockup.time.ns_since(began()?), 1),
        "units_now" => get_timestamp(lockup.time).to_string(),
        "units_fed" => get_timestamp(fed()?).to_string(),
        "waits_for" => {
            let cpus: Vec<String> = lockup.waits_for.iter().map(CpuId::to_string).collect();
            cpus.join(", ")
        }
        other => bail!("a report has no `{other}`"),
    })
}

/// Seconds with so many digits after the point, as the console rounds them: down.
fn decimal(ns: u64, digits: usize) -> String {
    let whole = ns / NSEC_PER_SEC;
    let fraction = format!("{:09}", ns % NSEC_PER_SEC);
    match digits {
        0 => whole.to_string(),
        _ => format!("{whole}.{}", &fraction[..digits]),
    }
}

fn panic_time(shown: &Shown) -> Option<KernelTime> {
    let mut records = shown.incident.records.iter();
    records.find(|record| matches!(record.event, Event::Panic { .. })).map(|record| record.time)
}

/// How many IPIs for calls the CPUs sent that are reported.
fn sent_by_waiters(shown: &Shown) -> usize {
    let waits = |cpu| shown.report.soft_lockups.iter().any(|lockup| lockup.cpu == cpu);
    let sent = shown.incident.records.iter().filter(|record| match record.event {
        Event::IpiSend { to, vector: Vector::CallFunction } => {
            waits(record.cpu) && Some(to) == shown.report.culprit
        }
        _ => false,
    });
    sent.count()
}

/// How many calls were posted to the culprit's queue.
fn posts(shown: &Shown) -> usize {
    let posted = shown.incident.records.iter().filter(
        |record| matches!(record.event, Event::CsdQueue { to, .. } if Some(to) == shown.report.culprit),
    );
    posted.count()
}

fn detector(detector: Detector) -> Result<&'static str> {
    Ok(match detector {
        Detector::Softlockup => "softlockup",
        Detector::HardlockupBuddy => "hardlockup_buddy",
        Detector::HardlockupPerf => "hardlockup_perf",
        Detector::Csd => "csd",
        Detector::RcuStall => "rcu_stall",
        other => bail!("the detector {other:?} has no name here"),
    })
}
