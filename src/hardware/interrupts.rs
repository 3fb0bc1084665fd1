//! A CPU's interrupts, as the machine reaches them; and an IPI that gets lost on its way.
//!
//! What is pending, and the flag, are a part: see [`crate::parts::irq_state`].

use crate::config::causes::LoseIpi;
use crate::cpumask::CpuId;
use crate::parts::irq_state::{IrqState, KernelIrqState};
use crate::sync::{AtomicBool, Ordering::Relaxed};
use crate::time::KernelTime;
use crate::vector::Vector;

/// The vectors that a CPU accepts with its interrupts on.
pub(crate) const ALL_VECTORS: u32 = u32::MAX;

/// The interrupts of one CPU. The stock part is reached without a virtual call: a CPU that spins asks it at every look.
#[derive(Debug)]
pub(crate) enum Interrupts {
    Kernel(KernelIrqState),
    Part(Box<dyn IrqState>),
}

impl Interrupts {
    /// Makes `vector` pending. Called by any CPU, and by the clock.
    pub(crate) fn raise(&self, vector: Vector) {
        match self {
            Interrupts::Kernel(irqs) => irqs.raise(vector.bit()),
            Interrupts::Part(irqs) => irqs.raise(vector.bit()),
        }
    }

    /// Whether something is pending that its owner would take.
    pub(crate) fn has(&self, accepts: u32) -> bool {
        match self {
            Interrupts::Kernel(irqs) => irqs.is_pending(accepts),
            Interrupts::Part(irqs) => irqs.is_pending(accepts),
        }
    }

    /// Takes one pending vector out. Called by the owner.
    ///
    /// # Panics
    /// If the part returns what it was not asked for.
    pub(crate) fn take(&self, accepts: u32) -> Option<Vector> {
        let bit = match self {
            Interrupts::Kernel(irqs) => irqs.take_likely(accepts, Vector::CallFunction.bit())?,
            Interrupts::Part(irqs) => irqs.take(accepts)?,
        };
        let vector = Vector::of_bit(bit & accepts);
        assert!(
            vector.is_some(),
            "`take({accepts:#x})` gave {bit:#x}, which is no vector of those"
        );
        vector
    }

    /// Turns interrupts off. Called by the owner. Returns what [`restore`](Self::restore) is to be given.
    pub(crate) fn save(&self) -> bool {
        match self {
            Interrupts::Kernel(irqs) => irqs.save(),
            Interrupts::Part(irqs) => irqs.save(),
        }
    }

    /// Turns interrupts back. Called by the owner. Returns whether they are on now.
    pub(crate) fn restore(&self, were_off: bool) -> bool {
        match self {
            Interrupts::Kernel(irqs) => irqs.restore(were_off),
            Interrupts::Part(irqs) => irqs.restore(were_off),
        }
    }

    /// Whether interrupts are off.
    pub(crate) fn is_off(&self) -> bool {
        match self {
            Interrupts::Kernel(irqs) => irqs.is_off(),
            Interrupts::Part(irqs) => irqs.is_off(),
        }
    }
}

/// An IPI that gets lost on its way, if the machine is to lose one ([`LoseIpi`]).
///
/// `lost` is written by the CPU whose IPI it is, once (Relaxed: the swap decides which CPU that is).
#[derive(Debug)]
pub(crate) struct IpiLoss {
    lose: Option<LoseIpi>,
    lost: AtomicBool,
}

impl IpiLoss {
    pub(crate) fn new(lose: Option<LoseIpi>) -> Self {
        IpiLoss { lose, lost: AtomicBool::new(false) }
    }

    /// Whether this IPI is the one that gets lost.
    pub(crate) fn takes(
        &self,
        target: CpuId,
        vector: Vector,
        now: impl Fn() -> KernelTime,
    ) -> bool {
        self.lose.is_some_and(|LoseIpi { to, after }| {
            let matches = vector == Vector::CallFunction && target == to && now() >= after;
            matches && !self.lost.swap(true, Relaxed)
        })
    }
}
