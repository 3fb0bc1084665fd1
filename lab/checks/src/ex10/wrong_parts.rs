//! Machines with a part that is wrong.

use softlockup::incident::report::diagnosis::Cause;
use softlockup::parts::csd_lock::{CsdLock, KernelCsdLock};
use softlockup::sync::AtomicU32;
use softlockup::{Parts, ThisCpu};

use crate::ex10::case::Case;
use crate::ex10::machines::{calls_all, small};

/// A csd lock whose `unlock` forgets some of what is given back.
struct Forgets(fn(u32) -> bool);

impl CsdLock for Forgets {
    fn lock(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        KernelCsdLock.lock(flags, cpu);
    }

    fn unlock(&self, flags: &AtomicU32) {
        if !self.0(flags.load(softlockup::sync::Ordering::Relaxed)) {
            KernelCsdLock.unlock(flags);
        }
    }

    fn wait(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        KernelCsdLock.wait(flags, cpu);
    }
}

pub(super) fn wrong_parts() -> Vec<Case> {
    let forgets = |forgets: fn(u32) -> bool| Parts::stock().with_csd_lock(Forgets(forgets));
    let mut all = small(6, 120, forgets(|_| true));
    calls_all(&mut all, 4, 60);
    calls_all(&mut all, 2, 70);
    let mut chain = small(6, 120, forgets(|_| true));
    calls_all(&mut chain, 0, 60);
    vec![
        Case::of_machine("an unlock that does nothing", all, Cause::Unanswered, &[0]),
        Case::of_machine("the same, called by CPU 0", chain, Cause::Unanswered, &[1]),
    ]
}
