//! The die notifier chain: the callbacks that `die` calls for an oops. The article's "kernel box" is such a callback.
//!
//! [`Machine::register_die_notifier`](crate::Machine::register_die_notifier) registers a callback. How the chain is walked
//! is a part: `parts/die_chain.rs`.
//!
//! In Linux: `kernel/notifier.c`, `notify_die`, `notifier_chain_register`.
//! Here it differs: the chain is complete before the machine starts, so walking it needs no RCU.

use std::fmt;

use crate::cpumask::CpuId;
use crate::kernel::cpu::Cpu;
use crate::parts::die_chain::{Callbacks, Notify};
use crate::parts::this_cpu::ThisCpu;
use crate::record::Symbol;

/// A callback on the die chain. It is called on the oopsing CPU with interrupts off and `die_lock` held.
pub struct NotifierBlock {
    name: Symbol,
    priority: i32,
    call: Box<dyn Fn(&Cpu) -> Notify + Send + Sync>,
}

impl NotifierBlock {
    /// A callback that stands as `name` in a call trace. A higher priority is called earlier.
    pub fn new(
        name: impl Into<Symbol>,
        priority: i32,
        call: impl Fn(&Cpu) -> Notify + Send + Sync + 'static,
    ) -> Self {
        NotifierBlock { name: name.into(), priority, call: Box::new(call) }
    }
}

impl fmt::Debug for NotifierBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (priority {})", self.name, self.priority)
    }
}

/// Callbacks in the order of their priority; among equals, in the order of registration.
#[derive(Debug, Default)]
pub(crate) struct NotifierChain(Vec<NotifierBlock>);

impl NotifierChain {
    /// In Linux: `notifier_chain_register`.
    pub(crate) fn register(&mut self, block: NotifierBlock) {
        let place = self.0.partition_point(|other| other.priority >= block.priority);
        self.0.insert(place, block);
    }
}

/// The callbacks, on the CPU that oopses.
struct OnThisCpu<'a> {
    chain: &'a NotifierChain,
    cpu: &'a Cpu,
}

impl Callbacks for OnThisCpu<'_> {
    fn count(&self) -> usize {
        self.chain.0.len()
    }

    fn call(&self, n: usize) -> Notify {
        let block = &self.chain.0[n];
        let _frame = self.cpu.frame(block.name.clone());
        (block.call)(self.cpu)
    }

    fn cpu(&self) -> CpuId {
        self.cpu.id()
    }
}

/// Tells the die chain of an oops on this CPU. In Linux: `notify_die(DIE_OOPS, …)`.
pub(crate) fn notify_die(cpu: &Cpu) -> Notify {
    let _frames = cpu.frames(&["notify_die", "atomic_notifier_call_chain", "notifier_call_chain"]);
    let shared = cpu.shared();
    let answer = shared.die_walk.call(&OnThisCpu { chain: &shared.die_chain, cpu });
    cpu.after_part();
    answer
}
