//! Parts behind a virtual call.
//!
//! Most parts see the machine through a type of their caller's choice (`&impl ThisCpu`), so their traits cannot be made
//! into objects. Each has a second trait here that can, and that every such part implements by itself. The machine holds
//! its parts as such objects. [`Erased`] makes a part of one again, so that a program which runs the
//! [rules](crate::parts::contract) of many parts compiles them once.
//!
//! ```
//! use softlockup::parts::contract;
//! use softlockup::parts::die_lock::Arm64DieLock;
//! use softlockup::parts::erased::{DynDieLock, Erased};
//!
//! let new = || Erased::<dyn DynDieLock>(Box::new(Arm64DieLock::new()));
//! assert_eq!(contract::die_lock::excludes(new), Ok(()));
//! ```

use crate::cpumask::CpuMask;
use crate::parts::call_many::{CallMany, CrossCalls, Wait};
use crate::parts::call_queue::{CallQueue, CsdId, Links};
use crate::parts::csd_lock::CsdLock;
use crate::parts::die_chain::{Callbacks, DieChain, Notify};
use crate::parts::die_lock::DieLock;
use crate::parts::irq_state::IrqState;
use crate::parts::this_cpu::ThisCpu;
use crate::sync::AtomicU32;

/// A part of which only its trait is known. It is such a part itself.
#[derive(Debug)]
pub struct Erased<T: ?Sized>(pub Box<T>);

/// A [`DieLock`], as an object.
pub trait DynDieLock: Send + Sync {
    /// [`DieLock::lock`]
    fn lock(&self, cpu: &dyn ThisCpu) -> u32;
    /// [`DieLock::unlock`]
    fn unlock(&self, cpu: &dyn ThisCpu) -> u32;
    /// [`DieLock::task_exit`]
    fn task_exit(&self, cpu: &dyn ThisCpu);
}

impl<D: DieLock> DynDieLock for D {
    fn lock(&self, cpu: &dyn ThisCpu) -> u32 {
        DieLock::lock(self, &cpu)
    }

    fn unlock(&self, cpu: &dyn ThisCpu) -> u32 {
        DieLock::unlock(self, &cpu)
    }

    fn task_exit(&self, cpu: &dyn ThisCpu) {
        DieLock::task_exit(self, &cpu);
    }
}

impl DieLock for Erased<dyn DynDieLock> {
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        DynDieLock::lock(&*self.0, cpu)
    }

    fn unlock(&self, cpu: &impl ThisCpu) -> u32 {
        DynDieLock::unlock(&*self.0, cpu)
    }

    fn task_exit(&self, cpu: &impl ThisCpu) {
        DynDieLock::task_exit(&*self.0, cpu);
    }
}

/// A [`CsdLock`], as an object.
pub trait DynCsdLock: Send + Sync {
    /// [`CsdLock::lock`]
    fn lock(&self, flags: &AtomicU32, cpu: &dyn ThisCpu);
    /// [`CsdLock::unlock`]
    fn unlock(&self, flags: &AtomicU32);
    /// [`CsdLock::wait`]
    fn wait(&self, flags: &AtomicU32, cpu: &dyn ThisCpu);
}

impl<C: CsdLock> DynCsdLock for C {
    fn lock(&self, flags: &AtomicU32, cpu: &dyn ThisCpu) {
        CsdLock::lock(self, flags, &cpu);
    }

    fn unlock(&self, flags: &AtomicU32) {
        CsdLock::unlock(self, flags);
    }

    fn wait(&self, flags: &AtomicU32, cpu: &dyn ThisCpu) {
        CsdLock::wait(self, flags, &cpu);
    }
}

impl CsdLock for Erased<dyn DynCsdLock> {
    fn lock(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        DynCsdLock::lock(&*self.0, flags, cpu);
    }

    fn unlock(&self, flags: &AtomicU32) {
        DynCsdLock::unlock(&*self.0, flags);
    }

    fn wait(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        DynCsdLock::wait(&*self.0, flags, cpu);
    }
}

/// A [`CallQueue`], as an object.
pub trait DynCallQueue: Send + Sync {
    /// [`CallQueue::push`]
    fn push(&self, csd: CsdId, links: &dyn Links) -> bool;
    /// [`CallQueue::take_all`]
    fn take_all(&self, links: &dyn Links) -> Option<CsdId>;
}

impl<Q: CallQueue> DynCallQueue for Q {
    fn push(&self, csd: CsdId, links: &dyn Links) -> bool {
        CallQueue::push(self, csd, links)
    }

    fn take_all(&self, links: &dyn Links) -> Option<CsdId> {
        CallQueue::take_all(self, links)
    }
}

impl CallQueue for Erased<dyn DynCallQueue> {
    fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
        DynCallQueue::push(&*self.0, csd, &links)
    }

    fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        DynCallQueue::take_all(&*self.0, &links)
    }
}

/// A [`CallMany`], as an object.
pub trait DynCallMany: Send + Sync {
    /// [`CallMany::call_many`]
    fn call_many(&self, cpu: &dyn CrossCalls, mask: &CpuMask, wait: Wait);
}

impl<M: CallMany> DynCallMany for M {
    fn call_many(&self, cpu: &dyn CrossCalls, mask: &CpuMask, wait: Wait) {
        CallMany::call_many(self, &cpu, mask, wait);
    }
}

impl CallMany for Erased<dyn DynCallMany> {
    fn call_many(&self, cpu: &impl CrossCalls, mask: &CpuMask, wait: Wait) {
        DynCallMany::call_many(&*self.0, cpu, mask, wait);
    }
}

/// A [`DieChain`], as an object.
pub trait DynDieChain: Send + Sync {
    /// [`DieChain::call`]
    fn call(&self, callbacks: &dyn Callbacks) -> Notify;
}

impl<D: DieChain> DynDieChain for D {
    fn call(&self, callbacks: &dyn Callbacks) -> Notify {
        DieChain::call(self, &callbacks)
    }
}

impl DieChain for Erased<dyn DynDieChain> {
    fn call(&self, callbacks: &impl Callbacks) -> Notify {
        DynDieChain::call(&*self.0, callbacks)
    }
}

impl IrqState for Erased<dyn IrqState> {
    fn raise(&self, vector: u32) {
        self.0.raise(vector);
    }

    fn is_pending(&self, vectors: u32) -> bool {
        self.0.is_pending(vectors)
    }

    fn take(&self, vectors: u32) -> Option<u32> {
        self.0.take(vectors)
    }

    fn save(&self) -> bool {
        self.0.save()
    }

    fn restore(&self, were_off: bool) -> bool {
        self.0.restore(were_off)
    }

    fn is_off(&self) -> bool {
        self.0.is_off()
    }
}
