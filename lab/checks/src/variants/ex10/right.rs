//! Right ones.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
    solution(|| checks(SOLUTION)),
    right("strikes out every CPU that waits", || checks(strikes_out)),
    right("as many hops as there are CPUs", || checks(many_hops)),
    right("counts who leads where, recursively", || checks(recursive)),
];

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
