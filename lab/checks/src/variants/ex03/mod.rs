//! Known answers to ex03: interrupts.

use std::sync::Mutex;

use softlockup::parts::irq_state::IrqState;
use softlockup::sync::{AtomicBool, AtomicU32, AtomicU64, Ordering::*, fence};

use crate::ex03::checks;
use crate::variants::{Variant, right, solution, wrong};

/// An interrupt state of two words, with what differs from the solution.
macro_rules! irq_state {
    ($(#[$doc:meta])* $name:ident
     $(raise($raise_me:ident, $raised:ident) $raise:block)?
     $(is_pending($pend_me:ident, $looked:ident) $is_pending:block)?
     $(take($take_me:ident, $asked:ident) $take:block)?
     $(save($save_me:ident) $save:block)?
     $(restore($restore_me:ident, $were_off:ident) $restore:block)?) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        struct $name {
            pending: AtomicU32,
            off: AtomicBool,
        }

        impl IrqState for $name {
            or_right! {
                [$(fn raise(&$raise_me, $raised: u32) $raise)?]
                fn raise(&self, vector: u32) {
                    self.pending.fetch_or(vector, Release);
                }
            }
            or_right! {
                [$(fn is_pending(&$pend_me, $looked: u32) -> bool $is_pending)?]
                fn is_pending(&self, vectors: u32) -> bool {
                    self.pending.load(Acquire) & vectors != 0
                }
            }
            or_right! {
                [$(fn take(&$take_me, $asked: u32) -> Option<u32> $take)?]
                fn take(&self, vectors: u32) -> Option<u32> {
                    let first = lowest(self.pending.load(Relaxed) & vectors)?;
                    self.pending.fetch_and(!first, Acquire);
                    Some(first)
                }
            }
            or_right! {
                [$(fn save(&$save_me) -> bool $save)?]
                fn save(&self) -> bool {
                    self.off.swap(true, Relaxed)
                }
            }
            or_right! {
                [$(fn restore(&$restore_me, $were_off: bool) -> bool $restore)?]
                fn restore(&self, were_off: bool) -> bool {
                    self.off.store(were_off, Relaxed);
                    !were_off
                }
            }
            fn is_off(&self) -> bool {
                self.off.load(Relaxed)
            }
        }
    };
}

mod flag;
mod not_an_answer;
mod pending;
mod right;
mod take;
mod together;

/// Solution, alternatives, mutants.
pub(super) const VARIANTS: &[&[Variant]] = &[
    right::VARIANTS,
    flag::VARIANTS,
    pending::VARIANTS,
    take::VARIANTS,
    together::VARIANTS,
    not_an_answer::VARIANTS,
];

const FLAG: &str = "contract::irq_state::save_and_restore";
const PENDING: &str = "contract::irq_state::pending";

/// The lowest bit.
fn lowest(wanted: u32) -> Option<u32> {
    (wanted != 0).then(|| 1 << wanted.trailing_zeros())
}
