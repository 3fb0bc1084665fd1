//! # Why it works
//!
//! - The next CPU that is online, and after the last one the first: that is one ring through all of them. In a ring
//!   each CPU has exactly one watcher, and none has itself, unless it is alone. So CPU 0 is watched by the last CPU.
//! - A look compares with the count of the last look that found a new one. Equal means that the timer did not run at
//!   all: it is no matter of how fast it runs, so no clock is needed.
//! - A new count clears the misses and the report. So misses count in a row, and a CPU that came back can be reported
//!   again.
//! - It is reported at `missed == miss_thresh` and not after: `warned` tells the first time from the others.
//!
//! A watcher with interrupts on in a wait still looks, because its look is in its timer's interrupt: the victims of the
//! article find the culprit. But a watcher that is dark itself does not look. Then the CPU behind it is watched by
//! none, also after the watcher was reported.

use softlockup::CpuId;
use softlockup::cpumask::CpuMask;
use softlockup::parts::hardlockup::{HardlockupDetector, HardlockupVerdict, HardlockupWatch};

/// Decides which CPU watches which, and what one look finds.
#[derive(Clone, Copy, Debug, Default)]
pub struct MyBuddy;

impl HardlockupDetector for MyBuddy {
    fn watches(&self, cpu: CpuId, online: &CpuMask) -> Option<CpuId> {
        let next = online.iter().find(|&other| other > cpu);
        next.or_else(|| online.iter().next()).filter(|&watched| watched != cpu)
    }

    fn check(
        &self,
        mut watch: HardlockupWatch,
        interrupts: u64,
        miss_thresh: u32,
    ) -> (HardlockupWatch, HardlockupVerdict) {
        if watch.saved != interrupts {
            watch = HardlockupWatch { saved: interrupts, missed: 0, warned: false };
            return (watch, HardlockupVerdict::Alive);
        }
        watch.missed += 1;
        let verdict = match watch.missed >= miss_thresh {
            false => HardlockupVerdict::Missed,
            true if watch.warned => HardlockupVerdict::AlreadyReported,
            true => HardlockupVerdict::Lockup,
        };
        watch.warned |= verdict == HardlockupVerdict::Lockup;
        (watch, verdict)
    }
}
