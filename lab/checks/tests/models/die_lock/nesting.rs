//! The nesting die lock with one mistake.

use checks::models::{Verdict, die_lock};
use softlockup::ThisCpu;
use softlockup::parts::die_lock::DieLock;
use softlockup::sync::{AtomicU32, Ordering::*};

use crate::verdicts::{right, wrong};

/// The nesting lock, with one mistake.
#[derive(Default)]
struct Nesting<const MISTAKE: u32> {
    holder: AtomicU32,
    depth: AtomicU32,
}

const FREES_THE_INNER_LEVEL: u32 = 1;
const NO_EXIT: u32 = 2;
const EXIT_BY_ANY_CPU: u32 = 3;
const EXIT_GIVES_ONE_LEVEL: u32 = 4;
const EXIT_RELAXED: u32 = 5;
const DEPTH_OUTLIVES_EXIT: u32 = 6;
const ANY_HOLDER_NESTS: u32 = 7;

impl<const MISTAKE: u32> DieLock for Nesting<MISTAKE> {
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        let holder = self.holder.load(Relaxed);
        let mine = if MISTAKE == ANY_HOLDER_NESTS { holder != 0 } else { holder == cpu.id().0 + 1 };
        if !mine {
            while self.holder.compare_exchange(0, cpu.id().0 + 1, Acquire, Relaxed).is_err() {
                cpu.relax();
            }
        }
        self.depth.fetch_add(1, Relaxed) + 1
    }

    fn unlock(&self, _: &impl ThisCpu) -> u32 {
        let left = self.depth.fetch_sub(1, Relaxed) - 1;
        if left == 0 || MISTAKE == FREES_THE_INNER_LEVEL {
            self.holder.store(0, Release);
        }
        left
    }

    fn task_exit(&self, cpu: &impl ThisCpu) {
        let mine = self.holder.load(Relaxed) == cpu.id().0 + 1;
        match MISTAKE {
            NO_EXIT => return,
            EXIT_BY_ANY_CPU => {}
            EXIT_GIVES_ONE_LEVEL if mine => {
                self.unlock(cpu);
                return;
            }
            _ if !mine => return,
            _ => {}
        }
        if MISTAKE != DEPTH_OUTLIVES_EXIT {
            self.depth.store(0, Relaxed);
        }
        self.holder.store(0, if MISTAKE == EXIT_RELAXED { Relaxed } else { Release });
    }
}

fn nesting<const MISTAKE: u32>() -> Verdict {
    die_lock(Nesting::<MISTAKE>::default, true)
}

#[test]
fn the_nesting_lock_without_a_mistake_is_right() {
    right(nesting::<0>);
}

#[test]
fn the_inner_unlock_frees_the_lock() {
    let (_, why) = wrong("BROKEN", nesting::<FREES_THE_INNER_LEVEL>);
    assert!(why.contains("lock gives depth 2, not 1"), "{why}");
}

#[test]
fn no_exit_keeps_the_lock_for_ever() {
    wrong("WAITS FOR EVER", nesting::<NO_EXIT>);
}

#[test]
fn an_exit_on_a_cpu_that_does_not_hold_the_lock_frees_it() {
    wrong("", nesting::<EXIT_BY_ANY_CPU>);
}

#[test]
fn a_relaxed_exit_hands_on_nothing() {
    wrong("RACE", nesting::<EXIT_RELAXED>);
}

#[test]
fn an_exit_that_gives_one_level_is_right_for_two() {
    right(nesting::<EXIT_GIVES_ONE_LEVEL>); // with three levels it is not: the contract's rule
}

#[test]
fn a_depth_that_outlives_the_exit() {
    let (_, why) = wrong("BROKEN", nesting::<DEPTH_OUTLIVES_EXIT>);
    assert!(why.contains("lock gives depth 2, not 1"), "{why}");
}

#[test]
fn any_holder_lets_every_cpu_in() {
    wrong("", nesting::<ANY_HOLDER_NESTS>);
}
