//! Lamport's bakery: each CPU draws a number, and the smallest is served. It rests on store buffering, twice.

use checks::models::die_lock;
use softlockup::ThisCpu;
use softlockup::parts::die_lock::DieLock;
use softlockup::sync::{AtomicBool, AtomicU32, Ordering::*, fence};

use crate::verdicts::{right, wrong_for_one_engine};

#[derive(Default)]
struct Bakery<const FENCED: bool> {
    draws: [AtomicBool; 3],
    number: [AtomicU32; 3],
}

impl<const FENCED: bool> Bakery<FENCED> {
    fn fence() {
        if FENCED {
            fence(SeqCst);
        }
    }
}

impl<const FENCED: bool> DieLock for Bakery<FENCED> {
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        let me = cpu.id().index();
        self.draws[me].store(true, Relaxed);
        Self::fence();
        let highest = self.number.iter().map(|number| number.load(Relaxed)).max();
        let mine = highest.unwrap_or(0) + 1;
        self.number[me].store(mine, Release);
        self.draws[me].store(false, Release);
        Self::fence();
        for other in (0..3).filter(|&other| other != me) {
            while self.draws[other].load(Acquire) {
                cpu.relax();
            }
            loop {
                let theirs = self.number[other].load(Acquire);
                if theirs == 0 || (mine, me) < (theirs, other) {
                    break;
                }
                cpu.relax();
            }
        }
        1
    }

    fn unlock(&self, cpu: &impl ThisCpu) -> u32 {
        self.number[cpu.id().index()].store(0, Release);
        0
    }
}

#[test]
fn with_its_fences_it_is_right() {
    right(|| die_lock(Bakery::<true>::default, false));
}

/// Only loom can see it.
#[test]
fn without_its_fences_two_cpus_overlook_each_other() {
    let (columns, why) = wrong_for_one_engine("", || die_lock(Bakery::<false>::default, false));
    assert!(columns.contains("STALE"), "{columns}{why}");
}
