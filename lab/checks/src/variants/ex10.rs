//! Known answers to ex10.

use std::collections::{BTreeMap, BTreeSet};

use ex10_whose_fault_solution::{Machine, TOO_LONG_NS};
use softlockup::incident::report::diagnosis::Cause;
use softlockup::{CpuId, Event, KernelTime, Record};

use crate::check::Check;
use crate::ex10::{Diagnose, ID, checks};
use crate::variants::{Kind, Variant};

const SOLUTION: Diagnose = ex10_whose_fault_solution::diagnose;

const fn right(name: &'static str, checks: fn() -> Vec<Check>) -> Variant {
    Variant::new(ID, name, Kind::Alternative, checks)
}

const fn wrong(
    name: &'static str,
    by: &'static str,
    words: &'static [&'static str],
    checks: fn() -> Vec<Check>,
) -> Variant {
    Variant::new(ID, name, Kind::Mutant { by, words }, checks)
}

const ARTICLE: &str = "oracle::article";
const ALIKE: &str = "oracle::look_alikes";
const CHAINS: &str = "oracle::wait_chains";
const RINGS: &str = "oracle::rings";

/// Solution, alternatives, mutants.
pub const VARIANTS: &[Variant] = &[
    Variant::new(ID, "solution", Kind::Solution, || checks(SOLUTION)),
    right("strikes out every CPU that waits", || checks(strikes_out)),
    right("as many hops as there are CPUs", || checks(many_hops)),
    right("counts who leads where, recursively", || checks(recursive)),
    wrong("one hop", CHAINS, &["InterruptsOff", "waits for CPU#"], || checks(one_hop)),
    wrong("two hops", CHAINS, &["InterruptsOff", "waits for CPU#"], || checks(two_hops)),
    wrong("the loudest CPU", ARTICLE, &["to blame CPU#0", "waits for itself"], || checks(loudest)),
    wrong("every CPU that waits", ARTICLE, &["to blame CPU#0", "healthy CPU"], || checks(waiters)),
    wrong("CPU 0 always", ALIKE, &["a lost interrupt", "LostIpi"], || checks(always_cpu_0)),
    wrong("the silent CPUs", CHAINS, &["InterruptsOff"], || checks(silent)),
    wrong("goes round a ring for ever", RINGS, &["goes on", "ends in a ring has no end"], || {
        checks(for_ever)
    }),
    wrong(
        "one CPU of a ring",
        RINGS,
        &["WaitingWithInterruptsOff, to blame CPU#1 and CPU#5"],
        || checks(one_of_a_ring),
    ),
    wrong("a ring is a self-deadlock", RINGS, &["expected WaitingWithInterruptsOff"], || {
        checks(ring_is_self)
    }),
    wrong(
        "any root has its interrupts off",
        ARTICLE,
        &["expected SelfDeadlock", "says InterruptsOff"],
        || {
            checks(|records| match SOLUTION(records) {
                (Cause::SelfDeadlock | Cause::LostIpi | Cause::LeakedDieLock, cpus) => {
                    (Cause::InterruptsOff, cpus)
                }
                other => other,
            })
        },
    ),
    wrong("a lost interrupt is not thought of", ALIKE, &["expected LostIpi"], || {
        checks(|records| match SOLUTION(records) {
            (Cause::LostIpi, cpus) => (Cause::Unanswered, cpus),
            other => other,
        })
    }),
    wrong("a dead holder is not thought of", ALIKE, &["expected LeakedDieLock"], || {
        checks(|records| match SOLUTION(records) {
            (Cause::LeakedDieLock, cpus) => (Cause::InterruptsOff, cpus),
            other => other,
        })
    }),
    wrong("slow is no cause", ALIKE, &["expected SlowCpu", "No CPU is stuck in the end"], || {
        checks(|records| match SOLUTION(records) {
            (Cause::SlowCpu, _) => (Cause::None, Vec::new()),
            other => other,
        })
    }),
    wrong("slow comes before stuck", CHAINS, &["expected InterruptsOff"], || checks(slow_first)),
    wrong("every wait that was too long, over or not", ALIKE, &["expected "], || {
        checks(any_long_wait)
    }),
    wrong("the CPU that faulted", ALIKE, &["expected LostIpi"], || checks(faulted)),
    wrong("every root unanswered", ARTICLE, &["says Unanswered"], || {
        checks(|records| match SOLUTION(records) {
            (Cause::None, cpus) => (Cause::None, cpus),
            (_, cpus) => (Cause::Unanswered, cpus),
        })
    }),
    wrong(
        "an answer that should have come is a lost interrupt",
        "oracle::wrong_parts",
        &["Unanswered"],
        || {
            checks(|records| match SOLUTION(records) {
                (Cause::Unanswered, cpus) => (Cause::LostIpi, cpus),
                other => other,
            })
        },
    ),
    wrong(
        "takes a record for granted",
        "oracle::no_records",
        &["panicked", "without a record"],
        || {
            checks(|records| {
                let _ended = records[records.len() - 1].time;
                SOLUTION(records)
            })
        },
    ),
    wrong("as handed out", "oracle::no_records", &["not written yet"], || checks(|_| todo!())),
];

fn stuck(machine: &Machine) -> Vec<CpuId> {
    let is_stuck = |&(_, seen): &(&CpuId, &ex10_whose_fault_solution::Seen)| {
        let since = seen.waits.last().map(|wait| wait.1).or(seen.wants_die_lock);
        since.is_some_and(|since| machine.ended.ns_since(since) > TOO_LONG_NS)
    };
    machine.cpus.iter().filter(is_stuck).map(|(&cpu, _)| cpu).collect()
}

/// What to say if these are the roots.
fn blame(machine: Machine, roots: impl IntoIterator<Item = Vec<CpuId>>) -> (Cause, Vec<CpuId>) {
    let (mut cause, mut blamed) = (Cause::None, Vec::new());
    for root in roots {
        cause = machine.cause(&root);
        blamed.extend(root);
    }
    match blamed.is_empty() && !machine.slow.is_empty() {
        true => (Cause::SlowCpu, machine.slow.into_iter().collect()),
        false => (cause, blamed),
    }
}

/// Strikes out the CPUs that wait for a CPU that is left, as long as there are any: the roots are left.
fn strikes_out(records: &[Record]) -> (Cause, Vec<CpuId>) {
    let machine = Machine::read(records);
    let mut left: BTreeSet<CpuId> = stuck(&machine).into_iter().collect();
    left.extend(left.clone().into_iter().filter_map(|cpu| machine.waits_for(cpu)));
    loop {
        // A CPU on no ring, whom no CPU that is left waits for, is no root unless it waits for none.
        let waited_for: BTreeSet<_> =
            left.iter().filter_map(|&cpu| machine.waits_for(cpu)).collect();
        let is_root = |cpu: &CpuId| waited_for.contains(cpu) || machine.waits_for(*cpu).is_none();
        let rest: BTreeSet<CpuId> = left.iter().copied().filter(is_root).collect();
        if rest == left {
            break;
        }
        left = rest;
        left.extend(left.clone().into_iter().filter_map(|cpu| machine.waits_for(cpu)));
    }
    // What is left leads to roots within itself: take those that can be reached from themselves, or wait for none.
    let comes_back = |start: CpuId| {
        let mut at = machine.waits_for(start);
        for _ in 0..left.len() {
            match at {
                None => return false,
                Some(cpu) if cpu == start => return true,
                Some(cpu) => at = machine.waits_for(cpu),
            }
        }
        false
    };
    let (rings, roots): (Vec<CpuId>, Vec<CpuId>) =
        left.iter().copied().partition(|&cpu| machine.waits_for(cpu).is_some());
    let rings: Vec<CpuId> = rings.into_iter().filter(|&cpu| comes_back(cpu)).collect();
    let ring = if rings.is_empty() { None } else { Some(rings) };
    let roots: Vec<Vec<CpuId>> = roots.into_iter().map(|cpu| vec![cpu]).chain(ring).collect();
    blame(machine, roots)
}

/// After as many hops as there are CPUs, it stands on the root, or goes round in it.
fn many_hops(records: &[Record]) -> (Cause, Vec<CpuId>) {
    let machine = Machine::read(records);
    let roots = stuck(&machine).into_iter().map(|start| {
        let mut last = start;
        for _ in 0..=machine.cpus.len() {
            last = machine.waits_for(last).unwrap_or(last);
        }
        let mut ring = vec![last];
        while let Some(next) = machine.waits_for(ring[ring.len() - 1]).filter(|&next| next != last)
        {
            ring.push(next);
        }
        ring
    });
    let roots: Vec<_> = roots.collect();
    blame(machine, roots)
}

/// Remembers for each CPU where its way ends.
fn recursive(records: &[Record]) -> (Cause, Vec<CpuId>) {
    fn end(
        machine: &Machine,
        cpu: CpuId,
        way: &mut Vec<CpuId>,
        known: &mut BTreeMap<CpuId, Vec<CpuId>>,
    ) -> Vec<CpuId> {
        if let Some(known) = known.get(&cpu) {
            return known.clone();
        }
        way.push(cpu);
        let root = match machine.waits_for(cpu) {
            None => vec![cpu],
            Some(next) if way.contains(&next) => {
                way.iter().copied().skip_while(|&cpu| cpu != next).collect()
            }
            Some(next) => end(machine, next, way, known),
        };
        known.insert(cpu, root.clone());
        root
    }
    let (machine, mut known) = (Machine::read(records), BTreeMap::new());
    let roots: Vec<_> = stuck(&machine)
        .into_iter()
        .map(|cpu| end(&machine, cpu, &mut Vec::new(), &mut known))
        .collect();
    blame(machine, roots)
}

fn hops(records: &[Record], hops: usize) -> (Cause, Vec<CpuId>) {
    let machine = Machine::read(records);
    let roots: Vec<_> = stuck(&machine)
        .into_iter()
        .filter(|&cpu| {
            !machine.cpus[&cpu].irqs_off
                || machine.waits_for(cpu) == Some(cpu)
                || machine.waits_for(cpu).is_none()
        })
        .map(|cpu| vec![(0..hops).fold(cpu, |cpu, _| machine.waits_for(cpu).unwrap_or(cpu))])
        .collect();
    let (cause, cpus) = blame(machine, roots);
    (if cause == Cause::Unanswered { Cause::InterruptsOff } else { cause }, cpus)
}

fn one_hop(records: &[Record]) -> (Cause, Vec<CpuId>) {
    hops(records, 1)
}

fn two_hops(records: &[Record]) -> (Cause, Vec<CpuId>) {
    hops(records, 2)
}

/// The CPU that was reported first, and most often.
fn loudest(records: &[Record]) -> (Cause, Vec<CpuId>) {
    let mut reports: BTreeMap<CpuId, usize> = BTreeMap::new();
    for record in records.iter().filter(|record| matches!(record.event, Event::SoftLockup { .. })) {
        *reports.entry(record.cpu).or_default() += 1;
    }
    let (cause, _) = SOLUTION(records);
    (
        cause,
        reports
            .into_iter()
            .max_by_key(|&(_, count)| count)
            .map(|(cpu, _)| cpu)
            .into_iter()
            .collect(),
    )
}

fn waiters(records: &[Record]) -> (Cause, Vec<CpuId>) {
    (SOLUTION(records).0, stuck(&Machine::read(records)))
}

fn always_cpu_0(records: &[Record]) -> (Cause, Vec<CpuId>) {
    match SOLUTION(records) {
        (Cause::None, cpus) => (Cause::None, cpus),
        _ => (Cause::SelfDeadlock, vec![CpuId(0)]),
    }
}

/// Each CPU with its interrupts off.
fn silent(records: &[Record]) -> (Cause, Vec<CpuId>) {
    let machine = Machine::read(records);
    match SOLUTION(records) {
        (cause @ (Cause::SelfDeadlock | Cause::InterruptsOff), _) => (
            cause,
            machine.cpus.iter().filter(|(_, seen)| seen.irqs_off).map(|(&cpu, _)| cpu).collect(),
        ),
        other => other,
    }
}

fn for_ever(records: &[Record]) -> (Cause, Vec<CpuId>) {
    let machine = Machine::read(records);
    let roots: Vec<_> = stuck(&machine)
        .into_iter()
        .map(|mut cpu| {
            // Not for ever: the checks' process goes on, with this thread in it.
            let mut hops = 0_u64..400_000_000;
            while let Some(next) =
                machine.waits_for(cpu).filter(|&next| next != cpu && hops.next().is_some())
            {
                cpu = std::hint::black_box(next);
            }
            vec![cpu]
        })
        .collect();
    blame(machine, roots)
}

/// Where it met a CPU for the second time.
fn one_of_a_ring(records: &[Record]) -> (Cause, Vec<CpuId>) {
    match SOLUTION(records) {
        (Cause::WaitingWithInterruptsOff, cpus) => {
            (Cause::WaitingWithInterruptsOff, cpus[..1].to_vec())
        }
        other => other,
    }
}

fn ring_is_self(records: &[Record]) -> (Cause, Vec<CpuId>) {
    match SOLUTION(records) {
        (Cause::WaitingWithInterruptsOff, cpus) => (Cause::SelfDeadlock, cpus),
        other => other,
    }
}

/// A wait that took more than 5 s and ended; looked at first.
fn slow_first(records: &[Record]) -> (Cause, Vec<CpuId>) {
    let machine = Machine::read(records);
    match machine.slow.is_empty() {
        true => SOLUTION(records),
        false => (Cause::SlowCpu, machine.slow.into_iter().collect()),
    }
}

/// Does not ask whether the wait is over.
fn any_long_wait(records: &[Record]) -> (Cause, Vec<CpuId>) {
    let mut began: BTreeMap<CpuId, (CpuId, KernelTime)> = BTreeMap::new();
    let mut found = BTreeSet::new();
    for Record { time, cpu, event, .. } in records {
        match *event {
            Event::CsdWait { on, .. } => _ = began.insert(*cpu, (on, *time)),
            Event::CsdWaitEnd { .. }
                if began.get(cpu).is_some_and(|w| time.ns_since(w.1) > TOO_LONG_NS) =>
            {
                found.insert(began[cpu].0);
            }
            _ => {}
        }
    }
    let (cause, cpus) = SOLUTION(records);
    match cause {
        Cause::SlowCpu => (Cause::InterruptsOff, found.into_iter().collect()),
        _ => (cause, cpus),
    }
}

fn faulted(records: &[Record]) -> (Cause, Vec<CpuId>) {
    let (cause, _) = SOLUTION(records);
    let fault = records.iter().find(|record| matches!(record.event, Event::Fault { .. }));
    match cause {
        Cause::None => (cause, Vec::new()),
        _ => (cause, fault.map(|record| record.cpu).into_iter().collect()),
    }
}
