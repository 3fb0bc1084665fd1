//! The wrong CPU is blamed, or none.

use super::*;

const RINGS: &str = "oracle::rings";

pub(super) const VARIANTS: &[Variant] = &[
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
    wrong("the CPU that faulted", ALIKE, &["expected LostIpi"], || checks(faulted)),
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
    wrong("the CPU that was silent for longest", ALIKE, &["expected LostIpi"], || {
        checks(silent_for_longest)
    }),
];

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

fn faulted(records: &[Record]) -> (Cause, Vec<CpuId>) {
    let (cause, _) = SOLUTION(records);
    let fault = records.iter().find(|record| matches!(record.event, Event::Fault { .. }));
    match cause {
        Cause::None => (cause, Vec::new()),
        _ => (cause, fault.map(|record| record.cpu).into_iter().collect()),
    }
}

/// The CPU whose last record is the oldest.
fn silent_for_longest(records: &[Record]) -> (Cause, Vec<CpuId>) {
    let mut last: BTreeMap<CpuId, KernelTime> = BTreeMap::new();
    records.iter().for_each(|record| _ = last.insert(record.cpu, record.time));
    let silent = last.into_iter().min_by_key(|&(_, time)| time).map(|(cpu, _)| cpu);
    match SOLUTION(records) {
        (cause, cpus) if cpus.len() == 1 => (cause, silent.into_iter().collect()),
        other => other,
    }
}
