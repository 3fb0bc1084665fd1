//! A CPU's pending interrupts, and the flag that keeps them pending. They stand for the interrupt controller and
//! PSTATE.I.
//!
//! | atomic of a CPU | written by | read by | order |
//! |---|---|---|---|
//! | `pending` | any CPU sets a bit (`raise`); the owner clears it (`take`) | the owner at an interruption point; the clock, to see whether the owner has something to do | SeqCst; `clock/sleeper.rs` keeps the owner from missing a bit that is set just as it goes to sleep |
//! | `irqs_disabled` | the owner only | the owner; others may look | Relaxed: it orders nothing, it only keeps the owner from taking interrupts |
//!
//! In Linux: `PSTATE.I` (arm64), the GIC's pending state.

use crate::config::LoseIpi;
use crate::cpumask::CpuId;
use crate::sync::{AtomicBool, AtomicU32, Ordering::*};
use crate::time::KernelTime;
use crate::vector::Vector;

/// The vectors that a CPU accepts with its interrupts on.
pub(crate) const ALL_VECTORS: u32 = u32::MAX;

/// The interrupts of one CPU: see the table above.
#[derive(Debug)]
pub(crate) struct Interrupts {
    pending: AtomicU32,
    irqs_disabled: AtomicBool,
}

impl Default for Interrupts {
    fn default() -> Self {
        Interrupts { pending: AtomicU32::new(0), irqs_disabled: AtomicBool::new(false) }
    }
}

impl Interrupts {
    /// Makes `vector` pending. Called by any CPU, and by the clock.
    pub(crate) fn raise(&self, vector: Vector) {
        self.pending.fetch_or(vector.bit(), SeqCst);
    }

    /// Whether something is pending that its owner would take.
    pub(crate) fn has(&self, accepts: u32) -> bool {
        self.pending.load(SeqCst) & accepts != 0
    }

    /// Takes one pending vector out. Called by the owner.
    ///
    /// Polls with a compare-exchange for the likeliest case, a call and nothing else. So the owner gets a line that it
    /// can write to, and not a copy that it must fetch again ([`crate::kernel::mailbox`] does the same).
    pub(crate) fn take(&self, accepts: u32) -> Option<Vector> {
        let call = Vector::CallFunction;
        let pending = match accepts & call.bit() {
            0 => self.pending.load(SeqCst),
            lone_call => match self.pending.compare_exchange(lone_call, 0, SeqCst, SeqCst) {
                Ok(_) => return Some(call),
                Err(pending) => pending,
            },
        };
        let pending = pending & accepts;
        let vector = Vector::ALL.into_iter().find(|vector| pending & vector.bit() != 0)?;
        self.pending.fetch_and(!vector.bit(), SeqCst);
        Some(vector)
    }

    pub(crate) fn irqs_disabled(&self) -> bool {
        self.irqs_disabled.load(Relaxed)
    }

    pub(crate) fn set_irqs_disabled(&self, disabled: bool) {
        self.irqs_disabled.store(disabled, Relaxed);
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

#[cfg(all(test, loom))]
mod loom_models {
    use std::rc::Rc;

    use loom::thread;

    use super::*;

    /// Two CPUs raise vectors while the owner takes: nothing is lost, and nothing is taken twice.
    #[test]
    fn what_is_raised_is_taken_once() {
        loom::model(|| {
            let irq = Rc::new(Interrupts::default());
            let raise = |vector| {
                let irq = Rc::clone(&irq);
                thread::spawn(move || irq.raise(vector))
            };
            let others = [raise(Vector::Timer), raise(Vector::CallFunction)];
            let mut taken = Vec::new();
            taken.extend(irq.take(ALL_VECTORS));
            others.into_iter().for_each(|other| other.join().unwrap());
            taken.extend(std::iter::from_fn(|| irq.take(ALL_VECTORS)));
            assert_eq!(taken.len(), 2);
            assert!(taken.contains(&Vector::Timer) && taken.contains(&Vector::CallFunction));
        });
    }

    /// A vector that is raised once more while it is taken is either part of what is taken or still there.
    #[test]
    fn what_comes_while_it_is_taken_is_not_lost() {
        loom::model(|| {
            let shared = Rc::new((Interrupts::default(), AtomicU32::new(0)));
            let sender = Rc::clone(&shared);
            let other = thread::spawn(move || {
                for _ in 0..2 {
                    sender.1.fetch_add(1, Relaxed); // a call is posted, then the IPI
                    sender.0.raise(Vector::CallFunction);
                }
            });
            let mut posted = 0;
            if shared.0.take(ALL_VECTORS).is_some() {
                posted = shared.1.swap(0, Relaxed);
            }
            other.join().unwrap();
            if shared.0.take(ALL_VECTORS).is_some() {
                posted += shared.1.swap(0, Relaxed);
            }
            assert_eq!(posted, 2, "the IPI behind the last call was lost");
        });
    }
}
