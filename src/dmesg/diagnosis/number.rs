//! The law of the printed number, and what follows from it: since when a CPU waits, and what it prints next.
//!
//! A CPU samples itself every `P` = 2·thresh/5 s, and prints ⌊T/U⌋ − ⌊F/U⌋, with the time T of the sample, the time F at
//! which its stopper ran last, both on the same grid of P, and U = 2³⁰ ns. So F = T − kP for a whole k, and the number
//! tells k. The CPU was still well at F, and no more at the next sample: its wait began in (F, F + P]. A CPU that was
//! idle before, with its tick stopped, may have begun up to P earlier.
//!
//! In Linux: `kernel/watchdog.c`, `get_timestamp`, `is_softlockup`.

use serde::Serialize;

use crate::cpumask::CpuId;
use crate::dmesg::diagnosis::scene::{Scene, SoftReport};
use crate::time::{KernelTime, NSEC_PER_SEC, get_timestamp, sample_period_ns, softlockup_thresh};

/// `kernel.watchdog_thresh` of a kernel that nobody configured, in seconds.
const DEFAULT_THRESH_SECS: u64 = 10;

/// The stamp of a report is later than the sample by what comes in between: a lock, a slow console.
const LATE_NS: u64 = 60_000_000;

/// A stamp with fewer digits can be this far from the truth either way.
const ROUNDING_NS: u64 = 10_000;

/// More samples than any CPU was stuck for: five days.
const MOST_SAMPLES: u64 = 108_000;

/// Why the number is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Reckoning {
    /// The printed number, in units of 2³⁰ ns.
    pub printed: u64,
    /// How many samples lie between the last time the stopper ran and this report.
    pub samples: u64,
    /// ⌊T/U⌋ of this report.
    pub now_units: u64,
    /// ⌊F/U⌋ of the moment from which the watchdog counts.
    pub fed_units: u64,
    /// That moment.
    #[serde(rename = "last_feed_ns")]
    pub last_feed: KernelTime,
}

/// How the printed numbers of an incident fit the law.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fit {
    /// Reports whose number follows from their stamp.
    pub fit: usize,
    /// Reports whose number does not: their timer was late.
    pub misfit: usize,
}

/// Why a report of this stamp prints this number, with this `watchdog_thresh` in seconds; `None` if the number does not
/// follow from the stamp.
///
/// # Panics
/// If the threshold is 0: then there is no watchdog.
pub(crate) fn reckon(
    watchdog_thresh_secs: u64,
    stamp: KernelTime,
    printed: u64,
) -> Option<Reckoning> {
    let period = sample_period_ns(watchdog_thresh_secs);
    // The number is that of k samples, or one of its neighbours.
    let about = (u128::from(printed) << 30) / u128::from(period);
    let about = u64::try_from(about).ok().filter(|k| *k <= MOST_SAMPLES)?;
    let times = [stamp, stamp + ROUNDING_NS, stamp - LATE_NS];
    let samples = about.saturating_sub(1)..=about + 2;
    samples.flat_map(|k| times.map(|time| (k, time))).find_map(|(samples, time)| {
        let last_feed = time.ns().checked_sub(samples * period).map(KernelTime::from_ns)?;
        let (now_units, fed_units) = (get_timestamp(time), get_timestamp(last_feed));
        (now_units - fed_units == printed).then_some(Reckoning {
            printed,
            samples,
            now_units,
            fed_units,
            last_feed,
        })
    })
}

/// The clockwork of the watchdogs of one kernel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Law {
    pub(super) thresh_secs: u64,
}

impl Law {
    /// That of an incident: the threshold that the log states, or the default, or the only one that its numbers fit.
    pub(super) fn of(scene: &Scene) -> Option<Law> {
        if let Some(thresh_secs) = scene.thresh_secs {
            return Some(Law { thresh_secs });
        }
        let default = Law { thresh_secs: DEFAULT_THRESH_SECS };
        if scene.soft.iter().all(|report| report.secs > softlockup_thresh(DEFAULT_THRESH_SECS)) {
            return Some(default);
        }
        // No kernel prints so little with the default.
        let fits = |law: &Law| {
            scene.soft.iter().all(|report| {
                report.secs > softlockup_thresh(law.thresh_secs) && law.reckon(report).is_some()
            })
        };
        let mut laws = (1..DEFAULT_THRESH_SECS).map(|thresh_secs| Law { thresh_secs }).filter(fits);
        let law = laws.next()?;
        laws.next().is_none().then_some(law)
    }

    /// From one sample to the next, in nanoseconds.
    pub(super) fn period_ns(self) -> u64 {
        sample_period_ns(self.thresh_secs)
    }

    /// Why a report prints what it prints; `None` if it has no stamp, or if its number does not follow from it.
    pub(super) fn reckon(self, report: &SoftReport) -> Option<Reckoning> {
        reckon(self.thresh_secs, report.time?, report.secs)
    }

    /// How the numbers of an incident fit. Reports without stamps do not count.
    pub(super) fn fit(self, scene: &Scene) -> Fit {
        let stamped = scene.soft.iter().filter(|report| report.time.is_some());
        let (fit, misfit): (Vec<_>, Vec<_>) =
            stamped.partition(|report| self.reckon(report).is_some());
        Fit { fit: fit.len(), misfit: misfit.len() }
    }
}

/// A report that comes next if the CPU is still stuck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Expected {
    /// Which CPU.
    pub cpu: CpuId,
    /// The stamp, to a few milliseconds.
    #[serde(rename = "time_ns")]
    pub time: KernelTime,
    /// The number that it prints.
    pub number: u64,
}

/// What a CPU that reports again and again prints next; `None` if it never did, or if its numbers do not grow: then a
/// kernel before 5.13 prints, or one whose console touches the watchdog in a way that the log does not show.
pub(super) fn next_of(reports: &[&SoftReport]) -> Option<Expected> {
    let [.., before, last] = reports else { return None };
    let (then, now) = (before.time?, last.time?);
    let every = now.ns_since(then);
    let grows = last.secs > before.secs && every <= 200 * NSEC_PER_SEC;
    let time = now + every;
    // The number counts on from the same moment: it grows by what the clock grows in whole units.
    let number = last.secs.checked_add(get_timestamp(time) - get_timestamp(now))?;
    grows.then_some(Expected { cpu: last.cpu, time, number })
}
