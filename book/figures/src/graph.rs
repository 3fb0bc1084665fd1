//! Which CPU waits for which, at one moment: at the end of the run if CPUs wait then, else when most CPUs waited.

use std::collections::BTreeMap;

use softlockup::incident::report::Place;
use softlockup::{CpuId, KernelTime};

use crate::lanes::Lanes;
use crate::lanes::lane::{Lane, Span};

/// One CPU waits for another, or for itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Edge {
    pub(crate) from: CpuId,
    pub(crate) to: CpuId,
    pub(crate) since: KernelTime,
    /// It waits for `die_lock`; else for an answer to a call.
    pub(crate) die_lock: bool,
    pub(crate) ipi: bool,
}

/// The waits at one moment.
pub(crate) struct Graph {
    pub(crate) at: KernelTime,
    pub(crate) edges: Vec<Edge>,
    /// How many waits away from a CPU that waits for none (or from a ring) each CPU is.
    depth: BTreeMap<CpuId, usize>,
}

impl Graph {
    pub(crate) fn of(lanes: &Lanes) -> Self {
        let all: Vec<&Lane> = lanes.all().collect();
        let edges_at = |at: KernelTime| -> Vec<Edge> {
            all.iter().filter_map(|lane| edge(lane, at, lanes.ended)).collect()
        };
        let at_the_end = edges_at(lanes.ended);
        let begins = || all.iter().flat_map(|lane| lane.waits.iter().map(|wait| wait.span.from));
        let busiest = begins().max_by_key(|at| (edges_at(*at).len(), std::cmp::Reverse(*at)));
        let at = match (at_the_end.is_empty(), busiest) {
            (true, Some(at)) => at,
            _ => lanes.ended,
        };
        let edges = edges_at(at);
        let depth = depths(&edges);
        Graph { at, edges, depth }
    }

    /// The CPUs at the same distance, those that are waited for first.
    pub(crate) fn levels(&self) -> Vec<Vec<CpuId>> {
        let deepest = self.depth.values().copied().max().unwrap_or(0);
        let mut levels: Vec<Vec<CpuId>> = vec![Vec::new(); deepest + 1];
        for (cpu, depth) in &self.depth {
            levels[*depth].push(*cpu);
        }
        // Below the CPU that each waits for, so that arrows do not cross.
        for n in 1..levels.len() {
            let above = levels[n - 1].clone();
            let place = |cpu: &CpuId| {
                let to = self.edges.iter().find(|edge| edge.from == *cpu).map(|edge| edge.to);
                let since = self.edges.iter().find(|edge| edge.from == *cpu).map(|edge| edge.since);
                (above.iter().position(|cpu| Some(*cpu) == to), since, *cpu)
            };
            levels[n].sort_by_key(place);
        }
        levels
    }
}

/// What a CPU waits for at a moment.
fn edge(lane: &Lane, at: KernelTime, ended: KernelTime) -> Option<Edge> {
    let open = |span: &Span| {
        span.from <= at
            && span.to.unwrap_or(ended).max(span.from) >= at
            && (span.to.is_none() || span.to > Some(at))
    };
    let call = lane.waits.iter().rev().find(|wait| open(&wait.span)).map(|wait| Edge {
        from: lane.cpu,
        to: wait.on,
        since: wait.span.from,
        die_lock: false,
        ipi: wait.ipi,
    });
    // Of a lock the records say who holds it; the report has followed them.
    let lock = lane.stuck.filter(|(place, _)| at == ended && *place == Place::DieLock).and_then(
        |(_, on)| {
            let since = lane.die_lock.last()?.from;
            Some(Edge { from: lane.cpu, to: on?, since, die_lock: true, ipi: false })
        },
    );
    call.or(lock)
}

fn depths(edges: &[Edge]) -> BTreeMap<CpuId, usize> {
    let next = |cpu: CpuId| edges.iter().find(|edge| edge.from == cpu).map(|edge| edge.to);
    let depth = |start: CpuId| {
        let (mut way, mut cpu) = (vec![start], start);
        while let Some(to) = next(cpu) {
            if let Some(entered) = way.iter().position(|cpu| *cpu == to) {
                return entered; // into a ring: its members are at depth 0
            }
            way.push(to);
            cpu = to;
        }
        way.len() - 1
    };
    let cpus = edges.iter().flat_map(|edge| [edge.from, edge.to]);
    cpus.map(|cpu| (cpu, depth(cpu))).collect()
}
