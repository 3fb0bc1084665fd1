//! Known answers to each exercise: mutants, which are wrong, and alternatives, which are right in another way. They go
//! through the same checks as the learner's file: `cargo lab verify`.
//!
//! `tests/variants.rs` runs them in one process, and shows their messages: `VARIANTS=ex04 cargo test --test variants`.

/// A `die_lock`, with its fields and what it does.
macro_rules! die_lock {
    ($(#[$doc:meta])* $name:ident { $($fields:tt)* }
     lock($me:ident, $cpu:ident) $lock:block
     unlock($me2:ident, $cpu2:ident) $unlock:block
     $(task_exit($me3:ident, $cpu3:ident) $exit:block)?) => {
        $(#[$doc])*
        #[derive(Default)]
        struct $name { $($fields)* }

        impl softlockup::parts::die_lock::DieLock for $name {
            fn lock(&$me, $cpu: &impl softlockup::ThisCpu) -> u32 $lock

            fn unlock(&$me2, $cpu2: &impl softlockup::ThisCpu) -> u32 $unlock

            $(fn task_exit(&$me3, $cpu3: &impl softlockup::ThisCpu) $exit)?
        }
    };
}

pub mod ex01;
pub mod ex02;
pub mod ex03;
pub mod ex04;
pub mod ex05;
pub mod ex06;
pub mod ex07;
pub mod ex08;
pub mod ex09;
pub mod ex10;
pub mod ex11;
pub mod ex12;

use crate::check::Check;

/// What an answer is, and so what the checks must say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The course's own: it gets all points.
    Solution,
    /// Right, in another shape: it gets all points.
    Alternative,
    /// Wrong: the check whose id begins with `by` refuses it, and its message has these words.
    Mutant {
        /// The check.
        by: &'static str,
        /// The words.
        words: &'static [&'static str],
    },
}

/// One answer.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// `ex04`
    pub exercise: &'static str,
    /// What is wrong with it, or how it is right, in a few words.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Its checks.
    pub checks: fn() -> Vec<Check>,
    /// Whether it ends its process, or leaves a thread behind that runs for ever: only a process of its own can hold
    /// it. Its words are then those of `lab`, which sees how the process ended.
    pub hostile: bool,
}

impl Variant {
    /// An answer that ends.
    pub const fn new(
        exercise: &'static str,
        name: &'static str,
        kind: Kind,
        checks: fn() -> Vec<Check>,
    ) -> Self {
        Variant { exercise, name, kind, checks, hostile: false }
    }

    /// The same answer, which needs a process of its own.
    pub const fn hostile(self) -> Self {
        Variant { hostile: true, ..self }
    }
}

/// Every known answer, exercise by exercise.
pub fn all() -> Vec<Variant> {
    [
        ex01::VARIANTS,
        ex02::VARIANTS,
        ex03::VARIANTS,
        ex04::VARIANTS,
        ex05::VARIANTS,
        ex06::VARIANTS,
        ex07::VARIANTS,
        ex08::VARIANTS,
        ex09::VARIANTS,
        ex10::VARIANTS,
        ex11::VARIANTS,
        ex12::VARIANTS,
    ]
    .concat()
}
