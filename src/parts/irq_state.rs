//! The interrupts of one CPU: what is pending, and the flag that keeps it pending.
//!
//! In Linux: `PSTATE.I` and `include/linux/irqflags.h`; what is pending is the interrupt controller's.
//! Here it differs: an interrupt is taken at an *interruption point* only, and a vector is a bit.

use std::fmt;

use crate::sync::{AtomicBool, AtomicU32, Ordering::*};

/// The interrupt flag of one CPU, and what is pending behind it.
///
/// Any CPU raises; the owner does everything else. The machine pairs each `save` with one `restore`, the last `save`
/// first. So a flag is a right answer, and so is a depth that is counted.
///
/// The rules, as tests, are in [`contract::irq_state`](crate::parts::contract::irq_state).
pub trait IrqState: fmt::Debug + Send + Sync + 'static {
    /// `vector`, one bit, is pending from now on until it is taken. Called by any CPU. What the caller wrote before is
    /// visible to the owner after [`take`](IrqState::take).
    fn raise(&self, vector: u32);

    /// Whether one of `vectors` is pending. Takes nothing. Called by the owner, and by the clock.
    ///
    /// A CPU goes to sleep only if this is false after it said that it lies down, and a CPU that raises looks afterwards
    /// whether the owner sleeps: one of the two must see the other.
    fn is_pending(&self, vectors: u32) -> bool;

    /// Takes one of `vectors` out, the lowest bit first; the others stay pending. Called by the owner. The flag has no
    /// say here: the machine asks for NMIs only while interrupts are off.
    fn take(&self, vectors: u32) -> Option<u32>;

    /// Turns interrupts off. Returns whether they were off already. In Linux: `local_irq_save`.
    fn save(&self) -> bool;

    /// Turns interrupts back to what [`save`](IrqState::save) found and returned. Returns whether they are on now. In
    /// Linux: `local_irq_restore`.
    fn restore(&self, were_off: bool) -> bool;

    /// Whether interrupts are off. In Linux: `irqs_disabled()`.
    fn is_off(&self) -> bool;
}

/// The stock interrupts.
///
/// | atomic | written by | read by | order |
/// |---|---|---|---|
/// | `pending` | any CPU sets a bit, in `raise`; the owner clears it, in `take` | the owner at an interruption point; the clock, to see whether the owner has something to do | SeqCst; `clock/sleeper.rs` keeps the owner from missing a bit that is set just as it goes to sleep |
/// | `off` | the owner only | the owner; others may look | Relaxed: it orders nothing, it only keeps the owner from taking interrupts |
#[derive(Debug)]
pub struct KernelIrqState {
    pending: AtomicU32,
    off: AtomicBool,
}

impl Default for KernelIrqState {
    fn default() -> Self {
        KernelIrqState { pending: AtomicU32::new(0), off: AtomicBool::new(false) }
    }
}

impl KernelIrqState {
    /// [`take`](IrqState::take), if `likely` is probably all that is pending.
    ///
    /// Polls for that with a compare-exchange. So the owner gets a line that it can write to, and not a copy that it
    /// must fetch again.
    pub(crate) fn take_likely(&self, vectors: u32, likely: u32) -> Option<u32> {
        if vectors & likely == 0 {
            return self.take_first(vectors, self.pending.load(SeqCst));
        }
        match self.pending.compare_exchange(likely, 0, SeqCst, SeqCst) {
            Ok(_) => Some(likely),
            Err(pending) => self.take_first(vectors, pending),
        }
    }

    fn take_first(&self, vectors: u32, pending: u32) -> Option<u32> {
        let wanted = pending & vectors;
        if wanted == 0 {
            return None;
        }
        let first = 1 << wanted.trailing_zeros();
        self.pending.fetch_and(!first, SeqCst);
        Some(first)
    }
}

impl IrqState for KernelIrqState {
    fn raise(&self, vector: u32) {
        self.pending.fetch_or(vector, SeqCst);
    }

    fn is_pending(&self, vectors: u32) -> bool {
        self.pending.load(SeqCst) & vectors != 0
    }

    fn take(&self, vectors: u32) -> Option<u32> {
        self.take_first(vectors, self.pending.load(SeqCst))
    }

    fn save(&self) -> bool {
        let were_off = self.is_off();
        self.off.store(true, Relaxed);
        were_off
    }

    fn restore(&self, were_off: bool) -> bool {
        self.off.store(were_off, Relaxed);
        !were_off
    }

    fn is_off(&self) -> bool {
        self.off.load(Relaxed)
    }
}

#[cfg(all(test, loom))]
mod loom_models {
    use std::rc::Rc;

    use loom::thread;

    use super::*;

    const TIMER: u32 = 1;
    const CALL: u32 = 2;
    const ALL: u32 = u32::MAX;

    /// Two CPUs raise vectors while the owner takes: nothing is lost, and nothing is taken twice.
    #[test]
    fn what_is_raised_is_taken_once() {
        loom::model(|| {
            let irq = Rc::new(KernelIrqState::default());
            let raise = |vector| {
                let irq = Rc::clone(&irq);
                thread::spawn(move || irq.raise(vector))
            };
            let others = [raise(TIMER), raise(CALL)];
            let mut taken = Vec::new();
            taken.extend(irq.take_likely(ALL, CALL));
            others.into_iter().for_each(|other| other.join().unwrap());
            taken.extend(std::iter::from_fn(|| irq.take(ALL)));
            assert_eq!(taken.len(), 2);
            assert!(taken.contains(&TIMER) && taken.contains(&CALL));
        });
    }

    /// A vector that is raised once more while it is taken is either part of what is taken or still there.
    #[test]
    fn what_comes_while_it_is_taken_is_not_lost() {
        loom::model(|| {
            let shared = Rc::new((KernelIrqState::default(), AtomicU32::new(0)));
            let sender = Rc::clone(&shared);
            let other = thread::spawn(move || {
                for _ in 0..2 {
                    sender.1.fetch_add(1, Relaxed); // a call is posted, then the IPI
                    sender.0.raise(CALL);
                }
            });
            let mut posted = 0;
            if shared.0.take_likely(ALL, CALL).is_some() {
                posted = shared.1.swap(0, Relaxed);
            }
            other.join().unwrap();
            if shared.0.take(ALL).is_some() {
                posted += shared.1.swap(0, Relaxed);
            }
            assert_eq!(posted, 2, "the IPI behind the last call was lost");
        });
    }
}
