//! Known answers to each exercise: mutants, which are wrong, and alternatives, which are right in another way. They go
//! through the same checks as the learner's file: `cargo lab verify`.
//!
//! `tests/variants.rs` runs them in one process, and shows their messages: `VARIANTS=ex04 cargo test --test variants`.

/// A `die_lock`, with its fields and what it does. What it does not say is right for a lock of one word, `locked`.
macro_rules! die_lock {
    ($(#[$doc:meta])* $name:ident { $($fields:tt)* }
     $(lock($me:ident, $cpu:ident) $lock:block)?
     $(unlock($me2:ident, $cpu2:ident) $unlock:block)?
     $(task_exit($me3:ident, $cpu3:ident) $exit:block)?) => {
        $(#[$doc])*
        #[derive(Default)]
        struct $name { $($fields)* }

        impl softlockup::parts::die_lock::DieLock for $name {
            or_right! {
                [$(fn lock(&$me, $cpu: &impl softlockup::ThisCpu) -> u32 $lock)?]
                fn lock(&self, cpu: &impl softlockup::ThisCpu) -> u32 {
                    while self.locked.swap(1, Acquire) == 1 {
                        cpu.relax();
                    }
                    1
                }
            }
            or_right! {
                [$(fn unlock(&$me2, $cpu2: &impl softlockup::ThisCpu) -> u32 $unlock)?]
                fn unlock(&self, _cpu: &impl softlockup::ThisCpu) -> u32 {
                    self.locked.store(0, Release);
                    0
                }
            }
            $(fn task_exit(&$me3, $cpu3: &impl softlockup::ThisCpu) $exit)?
        }
    };
}

/// What is given, or else what is right.
macro_rules! or_right {
    ([] $($right:tt)*) => { $($right)* };
    ([$($given:tt)+] $($right:tt)*) => { $($given)+ };
}

mod ex01;
mod ex02;
mod ex03;
mod ex04;
mod ex05;
mod ex06;
mod ex07;
mod ex08;
mod ex09;
mod ex10;
mod ex11;
mod ex12;

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

/// One answer to an exercise.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
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
    /// The same answer, which needs a process of its own.
    pub const fn hostile(self) -> Self {
        Variant { hostile: true, ..self }
    }
}

/// The course's own answer.
pub const fn solution(checks: fn() -> Vec<Check>) -> Variant {
    Variant { name: "solution", kind: Kind::Solution, checks, hostile: false }
}

/// A right answer of another shape.
pub const fn right(name: &'static str, checks: fn() -> Vec<Check>) -> Variant {
    Variant { name, kind: Kind::Alternative, checks, hostile: false }
}

/// A wrong answer, which the check `by` refuses in a message with these `words`.
pub const fn wrong(
    name: &'static str,
    by: &'static str,
    words: &'static [&'static str],
    checks: fn() -> Vec<Check>,
) -> Variant {
    Variant { name, kind: Kind::Mutant { by, words }, checks, hostile: false }
}

/// Every known answer, with the exercise that it answers: `ex04`.
pub fn all() -> Vec<(&'static str, Variant)> {
    let exercises: [(&str, &[&[Variant]]); 12] = [
        ("ex01", ex01::VARIANTS),
        ("ex02", ex02::VARIANTS),
        ("ex03", ex03::VARIANTS),
        ("ex04", ex04::VARIANTS),
        ("ex05", ex05::VARIANTS),
        ("ex06", ex06::VARIANTS),
        ("ex07", ex07::VARIANTS),
        ("ex08", ex08::VARIANTS),
        ("ex09", ex09::VARIANTS),
        ("ex10", ex10::VARIANTS),
        ("ex11", ex11::VARIANTS),
        ("ex12", ex12::VARIANTS),
    ];
    let with_exercise = |(exercise, answers): (_, &[&[Variant]])| {
        answers.concat().into_iter().map(move |it| (exercise, it))
    };
    exercises.into_iter().flat_map(with_exercise).collect()
}
