//! Is another CPU hard-locked? The decision, as pure functions.
//!
//! In Linux: `kernel/watchdog.c`, `is_hardlockup`; `kernel/watchdog_buddy.c`, `watchdog_next_cpu`.

use crate::cpumask::{CpuId, CpuMask};

/// What is remembered of a watched CPU from look to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HardlockupWatch {
    /// `hrtimer_interrupts_saved`: the CPU's count at the last look that found a new one.
    pub saved: u64,
    /// `hrtimer_interrupts_missed`: looks since then.
    pub missed: u32,
    /// `watchdog_hardlockup_warned`: it has been reported.
    pub warned: bool,
}

/// What one look finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HardlockupVerdict {
    /// Its timer ran since the last look.
    Alive,
    /// It did not, but not for long enough.
    Missed,
    /// Locked up, and already reported.
    AlreadyReported,
    /// `Watchdog detected hard LOCKUP on cpu …`
    Lockup,
}

/// Is the CPU whose timer has run `interrupts` times locked up? Pure. In Linux: `is_hardlockup`.
pub fn is_hardlockup(
    watch: HardlockupWatch,
    interrupts: u64,
    miss_thresh: u32,
) -> (HardlockupWatch, HardlockupVerdict) {
    if watch.saved != interrupts {
        return (
            HardlockupWatch { saved: interrupts, missed: 0, warned: false },
            HardlockupVerdict::Alive,
        );
    }
    let missed = watch.missed + 1;
    let (warned, verdict) = match (missed >= miss_thresh, watch.warned) {
        (false, warned) => (warned, HardlockupVerdict::Missed),
        (true, true) => (true, HardlockupVerdict::AlreadyReported),
        (true, false) => (true, HardlockupVerdict::Lockup),
    };
    (HardlockupWatch { missed, warned, ..watch }, verdict)
}

/// Decides which CPU watches which, and what one look finds. Pure.
///
/// The rules, as tests, are in [`contract::hardlockup`](crate::parts::contract::hardlockup).
pub trait HardlockupDetector: Send + Sync + 'static {
    /// Which of the CPUs that are `online` and whose watchdogs run the buddy detector lets `cpu`, one of them, watch.
    /// `None` if there is no other. In Linux: `watchdog_cpus`, `watchdog_next_cpu`.
    fn watches(&self, cpu: CpuId, online: &CpuMask) -> Option<CpuId>;

    /// One look at a CPU whose timer has run `interrupts` times. It is reported at the `miss_thresh`-th look in a row
    /// that finds the count unchanged, and then not again until it has changed.
    fn check(
        &self,
        watch: HardlockupWatch,
        interrupts: u64,
        miss_thresh: u32,
    ) -> (HardlockupWatch, HardlockupVerdict);
}

/// The kernel's: each CPU watches the next one that is online, and the last one watches the first.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuddyDetector;

impl HardlockupDetector for BuddyDetector {
    fn watches(&self, cpu: CpuId, online: &CpuMask) -> Option<CpuId> {
        online.next_after(cpu).filter(|&next| next != cpu)
    }

    fn check(
        &self,
        watch: HardlockupWatch,
        interrupts: u64,
        miss_thresh: u32,
    ) -> (HardlockupWatch, HardlockupVerdict) {
        is_hardlockup(watch, interrupts, miss_thresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The looks at which a CPU is reported, if its timer ran before the second look and never again.
    fn reported(miss_thresh: u32) -> Vec<u32> {
        let mut watch = HardlockupWatch::default();
        let mut reported = Vec::new();
        for look in 1..20 {
            let (next, verdict) = is_hardlockup(watch, look.min(2).into(), miss_thresh);
            watch = next;
            if verdict == HardlockupVerdict::Lockup {
                reported.push(look);
            }
        }
        reported
    }

    #[test]
    fn a_dark_cpu_is_reported_once_after_the_looks_it_may_miss() {
        assert_eq!(reported(1), [3]);
        assert_eq!(reported(3), [5]);
    }

    #[test]
    fn a_cpu_that_comes_back_can_be_reported_again() {
        let (watch, _) = is_hardlockup(HardlockupWatch::default(), 1, 1);
        let (watch, verdict) = is_hardlockup(watch, 1, 1);
        assert_eq!(verdict, HardlockupVerdict::Lockup);
        let (watch, verdict) = is_hardlockup(watch, 2, 1);
        assert_eq!(verdict, HardlockupVerdict::Alive);
        assert_eq!(is_hardlockup(watch, 2, 1).1, HardlockupVerdict::Lockup);
    }
}
