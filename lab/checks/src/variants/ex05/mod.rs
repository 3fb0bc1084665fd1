//! Known answers to ex05: csd locks.

use std::sync::Mutex;

use softlockup::ThisCpu;
use softlockup::parts::csd_lock::{CSD_FLAG_LOCK, CsdLock, KernelCsdLock};
use softlockup::sync::{AtomicU32, Ordering::*, fence};

use crate::ex05::checks;
use crate::variants::{Variant, right, solution, wrong};

/// A csd lock, with its fields and what it does. What it does not say is the solution's.
macro_rules! csd_lock {
    ($(#[$doc:meta])* $name:ident { $($fields:tt)* }
     $(lock($me:ident, $flags:ident, $cpu:ident) $lock:block)?
     $(unlock($me2:ident, $flags2:ident) $unlock:block)?
     $(wait($me3:ident, $flags3:ident, $cpu3:ident) $wait:block)?) => {
        $(#[$doc])*
        #[derive(Default)]
        struct $name { $($fields)* }

        impl CsdLock for $name {
            csd_lock!(@lock $($me, $flags, $cpu, $lock)?);
            csd_lock!(@unlock $($me2, $flags2, $unlock)?);
            csd_lock!(@wait $($me3, $flags3, $cpu3, $wait)?);
        }
    };
    (@lock) => {
        fn lock(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
            self.wait(flags, cpu);
            flags.store(CSD_FLAG_LOCK, Relaxed);
        }
    };
    (@lock $me:ident, $flags:ident, $cpu:ident, $body:block) => {
        fn lock(&$me, $flags: &AtomicU32, $cpu: &impl ThisCpu) $body
    };
    (@unlock) => {
        fn unlock(&self, flags: &AtomicU32) {
            flags.store(0, Release);
        }
    };
    (@unlock $me:ident, $flags:ident, $body:block) => {
        fn unlock(&$me, $flags: &AtomicU32) $body
    };
    (@wait) => {
        fn wait(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
            while flags.load(Acquire) & CSD_FLAG_LOCK != 0 {
                cpu.relax();
            }
        }
    };
    (@wait $me:ident, $flags:ident, $cpu:ident, $body:block) => {
        fn wait(&$me, $flags: &AtomicU32, $cpu: &impl ThisCpu) $body
    };
}

mod flags;
mod lock;
mod not_an_answer;
mod right;
mod together;
mod wait;

/// Solution, alternatives, mutants.
pub(super) const VARIANTS: &[&[Variant]] = &[
    right::VARIANTS,
    flags::VARIANTS,
    wait::VARIANTS,
    lock::VARIANTS,
    together::VARIANTS,
    not_an_answer::VARIANTS,
];

const FLAGS: &str = "contract::csd_lock::lock_and_unlock";
const WAIT: &str = "contract::csd_lock::wait";
