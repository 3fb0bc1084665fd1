//! The shipped die locks.

use checks::models::die_lock;
use softlockup::parts::die_lock::{Arm64DieLock, NestingDieLock, X86DieLock};

use crate::verdicts::{right, wrong};

#[test]
fn arm64s_is_right_if_it_need_not_nest() {
    right(|| die_lock(Arm64DieLock::new, false));
}

#[test]
fn x86s_is_right_if_it_need_not_nest() {
    right(|| die_lock(X86DieLock::new, false));
}

#[test]
fn the_nesting_one_is_right() {
    right(|| die_lock(NestingDieLock::new, true));
}

#[test]
fn arm64s_waits_for_itself_in_a_nested_oops() {
    wrong("WAITS FOR EVER", || die_lock(Arm64DieLock::new, true));
}

#[test]
fn x86s_leaks_a_level_if_the_task_dies() {
    wrong("WAITS FOR EVER", || die_lock(X86DieLock::new, true));
}
