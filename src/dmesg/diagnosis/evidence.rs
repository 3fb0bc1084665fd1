//! What the rules found.

use std::collections::BTreeMap;

use crate::cpumask::CpuId;
use crate::dmesg::diagnosis::caveat::Caveat;
use crate::dmesg::diagnosis::fact::{Fact, FactKind, Weight};

/// What speaks against which CPU, and the caveats that the rules met.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    pub(super) facts: Vec<Fact>,
    pub(super) caveats: Vec<Caveat>,
    /// CPUs that wait for others: victims, whatever else is said of them.
    pub(super) waiters: BTreeMap<CpuId, usize>,
}

impl Evidence {
    /// A fact, unless one of its kind, and as weighty, is there already.
    pub(super) fn add(&mut self, cpu: CpuId, line: usize, weight: Weight, kind: FactKind) {
        let fact = Fact { cpu, line, weight, kind };
        let is_as_good = |other: &Fact| {
            other.cpu == cpu && other.weight >= weight && other.is_same_source(&fact)
        };
        if !self.facts.iter().any(is_as_good) {
            self.facts.push(fact);
        }
    }

    /// A CPU that is silent, unless it waits for another one itself.
    pub(super) fn add_silent(&mut self, cpu: CpuId, line: usize, kind: FactKind) {
        let weight = match self.waiters.contains_key(&cpu) {
            true => Weight::Hint,
            false => Weight::Silent,
        };
        self.add(cpu, line, weight, kind);
    }
}
