//! One sentence, or two: what is missing between the two sides of a race, and what an old value has to do with it.

use std::collections::BTreeSet;

use super::rows::Row;
use crate::execution::log::{Access, Kind, Race, Read, Step, What, acquires, releases};
use crate::search::counterexample::Counterexample;

/// The explanation.
pub(crate) fn why(found: &Counterexample) -> String {
    match race(&found.log) {
        Some((cpu, race)) => why_race(found, cpu, race),
        None => why_broken(found),
    }
}

/// The rows that the explanation names.
pub(crate) fn witnesses(found: &Counterexample) -> BTreeSet<usize> {
    let mut steps = Vec::new();
    if let Some((cpu, Race { other: Some(other), .. })) = race(&found.log) {
        steps.push(*other);
        steps.extend(
            hand_over(&found.log, cpu, *other).into_iter().flat_map(|it| [it.read, it.store]),
        );
    }
    steps.into_iter().filter_map(|step| row_of(&found.rows, step)).collect()
}

fn race(log: &[Step]) -> Option<(usize, &Race)> {
    match log.last()? {
        Step { cpu, what: What::Race(race), .. } => Some((*cpu, race)),
        _ => None,
    }
}

fn row_of(rows: &[Row], step: usize) -> Option<usize> {
    rows.iter().position(|row| row.step == step)
}

fn row(found: &Counterexample, step: usize) -> String {
    match row_of(&found.rows, step) {
        Some(row) => format!("row {}", row + 1),
        None => "a step that is not shown".into(),
    }
}

fn why_broken(found: &Counterexample) -> String {
    let kind = found.kind;
    let Some((last, row)) = found.rows.iter().enumerate().next_back() else {
        return format!("{kind}.");
    };
    let line = row.line.map_or(String::new(), |(_, line)| format!(", line {line}"));
    let what = match kind {
        Kind::WaitsForEver => "no CPU is left that would change anything",
        Kind::Spins => {
            "a CPU that does not call `relax` takes no interrupt, and never gives up its turn"
        }
        _ => &row.text,
    };
    let mut text = format!("{kind}: CPU#{}, row {}{line}: {what}.", row.cpu, last + 1);
    if let Some(stale) = why_stale(found) {
        text += "\n      ";
        text += &stale;
    }
    text
}

/// The last old value that a CPU read, if one did.
fn why_stale(found: &Counterexample) -> Option<String> {
    let stale = found.rows.iter().enumerate().rev().find(|(_, row)| row.stale.is_some());
    stale.map(|(i, Row { cpu, .. })| {
        let i = i + 1;
        format!("CPU#{cpu} reads an old value in row {i}: nothing orders that read after the newer store.")
    })
}

fn why_race(found: &Counterexample, cpu: usize, race: &Race) -> String {
    let (kind, does, at) = (Kind::Race, &race.does, row(found, found.log.len() - 1));
    let Some(other) = race.other else {
        return format!(
            "{kind}: CPU#{cpu} {does} ({at}), and nothing orders that after another CPU's access."
        );
    };
    let theirs = found.log[other].cpu;
    let did = match &found.log[other].what {
        What::Note(text) if text.starts_with("reads") => "read",
        _ => "write",
    };
    let mut text = format!(
        "{kind}: CPU#{cpu} {does} ({at}), and nothing orders that after CPU#{theirs}'s {did} ({}).\n      ",
        row(found, other),
    );
    match hand_over(&found.log, cpu, other) {
        Some(it) => text += &it.sentence(found),
        None => match why_stale(found) {
            Some(stale) => text += &stale,
            None => {
                text +=
                    "No value went from one CPU to the other in between: both are inside at once."
            }
        },
    }
    text
}

/// A CPU reads what another one stored after its access: there the order should have come from.
#[derive(Clone, Copy)]
struct HandOver<'a> {
    read: usize,
    reads: &'a Access,
    store: usize,
    stores: &'a Access,
}

/// The last hand-over; better still, the last that lacks one half only.
fn hand_over(log: &[Step], cpu: usize, other: usize) -> Option<HandOver<'_>> {
    let access = |step: usize| match &log[step].what {
        What::Access(access) => Some(access),
        _ => None,
    };
    let reads = (other + 1..log.len()).filter(|&read| log[read].cpu == cpu);
    let hand_overs = reads.filter_map(|read| {
        let reads = access(read)?;
        let Read { from: Some(store), .. } = reads.read? else { return None };
        let stores = access(store)?;
        let fits = store > other && log[store].cpu == log[other].cpu;
        fits.then_some(HandOver { read, reads, store, stores })
    });
    hand_overs.max_by_key(|it| (releases(it.stores.order) != acquires(it.reads.order), it.read))
}

impl HandOver<'_> {
    fn sentence(&self, found: &Counterexample) -> String {
        let (read, store) = (row(found, self.read), row(found, self.store));
        let (read_order, store_order) = (self.reads.order, self.stores.order);
        let missing = match (releases(store_order), acquires(read_order)) {
            (false, true) => format!(
                "{store} stores {store_order:?}, which does not hand on what came before it: Release does"
            ),
            (true, false) => format!(
                "{read} reads {read_order:?}, which does not take what was handed on: Acquire does"
            ),
            (false, false) => format!(
                "{store} stores {store_order:?} and {read} reads {read_order:?}: it takes Release there and Acquire here"
            ),
            (true, true) => {
                return format!("{read} reads what {store} stored, and that is not enough.");
            }
        };
        format!("{read} reads what {store} stored; but {missing}.")
    }
}
