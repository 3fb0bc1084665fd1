//! What criterion does not say of a round trip: the ratio to the floor, and how single calls are spread.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use hdrhistogram::Histogram;

use softlockup_measure::host::Fate;
use softlockup_measure::quantiles::median;
use softlockup_measure::round_trip::{Measured, Slice};

/// The table of round trips.
#[derive(Debug, Default)]
pub struct RoundTrips {
    rows: Vec<Row>,
    /// What a reader must know of the host, each once, and how often.
    notes: Vec<(String, usize)>,
}

#[derive(Debug)]
struct Row {
    id: &'static str,
    calls: Measured,
    single: Histogram<u64>,
    fates: [Fate; 2],
}

/// How far apart two cores can be, by the floor between them: threads of one core, cores of one die, further.
const FLOORS_NS: [Range<f64>; 3] = [0.0..38.0, 38.0..110.0, 110.0..f64::INFINITY];

/// A median of fewer slices does not count.
const MIN_SLICES: usize = 20;

/// The ratios between contenders that the table shows.
const RATIOS: [(&str, &str); 9] = [
    ("mailbox_sync", "kernel_csd"),
    ("mailbox_recorded", "mailbox_sync"),
    ("mailbox_parked", "park_unpark"),
    ("mailbox_sync", "crossbeam_channel"),
    ("mailbox_sync", "std_mpsc"),
    ("mailbox_sync", "parking_lot_condvar"),
    ("mailbox_sync", "park_unpark"),
    ("mailbox_sync", "posix_signal"),
    ("mailbox_sync", "kernel_membarrier"),
];

impl RoundTrips {
    /// Adds calls that were made one after another.
    pub fn add_calls(&mut self, id: &'static str, calls: Measured, fates: [Fate; 2]) {
        let row = self.row(id);
        row.calls.extend(calls);
        row.fates = [0, 1].map(|side| row.fates[side].plus(fates[side]));
    }

    /// Adds calls that were timed one by one.
    pub fn add_single(&mut self, id: &'static str, latencies_ns: &[u64]) {
        let single = &mut self.row(id).single;
        latencies_ns.iter().for_each(|&ns| single.saturating_record(ns));
    }

    /// Keeps what the host did, for the reader of the table.
    pub fn note(&mut self, note: String) {
        match self.notes.iter_mut().find(|(known, _)| *known == note) {
            Some((_, times)) => *times += 1,
            None => self.notes.push((note, 1)),
        }
    }

    /// Whether any call of this contender was added.
    pub fn has(&self, id: &str) -> bool {
        self.rows.iter().any(|row| row.id == id)
    }

    fn row(&mut self, id: &'static str) -> &mut Row {
        let known = self.rows.iter().position(|row| row.id == id);
        let n = known.unwrap_or_else(|| {
            let single = Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("in order");
            self.rows.push(Row { id, calls: Measured::default(), single, fates: [Fate::NONE; 2] });
            self.rows.len() - 1
        });
        &mut self.rows[n]
    }

    /// How many times as long `one` takes as `other`: of slices whose floors were alike, for the cores move between two
    /// rows of the table. `None` if there are too few.
    fn ratio(&self, one: &str, other: &str) -> Option<f64> {
        let calls = |id: &str| self.rows.iter().find(|row| row.id == id).map(|row| &row.calls);
        let (one, other) = (calls(one)?, calls(other)?);
        let mut ratios = Vec::new();
        for floor_ns in FLOORS_NS {
            let here = |slice: &Slice| {
                (floor_ns.contains(&slice.floor_before_ns) && slice.ratio().is_some())
                    .then_some(slice.call_ns)
            };
            let (weight, under) = (count(other, here), other.median(here));
            let enough = count(one, here).min(weight);
            if let (Some(over), Some(under), MIN_SLICES..) = (one.median(here), under, enough) {
                ratios.push((enough, over / under));
            }
        }
        ratios.into_iter().max_by_key(|(slices, _)| *slices).map(|(_, ratio)| ratio)
    }
}

impl fmt::Display for RoundTrips {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (note, times) in &self.notes {
            writeln!(f, "note: {note} ({times} times)")?;
        }
        if self.rows.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "\nRound trips: medians of slices, next to the floor just before and after each; and single calls, \
             with a reading of the clock in each.\n\n\
             {:<20} {:>9} {:>10} {:>9} {:>18} | {:>9} {:>9} {:>9} {:>9} | {:>9}",
            "", "floor", "call", "ratio", "p10 .. p90", "p50", "p99", "p99.9", "max", "preempted"
        )?;
        self.rows.iter().try_for_each(|row| row.fmt(f))?;
        writeln!(
            f,
            "\nThe ratio, by how far apart the cores were just then: by their floor.\n\n\
             {:<20} {:>18} {:>18} {:>18}",
            "", "below 38 ns", "38 to 110 ns", "more"
        )?;
        for Row { id, calls, .. } in &self.rows {
            let at = |floor_ns: &Range<f64>| {
                let here = |slice: &Slice| {
                    slice.ratio().filter(|_| floor_ns.contains(&slice.floor_before_ns))
                };
                match count(calls, here) {
                    0..MIN_SLICES => "-".to_owned(),
                    slices => format!("{:.2} of {slices}", calls.median(here).unwrap_or(f64::NAN)),
                }
            };
            let [near, on_die, far] = FLOORS_NS.each_ref().map(at);
            writeln!(f, "{id:<20} {near:>18} {on_die:>18} {far:>18}")?;
        }
        writeln!(f)?;
        for (one, other) in RATIOS {
            if self.has(one) && self.has(other) {
                let ratio = self.ratio(one, other).map(|ratio| format!("{ratio:.3}"));
                let ratio = ratio.unwrap_or_else(|| "the cores were never as far apart".to_owned());
                writeln!(f, "{:<42} {ratio}", format!("{one} / {other}"))?;
            }
        }
        Ok(())
    }
}

impl Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { id, calls, single, fates } = self;
        let ns = |of: fn(&Slice) -> f64| {
            let value = calls.median(|slice| Some(of(slice)));
            value.map_or("-".to_owned(), |ns| short(Duration::from_nanos(ns as u64)))
        };
        let mut ratios: Vec<f64> = calls.slices.iter().filter_map(Slice::ratio).collect();
        ratios.sort_by(f64::total_cmp);
        let at = |tenth: usize| ratios.get(ratios.len() * tenth / 10).copied().unwrap_or(f64::NAN);
        let wait = |quantile| match single.is_empty() {
            true => "-".to_owned(),
            false => short(Duration::from_nanos(single.value_at_quantile(quantile))),
        };
        let preempted = fates[0].plus(fates[1]).preempted;
        writeln!(
            f,
            "{id:<20} {:>9} {:>10} {:>9.2} {:>18} | {:>9} {:>9} {:>9} {:>9} | {:>9}",
            ns(|slice| slice.floor_before_ns),
            ns(|slice| slice.call_ns),
            calls.ratio().unwrap_or(f64::NAN),
            format!("{:.2} .. {:.2}", at(1), at(9)),
            wait(0.5),
            wait(0.99),
            wait(0.999),
            wait(1.0),
            preempted.map_or("unknown".to_owned(), |n| n.to_string()),
        )
    }
}

/// A duration, as one reads it.
fn short(duration: Duration) -> String {
    let ns = duration.as_nanos();
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{:.2} us", ns as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} ms", ns as f64 / 1e6),
        _ => format!("{:.2} s", ns as f64 / 1e9),
    }
}

/// The table of broadcasts.
#[derive(Debug, Default)]
pub struct Broadcasts(Vec<(u32, [Vec<f64>; 3])>);

impl Broadcasts {
    /// Adds one round's time, in ns, of the floor and of a machine with either queue.
    pub fn add(&mut self, others: u32, ns: [f64; 3]) {
        if self.0.last().is_none_or(|(last, _)| *last != others) {
            self.0.push((others, Default::default()));
        }
        let (_, columns) = self.0.last_mut().expect("it was just pushed");
        columns.iter_mut().zip(ns).for_each(|(column, ns)| column.push(ns));
    }
}

impl fmt::Display for Broadcasts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "\nBroadcasts: medians of runs that take turns; a ratio is of neighbouring runs.\n\n\
             {:>10}{:>12}{:>12}{:>8}{:>12}{:>8}{:>16}",
            "other CPUs", "floor", "kernel", "ratio", "mailbox", "ratio", "kernel per CPU"
        )?;
        for (others, [floor, kernel, mailbox]) in &self.0 {
            let ns =
                |column: &[f64]| short(Duration::from_nanos(median(&mut column.to_vec()) as u64));
            let ratio = |column: &[f64]| {
                let ratios = column.iter().zip(floor).map(|(ns, floor)| ns / floor);
                median(&mut ratios.collect::<Vec<_>>())
            };
            writeln!(
                f,
                "{others:>10}{:>12}{:>12}{:>8.2}{:>12}{:>8.2}{:>13.0} ns",
                ns(floor),
                ns(kernel),
                ratio(kernel),
                ns(mailbox),
                ratio(mailbox),
                median(&mut kernel.clone()) / f64::from(*others),
            )?;
        }
        Ok(())
    }
}

/// Of how many slices a quantity is known.
fn count(calls: &Measured, of: impl Fn(&Slice) -> Option<f64>) -> usize {
    calls.slices.iter().filter_map(of).count()
}
