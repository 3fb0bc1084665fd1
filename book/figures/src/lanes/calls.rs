//! Calls from one CPU to others, and their answers.

use std::collections::{HashMap, VecDeque};

use softlockup::vector::Vector;
use softlockup::{CpuId, Event, KernelTime, Record};

/// A call to one or more CPUs.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) from: CpuId,
    pub(crate) time: KernelTime,
    pub(crate) targets: Vec<Target>,
}

/// A CPU that was called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) cpu: CpuId,
    pub(crate) ipi: bool,
    pub(crate) answered: Option<KernelTime>,
}

/// What is known of calls on the way through the records.
#[derive(Default)]
pub(crate) struct Calls {
    pub(crate) all: Vec<Call>,
    /// For each CPU the call that it is still making.
    making: HashMap<CpuId, usize>,
    /// For each caller and called CPU, the calls without an answer: which call, and which of its targets. A CPU answers
    /// the calls of one caller in their order.
    unanswered: HashMap<(CpuId, CpuId), VecDeque<(usize, usize)>>,
}

impl Target {
    /// How long it took to answer.
    pub(crate) fn took_ns(&self, call: &Call, ended: KernelTime) -> u64 {
        self.answered.unwrap_or(ended).ns_since(call.time)
    }
}

impl Calls {
    pub(crate) fn read(&mut self, record: &Record) {
        let &Record { time, cpu, ref event, .. } = record;
        match *event {
            Event::CsdQueue { to, .. } => {
                let call = *self.making.entry(cpu).or_insert_with(|| {
                    self.all.push(Call { from: cpu, time, targets: Vec::new() });
                    self.all.len() - 1
                });
                let targets = &mut self.all[call].targets;
                self.unanswered.entry((cpu, to)).or_default().push_back((call, targets.len()));
                targets.push(Target { cpu: to, ipi: false, answered: None });
            }
            Event::IpiSend { to, vector: Vector::CallFunction } => {
                let call = self.making.get(&cpu).map(|call| &mut self.all[*call]);
                let targets = call.into_iter().flat_map(|call| &mut call.targets);
                targets.filter(|target| target.cpu == to).for_each(|target| target.ipi = true);
            }
            Event::CsdUnlock { from } => {
                let oldest = self.unanswered.get_mut(&(from, cpu)).and_then(VecDeque::pop_front);
                if let Some((call, target)) = oldest {
                    self.all[call].targets[target].answered = Some(time);
                }
            }
            Event::CsdWait { .. } | Event::Exit { .. } => _ = self.making.remove(&cpu),
            _ => {}
        }
    }

    /// Whether an IPI went out with this CPU's last call to another one.
    pub(crate) fn sent_ipi(&self, from: CpuId, to: CpuId) -> bool {
        let last = self.all.iter().rev().find(|call| call.from == from);
        last.is_some_and(|call| call.targets.iter().any(|target| target.cpu == to && target.ipi))
    }
}
