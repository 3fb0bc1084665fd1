//! Since when each CPU waits, and what touched its watchdog meanwhile: out of its reports.
//!
//! A report's stamp is a sample of its CPU, so the first report tells the phase of that CPU's timer, and with its number
//! when the CPU was last fed. Whether it reports after six samples, seven or more then tells whether it was busy, idle or
//! touched. Nothing is fitted to later numbers: what the machine prints then is a prediction.

use crate::cpumask::CpuId;
use crate::dmesg::diagnosis::number::reckon;
use crate::replay::headline::Headline;
use crate::replay::kernel::Likeness;
use crate::replay::pairs::{by_cpu, pair};
use crate::time::{KernelTime, sample_period_ns};

/// A CPU that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wait {
    pub(super) cpu: CpuId,
    /// One of its samples.
    pub(super) sample: KernelTime,
    /// The last sample at which it was well.
    pub(super) fed: KernelTime,
    pub(super) was_idle: bool,
    /// When something touches its watchdog: halfway between two samples.
    pub(super) touched: Vec<KernelTime>,
    /// Its last report of this wait.
    pub(super) last: KernelTime,
    /// Its first number follows from no feed on its grid: the machine's feed is the nearest.
    pub(super) is_assumed: bool,
}

/// What the waits are reckoned by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Law<'a> {
    pub(super) likeness: &'a Likeness,
    pub(super) thresh_secs: u64,
    /// The log's first stamp. What was printed before is not in it.
    pub(super) log_begins: KernelTime,
}

/// A stamp is later than its sample by this much at most.
const LATE_NS: u64 = 60_000_000;

/// A CPU that was busy reports at the sixth sample. In Linux: `get_softlockup_thresh`, `set_sample_period`.
const FIRST: u64 = 6;

/// The waits, one for each CPU, in the order of the CPUs; and the reports that belong to none, because their CPUs ran in
/// between.
pub(super) fn waits(headlines: &[Headline], law: &Law) -> (Vec<Wait>, Vec<Headline>) {
    let mut left_out = Vec::new();
    let mut waits = Vec::new();
    for reports in by_cpu(headlines).values() {
        let goes_on = |two: &[&Headline]| {
            let pair = pair(two[0], two[1], law.thresh_secs);
            if law.likeness.is_cumulative() { pair.grows } else { pair.same_task }
        };
        let end = reports.windows(2).position(|two| !goes_on(two)).map_or(reports.len(), |n| n + 1);
        let (of_wait, later) = reports.split_at(end);
        left_out.extend(later.iter().map(|&report| report.clone()));
        waits.extend(wait(of_wait, law));
    }
    (waits, left_out)
}

/// The wait that these reports are of.
fn wait(reports: &[&Headline], law: &Law) -> Option<Wait> {
    let &Law { likeness, thresh_secs, log_begins } = law;
    let period = sample_period_ns(thresh_secs);
    let (first, last) = (*reports.first()?, *reports.last()?);
    let reckoning = reckon(thresh_secs, first.time, first.number);
    let (samples, about) = match reckoning {
        Some(why) => (why.samples, why.last_feed + why.samples * period),
        None => {
            let nearest = first.number.checked_mul(1 << 30)?.saturating_add(period / 2) / period;
            (nearest.max(FIRST), first.time)
        }
    };
    let sample = earliest(about, reports, period);
    let fed = KernelTime::from_ns(sample.ns().checked_sub(samples.checked_mul(period)?)?);
    let mut wait = Wait {
        cpu: first.cpu,
        sample,
        fed,
        was_idle: false,
        touched: Vec::new(),
        last: last.time,
        is_assumed: reckoning.is_none(),
    };
    let usual = if likeness.console_touches_watchdog { FIRST + 1 } else { FIRST };
    // The sample before which the count must begin anew, so that the CPU reports at this one.
    let restart = |report: KernelTime| report - FIRST * period - period / 2;
    if likeness.is_cumulative() {
        match samples {
            ..=FIRST => {}
            7 => wait.was_idle = true,
            // It has reported before the log begins.
            _ if fed + FIRST * period < log_begins => {
                if !(samples - FIRST).is_multiple_of(usual) {
                    wait.touched.push(restart(sample));
                }
            }
            _ => {
                // More than a hundred samples before the first report: rather the log has lost some.
                let from = samples.saturating_sub(100).max(1);
                let at = |n| fed + n * period + period / 2;
                wait.touched.extend((from..=samples - 7).map(at));
            }
        }
    }
    let mut then = sample;
    for report in &reports[1..] {
        let n = report.time.ns_since(sample).saturating_add(period / 2) / period;
        let now = sample + n * period;
        let apart = now.ns_since(then) / period;
        let repeats = likeness.is_cumulative() || likeness.console_touches_watchdog;
        if apart > FIRST && !(repeats && apart.is_multiple_of(usual)) {
            wait.touched.push(restart(now));
        }
        then = now;
    }
    Some(wait)
}

/// The sample of the first report: no stamp is earlier than its sample, so the earliest within the period counts.
fn earliest(about: KernelTime, reports: &[&Headline], period: u64) -> KernelTime {
    let past =
        |report: &&Headline| (report.time.ns() % period + period - about.ns() % period) % period;
    let early = reports.iter().filter_map(|report| {
        let past = past(report);
        let before = period - past;
        (0 < before && before <= LATE_NS).then_some(before)
    });
    let late = reports.iter().map(past);
    match early.max() {
        Some(before) => about - before,
        None => about + late.min().filter(|late| *late <= LATE_NS).unwrap_or_default(),
    }
}
