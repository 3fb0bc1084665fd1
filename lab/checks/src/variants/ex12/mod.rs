//! Known answers to ex12: `die_lock`s and die chains.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use ex12_make_it_reboot_solution::{MyDieChain as Chain, MyDieLock as Lock};
use softlockup::parts::die_chain::{Callbacks, DieChain, KernelDieChain, Notify};
use softlockup::parts::die_lock::{Arm64DieLock, DieLock, X86DieLock};
use softlockup::sync::{AtomicBool, AtomicU32, AtomicU64, Ordering::*, fence};
use softlockup::{CpuId, ThisCpu};

use crate::ex12::checks;
use crate::variants::{Variant, right, solution, wrong};

/// The solution's two words. What it does not say is right.
macro_rules! holder_lock {
    ($(#[$doc:meta])* $name:ident
     $(lock($me:ident, $cpu:ident) $lock:block)?
     $(unlock($me2:ident, $cpu2:ident) $unlock:block)?
     $(task_exit($me3:ident, $cpu3:ident) $exit:block)?) => {
        $(#[$doc])*
        #[derive(Default)]
        struct $name {
            holder: AtomicU32,
            depth: AtomicU32,
        }

        impl DieLock for $name {
            or_right! {
                [$(fn lock(&$me, $cpu: &impl ThisCpu) -> u32 $lock)?]
                fn lock(&self, cpu: &impl ThisCpu) -> u32 {
                    if self.holder.load(Relaxed) != me(cpu) {
                        while self.holder.compare_exchange(0, me(cpu), Acquire, Relaxed).is_err() {
                            cpu.relax();
                        }
                    }
                    self.depth.fetch_add(1, Relaxed) + 1
                }
            }
            or_right! {
                [$(fn unlock(&$me2, $cpu2: &impl ThisCpu) -> u32 $unlock)?]
                fn unlock(&self, _cpu: &impl ThisCpu) -> u32 {
                    let left = self.depth.fetch_sub(1, Relaxed) - 1;
                    if left == 0 {
                        self.holder.store(0, Release);
                    }
                    left
                }
            }
            or_right! {
                [$(fn task_exit(&$me3, $cpu3: &impl ThisCpu) $exit)?]
                fn task_exit(&self, cpu: &impl ThisCpu) {
                    if self.holder.load(Relaxed) == me(cpu) {
                        self.depth.store(0, Relaxed);
                        self.holder.store(0, Release);
                    }
                }
            }
        }
    };
}

macro_rules! die_chain {
    ($(#[$doc:meta])* $name:ident { $($fields:tt)* } call($me:ident, $callbacks:ident) $call:block) => {
        $(#[$doc])*
        #[derive(Default)]
        struct $name { $($fields)* }

        impl DieChain for $name {
            fn call(&$me, $callbacks: &impl Callbacks) -> Notify $call
        }
    };
}

mod exits;
mod not_an_answer;
mod right_chains;
mod right_locks;
mod together;
mod wrong_chains;
mod wrong_locks;

/// Solution, alternatives, mutants.
pub(super) const VARIANTS: &[&[Variant]] = &[
    right_locks::VARIANTS,
    right_chains::VARIANTS,
    wrong_locks::VARIANTS,
    exits::VARIANTS,
    together::VARIANTS,
    wrong_chains::VARIANTS,
    not_an_answer::VARIANTS,
];

const EXCLUDES: &str = "contract::die_lock::excludes";
const WALKS: &str = "contract::die_chain::walks";

fn me(cpu: &impl ThisCpu) -> u32 {
    cpu.id().0 + 1
}

/// A word for each CPU.
struct PerCpu([AtomicU32; 64]);

impl Default for PerCpu {
    fn default() -> Self {
        PerCpu(std::array::from_fn(|_| AtomicU32::new(0)))
    }
}

impl PerCpu {
    fn of(&self, cpu: CpuId) -> &AtomicU32 {
        &self.0[cpu.index()]
    }
}

/// Calls those callbacks that `next` lets through, from the first on, until one ends the chain.
fn walk(callbacks: &impl Callbacks, next: impl FnMut(usize) -> Option<Notify>) -> Notify {
    let mut answer = Notify::Done;
    for given in (0..callbacks.count()).filter_map(next) {
        answer = given;
        if answer.ends_the_chain() {
            break;
        }
    }
    answer
}
