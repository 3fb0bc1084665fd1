//! Known answers to ex04: `die_lock`s.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool as HostBool, AtomicU32 as HostU32};
use std::sync::{Condvar, Mutex};

use softlockup::parts::die_lock::DieLock;
use softlockup::sync::{AtomicBool, AtomicU32, Ordering::*, fence};
use softlockup::{CpuId, ThisCpu};

use crate::ex04::checks;
use crate::variants::{Variant, right, solution, wrong};

mod alone;
mod not_an_answer;
mod right;
mod together;

/// Solution, alternatives, mutants.
pub(super) const VARIANTS: &[&[Variant]] =
    &[right::VARIANTS, alone::VARIANTS, together::VARIANTS, not_an_answer::VARIANTS];

const EXCLUDES: &str = "contract::die_lock::excludes";
