//! Known answers to ex07: broadcasts.

use std::sync::{Mutex, OnceLock};

use softlockup::cpumask::{CpuId, CpuMask};
use softlockup::parts::call_many::{CallMany, CrossCalls, KernelCallMany, Wait};

use crate::ex07::checks;
use crate::variants::{Variant, right, solution, wrong};

/// A broadcast.
macro_rules! call_many {
    ($(#[$doc:meta])* $name:ident($cpu:ident, $mask:ident, $wait:ident) $body:block) => {
        $(#[$doc])*
        #[derive(Default)]
        struct $name;

        impl CallMany for $name {
            fn call_many(&self, $cpu: &impl CrossCalls, $mask: &CpuMask, $wait: Wait) $body
        }
    };
}

mod ipis;
mod not_an_answer;
mod posts;
mod right;
mod waits;

/// Solution, alternatives, mutants.
pub(super) const VARIANTS: &[&[Variant]] =
    &[right::VARIANTS, posts::VARIANTS, ipis::VARIANTS, waits::VARIANTS, not_an_answer::VARIANTS];

const POSTS: &str = "contract::call_many::posts";

/// The CPUs that are to be called.
fn targets(cpu: &impl CrossCalls, mask: &CpuMask) -> Vec<CpuId> {
    mask.iter().filter(|&other| other != cpu.id() && cpu.is_online(other)).collect()
}

/// Posts and interrupts.
fn reach(cpu: &impl CrossCalls, targets: &[CpuId]) {
    let owed: Vec<_> = targets.iter().filter(|&&target| cpu.post(target)).collect();
    owed.into_iter().for_each(|&target| cpu.send_ipi(target));
}

/// All of it, for these targets.
fn call(cpu: &impl CrossCalls, targets: &[CpuId], wait: Wait) {
    reach(cpu, targets);
    if wait == Wait::Sync {
        targets.iter().for_each(|&target| cpu.csd_lock_wait(target));
    }
}
