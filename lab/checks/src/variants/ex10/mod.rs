//! Known answers to ex10: diagnoses.

use std::collections::{BTreeMap, BTreeSet};

use ex10_whose_fault_solution::{Machine, TOO_LONG_NS};
use softlockup::incident::report::diagnosis::Cause;
use softlockup::vector::Vector;
use softlockup::{CpuId, Event, KernelTime, Record};

use crate::ex10::{Diagnose, checks};
use crate::variants::{Variant, right, solution, wrong};

mod cause;
mod right;
mod way;

/// Solution, alternatives, mutants.
pub(super) const VARIANTS: &[&[Variant]] = &[right::VARIANTS, way::VARIANTS, cause::VARIANTS];

const ARTICLE: &str = "oracle::article";
const ALIKE: &str = "oracle::look_alikes";
const CHAINS: &str = "oracle::wait_chains";

const SOLUTION: Diagnose = ex10_whose_fault_solution::diagnose;

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
