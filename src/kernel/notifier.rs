//! The die notifier chain: the callbacks that `die` calls for an oops. The article's "kernel box" is such a callback.
//!
//! In Linux: `kernel/notifier.c`, `notifier_call_chain`; `kernel/notifier.c`, `notify_die`.
//! Here it differs: the chain is complete before the machine starts, so walking it needs no RCU.

use std::fmt;

use crate::kernel::cpu::Cpu;
use crate::record::Symbol;

/// What a callback answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notify {
    /// `NOTIFY_DONE`: not interested.
    Done,
    /// `NOTIFY_OK`: dealt with; others may still want to know.
    Ok,
    /// `NOTIFY_BAD`: no further callback is asked.
    Bad,
    /// `NOTIFY_STOP`: no further callback is asked, and `die` neither prints registers (in stock order) nor kills the
    /// task. On arm64 a task that faulted is killed by the fault path all the same.
    Stop,
}

impl Notify {
    /// `NOTIFY_STOP_MASK`: the chain ends here.
    const fn ends_the_chain(self) -> bool {
        matches!(self, Notify::Bad | Notify::Stop)
    }
}

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

    /// Asks one callback after another until one ends the chain. Returns the last answer.
    fn call(&self, cpu: &Cpu) -> Notify {
        let mut answer = Notify::Done;
        for block in &self.0 {
            let _frame = cpu.frame(block.name.clone());
            answer = (block.call)(cpu);
            if answer.ends_the_chain() {
                break;
            }
        }
        answer
    }
}

/// Tells the die chain of an oops on this CPU. In Linux: `notify_die(DIE_OOPS, …)`.
pub(crate) fn notify_die(cpu: &Cpu) -> Notify {
    let _frames = cpu.frames(&["notify_die", "atomic_notifier_call_chain", "notifier_call_chain"]);
    cpu.shared().die_chain.call(cpu)
}
