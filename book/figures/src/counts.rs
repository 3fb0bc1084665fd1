//! What the watchdog counts at each sample, from a feed on.

use std::cmp::Reverse;

use softlockup::time::get_timestamp;
use softlockup::{CpuId, KernelTime};

use crate::lanes::Lanes;
use crate::lanes::lane::{Lane, Span};

/// Rows at most.
const ROWS: usize = 8;

/// One CPU from its last feed on.
pub(crate) struct Row {
    pub(crate) cpu: CpuId,
    /// From when the watchdog counts.
    pub(crate) fed: KernelTime,
    /// Each sample, and the watchdog's count then: units now minus units at the feed.
    pub(crate) samples: Vec<(KernelTime, u64)>,
    /// To the report, or to the next feed.
    pub(crate) end: KernelTime,
    /// What it printed at the last of these samples, if it did.
    pub(crate) printed: Option<u64>,
    /// When the wait, or the time with interrupts off, began.
    pub(crate) began: Option<KernelTime>,
}

/// Units between two moments, as the watchdog counts them.
pub(crate) fn units(now: KernelTime, fed: KernelTime) -> u64 {
    get_timestamp(now) - get_timestamp(fed)
}

/// The first report of each CPU. If no CPU reports itself: the CPUs that were not fed for longest.
pub(crate) fn rows(lanes: &Lanes) -> Vec<Row> {
    let mut rows: Vec<Row> = lanes.shown.iter().filter_map(reported).collect();
    rows.sort_by_key(|row| row.fed);
    if rows.is_empty() {
        let lanes_shown = if lanes.shown.is_empty() { &lanes.others } else { &lanes.shown };
        rows = lanes_shown.iter().filter_map(|lane| hungriest(lane, lanes.ended)).collect();
        rows.sort_by_key(|row| Reverse(row.samples.last().map(|sample| sample.1)));
    }
    rows.truncate(ROWS);
    rows
}

fn reported(lane: &Lane) -> Option<Row> {
    let (time, printed, _, fed) = lane.soft().next()?;
    Some(row(lane, fed?, time, Some(printed)))
}

/// The longest time between two feeds.
fn hungriest(lane: &Lane, ended: KernelTime) -> Option<Row> {
    let ends = lane.feeds.iter().skip(1).copied().chain([ended]);
    let (fed, end) =
        lane.feeds.iter().copied().zip(ends).max_by_key(|(fed, end)| end.ns_since(*fed))?;
    Some(row(lane, fed, end, None)).filter(|row| !row.samples.is_empty())
}

fn row(lane: &Lane, fed: KernelTime, end: KernelTime, printed: Option<u64>) -> Row {
    let samples = lane.samples.iter().filter(|time| **time > fed && **time <= end);
    let samples = samples.map(|time| (*time, units(*time, fed))).collect();
    let spans = lane.waits.iter().map(|wait| wait.span).chain(lane.die_lock.iter().copied());
    let count = Span { from: fed, to: Some(end) };
    let began = spans
        .chain(lane.irqs_off.iter().copied())
        .filter(|span| span.from >= fed && span.overlaps(count));
    Row { cpu: lane.cpu, fed, end, samples, printed, began: began.map(|span| span.from).min() }
}
