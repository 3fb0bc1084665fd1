//! What RCU remembers.
//!
//! | atomic | written by | read by | order |
//! |---|---|---|---|
//! | `quiescent_at` of a CPU | the owner, at each quiescent state | the CPU whose tick looks for a stall | Relaxed: a time, nothing hangs on it |
//! | `no_gp_before` of the machine | the CPU whose quiescent state ends a grace period that was held up | likewise | Relaxed: a time |
//! | `jiffies_stall` of the machine | the CPU that reports a stall, and the CPU that ends one | likewise | AcqRel: of the CPUs that find one stall, one reports it, and sees whether it is over |
//!
//! In Linux: `kernel/rcu/tree.h`, `struct rcu_data`, `struct rcu_state`. Here it differs: a CPU keeps the time of its last
//! quiescent state, and which grace period waits for it follows from that.

use crate::sync::{AtomicU64, Ordering::*};
use crate::time::KernelTime;

/// A CPU's own: see the table above.
#[derive(Debug)]
pub(crate) struct RcuData {
    quiescent_at: AtomicU64,
}

impl Default for RcuData {
    fn default() -> Self {
        RcuData { quiescent_at: AtomicU64::new(0) }
    }
}

impl RcuData {
    /// When the CPU last passed a quiescent state; [`KernelTime::MAX`] while it is in one (idle, or in user mode).
    pub(crate) fn quiescent_at(&self) -> KernelTime {
        KernelTime::from_ns(self.quiescent_at.load(Relaxed))
    }

    pub(crate) fn set_quiescent_at(&self, at: KernelTime) {
        self.quiescent_at.store(at.ns(), Relaxed);
    }
}

/// The machine's: see the table above.
#[derive(Debug)]
pub(crate) struct RcuState {
    no_gp_before: AtomicU64,
    jiffies_stall: AtomicU64,
}

impl Default for RcuState {
    fn default() -> Self {
        RcuState { no_gp_before: AtomicU64::new(0), jiffies_stall: AtomicU64::new(0) }
    }
}

impl RcuState {
    /// No grace period that is open now began before this.
    pub(crate) fn no_gp_before(&self) -> KernelTime {
        KernelTime::from_ns(self.no_gp_before.load(Relaxed))
    }

    /// A grace period that was held up ends now.
    pub(crate) fn gp_ends(&self, now: KernelTime) {
        self.no_gp_before.store(now.ns(), Relaxed);
        self.jiffies_stall.store(0, Release);
    }

    /// From when the open grace period is reported again; the time of boot if it was not reported.
    pub(crate) fn jiffies_stall(&self) -> KernelTime {
        KernelTime::from_ns(self.jiffies_stall.load(Acquire))
    }

    /// Returns whether the calling CPU is the one that reports this stall: no other CPU did since it `saw` the time, unless
    /// that was also the end of it. Look again at what is open: the claim comes after that end.
    pub(crate) fn claim_stall(&self, saw: KernelTime) -> bool {
        self.jiffies_stall.compare_exchange(saw.ns(), u64::MAX, AcqRel, Acquire).is_ok()
    }

    /// It is reported again from then on, unless it ended while it was reported. Called by the CPU that claimed it.
    pub(crate) fn report_again_at(&self, at: KernelTime) {
        _ = self.jiffies_stall.compare_exchange(u64::MAX, at.ns(), Release, Relaxed);
    }
}

#[cfg(all(test, loom))]
mod loom_models {
    use std::rc::Rc;

    use loom::thread;

    use super::*;

    /// CPU A looks at a grace period that was never reported (0), and is slow. CPU B reports it, and the grace period ends:
    /// that writes 0, too. If A's claim then succeeds, A sees the end.
    #[test]
    fn a_claim_that_comes_after_the_end_sees_the_end() {
        const END: KernelTime = KernelTime::from_ns(7);
        loom::model(|| {
            let shared = Rc::new((RcuState::default(), RcuData::default()));
            let saw = shared.0.jiffies_stall();
            assert!(shared.0.claim_stall(saw));
            shared.0.report_again_at(KernelTime::from_ns(5));
            let ends = Rc::clone(&shared);
            let thread = thread::spawn(move || {
                ends.1.set_quiescent_at(END);
                ends.0.gp_ends(END);
            });
            if shared.0.claim_stall(saw) {
                assert_eq!(shared.0.no_gp_before(), END);
                assert_eq!(shared.1.quiescent_at(), END);
            }
            thread.join().unwrap();
        });
    }
}
