//! The exchangeable parts of a machine: what a learner writes, and the kernel's own.
//!
//! ```
//! use softlockup::parts::die_lock::{DieLock, NestingDieLock};
//! use softlockup::{Parts, ThisCpu};
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
//! A part owns its atomics and their orderings. Interrupts, stack frames, records and halting stay with the machine. Of
//! the machine a part sees only what [`ThisCpu`](this_cpu::ThisCpu) shows. So it runs on a [`FakeCpu`](fake_cpu::FakeCpu) and under loom
//! as well.
//!
//! | part | decides | plugged in by | rules |
//! |---|---|---|---|
//! | [`DieLock`] | which CPU may report an oops | [`Parts::with_die_lock`] | [`contract::die_lock`] |
//! | [`IrqState`] | what is pending, and whether it is kept waiting | [`Parts::with_irq_state`] | [`contract::irq_state`] |
//! | [`CallMany`] | which CPUs are posted to, interrupted and waited for | [`Parts::with_call_many`] | [`contract::call_many`] |
//! | [`CallQueue`] | how calls wait for a CPU | [`Parts::with_call_queue`] | [`contract::call_queue`] |
//! | [`CsdLock`] | how a caller waits for the answer | [`Parts::with_csd_lock`] | [`contract::csd_lock`] |
//! | [`StallDetector`] | when a wait is reported | [`Parts::with_stall_detector`] | [`contract::csd_stall`] |
//! | [`SoftlockupDetector`] | when a CPU reports itself | [`Parts::with_softlockup_detector`] | [`contract::softlockup`] |
//! | [`HardlockupDetector`] | which CPU watches which, and when it reports | [`Parts::with_hardlockup_detector`] | [`contract::hardlockup`] |
//! | [`DieChain`] | how the callbacks of an oops are run | [`Parts::with_die_chain`] | [`contract::die_chain`] |

pub mod call_many;
pub mod call_queue;
pub mod contract;
pub mod csd_lock;
pub mod csd_stall;
pub mod die_chain;
pub mod die_lock;
pub mod erased;
pub mod fake_cpu;
pub mod hardlockup;
pub mod irq_state;
pub mod softlockup;
pub mod this_cpu;

use std::fmt;

use crossbeam_utils::CachePadded;

use crate::cpumask::CpuId;
use crate::parts::call_many::{CallMany, KernelCallMany};
use crate::parts::call_queue::{CallQueue, CsdId, KernelCallQueue, Links};
use crate::parts::csd_lock::{CsdLock, KernelCsdLock};
use crate::parts::csd_stall::{KernelStallDetector, StallDetector};
use crate::parts::die_chain::{DieChain, KernelDieChain};
use crate::parts::die_lock::{Arm64DieLock, DieLock};
use crate::parts::erased::{DynCallMany, DynCsdLock, DynDieChain, DynDieLock};
use crate::parts::hardlockup::{BuddyDetector, HardlockupDetector};
use crate::parts::irq_state::IrqState;
use crate::parts::softlockup::SoftlockupDetector;

/// The parts of one machine: stock, unless you hand in your own.
///
/// Neither `Parts` nor the machine is generic. A part's type is erased when it is handed in, and the machine reaches
/// the part by a virtual call. So an edit to a part recompiles the part, and not the machine.
pub struct Parts {
    pub(crate) die_lock: Box<dyn DynDieLock>,
    pub(crate) csd_lock: Box<dyn DynCsdLock>,
    pub(crate) call_queue: CallQueueChoice,
    pub(crate) call_many: Box<dyn DynCallMany>,
    /// `None`: the stock one, which the machine reaches without a virtual call.
    pub(crate) irq_state: Option<fn() -> Box<dyn IrqState>>,
    /// `None`: the one of the kernel that boots.
    pub(crate) softlockup_detector: Option<Box<dyn SoftlockupDetector>>,
    pub(crate) hardlockup_detector: Box<dyn HardlockupDetector>,
    pub(crate) stall_detector: Box<dyn StallDetector>,
    pub(crate) die_chain: Box<dyn DynDieChain>,
}

impl Parts {
    /// The kernel's own parts: arm64's `die_lock`, and the soft-lockup detector of the kernel that boots.
    pub fn stock() -> Self {
        Parts {
            die_lock: Box::new(Arm64DieLock::new()),
            csd_lock: Box::new(KernelCsdLock),
            call_queue: CallQueueChoice::Queue(one_per_cpu::<KernelCallQueue>),
            call_many: Box::new(KernelCallMany),
            irq_state: None,
            softlockup_detector: None,
            hardlockup_detector: Box::new(BuddyDetector),
            stall_detector: Box::new(KernelStallDetector),
            die_chain: Box::new(KernelDieChain),
        }
    }

    /// With another `die_lock`.
    pub fn with_die_lock(self, die_lock: impl DieLock) -> Self {
        Parts { die_lock: Box::new(die_lock), ..self }
    }

    /// With another call queue. Every CPU gets one of its own.
    pub fn with_call_queue<Q: CallQueue + Default>(self) -> Self {
        Parts { call_queue: CallQueueChoice::Queue(one_per_cpu::<Q>), ..self }
    }

    /// With a mailbox (`kernel/mailbox.rs`) in front of each CPU's call queue, which is then the kernel's. A call whose
    /// caller waits travels faster, and the whole incident comes out the same.
    pub fn with_mailboxes(self) -> Self {
        Parts { call_queue: CallQueueChoice::Mailbox, ..self }
    }

    /// With another csd lock. With [mailboxes](Parts::with_mailboxes) its `lock` is not called for a letter, which is
    /// claimed instead; its `wait` and `unlock` are.
    pub fn with_csd_lock(self, csd_lock: impl CsdLock) -> Self {
        Parts { csd_lock: Box::new(csd_lock), ..self }
    }

    /// With another way to call many CPUs.
    pub fn with_call_many(self, call_many: impl CallMany) -> Self {
        Parts { call_many: Box::new(call_many), ..self }
    }

    /// With another interrupt flag, and what is pending behind it. Every CPU gets one of its own.
    pub fn with_irq_state<I: IrqState + Default>(self) -> Self {
        Parts { irq_state: Some(|| Box::new(I::default())), ..self }
    }

    /// With another soft-lockup detector.
    pub fn with_softlockup_detector(self, detector: impl SoftlockupDetector) -> Self {
        Parts { softlockup_detector: Some(Box::new(detector)), ..self }
    }

    /// With another hard-lockup detector. The buddy and the perf detector both ask it.
    pub fn with_hardlockup_detector(self, detector: impl HardlockupDetector) -> Self {
        Parts { hardlockup_detector: Box::new(detector), ..self }
    }

    /// With another judgement of when a wait for an answer is too long. Used if
    /// [`Detectors::csd`](crate::config::Detectors::csd) is on.
    pub fn with_stall_detector(self, detector: impl StallDetector) -> Self {
        Parts { stall_detector: Box::new(detector), ..self }
    }

    /// With another way to walk the die chain.
    pub fn with_die_chain(self, die_chain: impl DieChain) -> Self {
        Parts { die_chain: Box::new(die_chain), ..self }
    }
}

impl Default for Parts {
    fn default() -> Self {
        Self::stock()
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

/// How calls reach a CPU.
#[derive(Clone, Copy)]
pub(crate) enum CallQueueChoice {
    /// Through a queue of this kind; the function makes one per CPU.
    Queue(fn(nr_cpus: u32) -> Box<dyn DynCallQueues>),
    /// Through a mailbox with the kernel's queue behind it.
    Mailbox,
}

/// The [`CallQueue`]s of all CPUs, erased together: they lie in one array.
pub(crate) trait DynCallQueues: Send + Sync {
    fn push(&self, target: CpuId, csd: CsdId, links: &dyn Links) -> bool;
    fn take_all(&self, cpu: CpuId, links: &dyn Links) -> Option<CsdId>;
}

fn one_per_cpu<Q: CallQueue + Default>(nr_cpus: u32) -> Box<dyn DynCallQueues> {
    Box::new((0..nr_cpus).map(|_| CachePadded::new(Q::default())).collect::<Box<[_]>>())
}

impl<Q: CallQueue> DynCallQueues for Box<[CachePadded<Q>]> {
    fn push(&self, target: CpuId, csd: CsdId, links: &dyn Links) -> bool {
        self[target.index()].push(csd, links)
    }

    fn take_all(&self, cpu: CpuId, links: &dyn Links) -> Option<CsdId> {
        self[cpu.index()].take_all(links)
    }
}
