//! The right CPU is blamed for the wrong thing.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
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
    wrong("any tick proves that interrupts are on", ALIKE, &["expected InterruptsOff"], || {
        checks(any_tick)
    }),
];

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

/// A tick of its timer, at whatever time.
fn any_tick(records: &[Record]) -> (Cause, Vec<CpuId>) {
    let ticked = |cpu| {
        let is_tick = |it: &&Record| it.event == Event::IrqEnter { vector: Vector::Timer };
        records.iter().filter(is_tick).any(|it| it.cpu == cpu)
    };
    match SOLUTION(records) {
        (Cause::InterruptsOff, cpus) if ticked(cpus[0]) => (Cause::LostIpi, cpus),
        other => other,
    }
}
