//! The parts of a machine that can be exchanged. Parts are values: stock unless you hand in your own.
//!
//! ```
//! use softlockup::{DieLock, NestingDieLock, Parts, ThisCpu};
//!
//! struct Mine(NestingDieLock);
//!
//! impl DieLock for Mine {
//!     fn lock(&self, cpu: &impl ThisCpu) -> u32 {
//!         self.0.lock(cpu)
//!     }
//!     fn unlock(&self, cpu: &impl ThisCpu) -> u32 {
//!         self.0.unlock(cpu)
//!     }
//! }
//!
//! let parts = Parts::stock().with_die_lock(Mine(NestingDieLock::new()));
//! # let _ = parts;
//! ```
//!
//! A part owns its atomics and their orderings; interrupts, frames, records and halting stay with the machine. The
//! machine itself is not generic: it sees its parts through [`KernelParts`], so that a learner's edit compiles the
//! part and not the machine.

use std::any::TypeId;
use std::marker::PhantomData;

use crossbeam_utils::CachePadded;

use crate::csd_debug::CsdWaiter;
use crate::csd_table::CsdTable;
use crate::sync::AtomicU32;
use crate::{
    AnyDieLock, AnyLockupDetector, Arm64DieLock, CallQueue, Cpu, CpuId, CsdId, CsdLock, DieLock,
    Heartbeat, KernelCallQueue, KernelCsdLock, KernelVersion, LockupDetector, MailboxCallQueue,
    SampleContext, Verdict,
};

/// The exchangeable parts of a machine.
#[derive(Debug)]
pub struct Parts<D = AnyDieLock, Q = KernelCallQueue, C = KernelCsdLock, L = AnyLockupDetector> {
    die_lock: D,
    call_queue: PhantomData<fn() -> Q>,
    csd_lock: C,
    lockup_detector: L,
}

impl Parts {
    /// The kernel's own parts: arm64's `die_lock`, and the lockup detector of whichever kernel boots.
    pub fn stock() -> Self {
        Parts {
            die_lock: AnyDieLock::Arm64(Arm64DieLock::new()),
            call_queue: PhantomData,
            csd_lock: KernelCsdLock,
            lockup_detector: AnyLockupDetector::from(KernelVersion::default()),
        }
    }
}

impl<D, Q, C, L> Parts<D, Q, C, L> {
    /// With another `die_lock`.
    pub fn with_die_lock<D2: DieLock>(self, die_lock: D2) -> Parts<D2, Q, C, L> {
        let Parts { call_queue, csd_lock, lockup_detector, .. } = self;
        Parts { die_lock, call_queue, csd_lock, lockup_detector }
    }

    /// With another call queue; every CPU gets one of its own.
    pub fn with_call_queue<Q2: CallQueue>(self) -> Parts<D, Q2, C, L> {
        let Parts { die_lock, csd_lock, lockup_detector, .. } = self;
        Parts { die_lock, call_queue: PhantomData, csd_lock, lockup_detector }
    }

    /// With another csd lock. A [`MailboxCallQueue`] then carries calls as the kernel's does, for the lock to be used.
    pub fn with_csd_lock<C2: CsdLock>(self, csd_lock: C2) -> Parts<D, Q, C2, L> {
        let Parts { die_lock, call_queue, lockup_detector, .. } = self;
        Parts { die_lock, call_queue, csd_lock, lockup_detector }
    }

    /// With another soft-lockup detector.
    pub fn with_lockup_detector<L2: LockupDetector>(self, detector: L2) -> Parts<D, Q, C, L2> {
        let Parts { die_lock, call_queue, csd_lock, .. } = self;
        Parts { die_lock, call_queue, csd_lock, lockup_detector: detector }
    }
}

impl<D: DieLock, Q: CallQueue, C: CsdLock, L: LockupDetector> Parts<D, Q, C, L> {
    /// Builds the parts into a machine that is to boot `kernel`.
    pub(crate) fn install(mut self, nr_cpus: u32, kernel: KernelVersion) -> Box<dyn KernelParts> {
        self.lockup_detector.boot(kernel);
        Box::new(Installed {
            die_lock: self.die_lock,
            call_queues: (0..nr_cpus).map(|_| CachePadded::new(Q::default())).collect(),
            csd_lock: self.csd_lock,
            lockup_detector: self.lockup_detector,
        })
    }
}

/// The parts as the machine calls them, one virtual call away.
pub(crate) trait KernelParts: Send + Sync {
    fn die_lock(&self, cpu: &Cpu) -> u32;
    fn die_unlock(&self, cpu: &Cpu) -> u32;
    fn die_lock_task_exit(&self, cpu: &Cpu);
    fn queue_push(&self, target: CpuId, csd: CsdId, csds: &CsdTable) -> bool;
    fn queue_take_all(&self, cpu: CpuId, csds: &CsdTable) -> Option<CsdId>;
    fn mailbox(&self, cpu: CpuId) -> Option<&MailboxCallQueue>;
    fn csd_lock(&self, flags: &AtomicU32, cpu: &Cpu);
    fn csd_unlock(&self, flags: &AtomicU32);
    fn csd_lock_wait(&self, flags: &AtomicU32, cpu: &Cpu);
    fn csd_lock_wait_debug(&self, flags: &AtomicU32, waiter: &CsdWaiter<'_>);
    fn feed(&self, heartbeat: Heartbeat, now: u64) -> Heartbeat;
    fn touch(&self, heartbeat: Heartbeat) -> Heartbeat;
    fn sample(&self, heartbeat: Heartbeat, context: SampleContext) -> (Heartbeat, Verdict);
}

struct Installed<D, Q, C, L> {
    die_lock: D,
    call_queues: Box<[CachePadded<Q>]>,
    csd_lock: C,
    lockup_detector: L,
}

impl<D: DieLock, Q: CallQueue, C: CsdLock, L: LockupDetector> KernelParts
    for Installed<D, Q, C, L>
{
    fn die_lock(&self, cpu: &Cpu) -> u32 {
        self.die_lock.lock(cpu)
    }

    fn die_unlock(&self, cpu: &Cpu) -> u32 {
        self.die_lock.unlock(cpu)
    }

    fn die_lock_task_exit(&self, cpu: &Cpu) {
        self.die_lock.task_exit(cpu);
    }

    fn queue_push(&self, target: CpuId, csd: CsdId, csds: &CsdTable) -> bool {
        self.call_queues[target.index()].push(csd, csds)
    }

    fn queue_take_all(&self, cpu: CpuId, csds: &CsdTable) -> Option<CsdId> {
        self.call_queues[cpu.index()].take_all(csds)
    }

    fn mailbox(&self, cpu: CpuId) -> Option<&MailboxCallQueue> {
        // A letter is locked and unlocked by its mailbox: with another csd lock there are none.
        if TypeId::of::<C>() != TypeId::of::<KernelCsdLock>() {
            return None;
        }
        self.call_queues[cpu.index()].mailbox()
    }

    fn csd_lock(&self, flags: &AtomicU32, cpu: &Cpu) {
        self.csd_lock.lock(flags, cpu);
    }

    fn csd_unlock(&self, flags: &AtomicU32) {
        self.csd_lock.unlock(flags);
    }

    fn csd_lock_wait(&self, flags: &AtomicU32, cpu: &Cpu) {
        self.csd_lock.wait(flags, cpu);
    }

    fn csd_lock_wait_debug(&self, flags: &AtomicU32, waiter: &CsdWaiter<'_>) {
        self.csd_lock.wait(flags, waiter);
    }

    fn feed(&self, heartbeat: Heartbeat, now: u64) -> Heartbeat {
        self.lockup_detector.feed(heartbeat, now)
    }

    fn touch(&self, heartbeat: Heartbeat) -> Heartbeat {
        self.lockup_detector.touch(heartbeat)
    }

    fn sample(&self, heartbeat: Heartbeat, context: SampleContext) -> (Heartbeat, Verdict) {
        self.lockup_detector.sample(heartbeat, context)
    }
}
