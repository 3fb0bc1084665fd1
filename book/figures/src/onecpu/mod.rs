//! One CPU and its two clocks: the timer that looks, the stopper that feeds, and the units in which the watchdog counts
//! kernel time.

mod draw;
mod words;

pub(crate) use draw::draw;
pub(crate) use words::words;

use softlockup::time::sample_period_ns;
use softlockup::{Incident, KernelTime};

use crate::counts::units;
use crate::lanes::Lanes;
use crate::lanes::lane::Lane;

/// What is drawn of one CPU.
pub(crate) struct View<'a> {
    lane: &'a Lane,
    from: KernelTime,
    to: KernelTime,
    /// From when the watchdog counts.
    pub(crate) fed: Option<KernelTime>,
    /// Its report, and the printed number.
    pub(crate) report: Option<(KernelTime, u64)>,
}

impl<'a> View<'a> {
    /// The CPU that reports itself first; without one, the first that waits for long, or else the first of all.
    pub(crate) fn of(incident: &Incident, lanes: &'a Lanes) -> Option<Self> {
        let period = sample_period_ns(incident.config.watchdog_thresh_secs.max(1));
        let first = lanes.all().filter_map(|lane| Some((lane, lane.soft().next()?)));
        if let Some((lane, (time, printed, _, fed))) = first.min_by_key(|(_, soft)| soft.0) {
            let from = fed.unwrap_or(time) - (2 * period + period / 2);
            return Some(View {
                lane,
                from,
                to: time + period,
                fed,
                report: Some((time, printed)),
            });
        }
        let fed = || lanes.all().filter(|lane| !lane.feeds.is_empty());
        let waits = |lane: &&Lane| lane.waits.iter().any(|wait| wait.span.ns(lanes.ended) > period);
        let lane = fed().find(waits).or_else(|| fed().next())?;
        let begins = lane
            .waits
            .iter()
            .map(|wait| wait.span.from)
            .chain(lane.irqs_off.first().map(|span| span.from));
        let began = begins.filter(|time| *time >= lanes.begin).min().unwrap_or(lanes.begin);
        let fed = lane.feeds.iter().copied().rfind(|feed| *feed <= began);
        let from = fed.unwrap_or(began) - (period + period / 2);
        Some(View { lane, from, to: lanes.ended.min(from + 8 * period), fed, report: None })
    }

    fn shows(&self, time: KernelTime) -> bool {
        (self.from..=self.to).contains(&time)
    }

    /// The samples that are drawn, and the count of each from `fed` on.
    pub(crate) fn samples(&self) -> Vec<(KernelTime, Option<u64>)> {
        let last = self.report.map_or(self.to, |report| report.0);
        let counts = |time: KernelTime| {
            self.fed.filter(|fed| *fed < time && time <= last).map(|fed| units(time, fed))
        };
        let fed_again = |time: KernelTime| {
            self.fed
                .is_some_and(|fed| self.lane.feeds.iter().any(|feed| *feed > fed && *feed < time))
        };
        let samples = self.lane.samples.iter().copied().filter(|time| self.shows(*time));
        samples.map(|time| (time, counts(time).filter(|_| !fed_again(time)))).collect()
    }
}
