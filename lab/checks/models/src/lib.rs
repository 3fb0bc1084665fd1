//! The model lane: a learner's part under two model checkers, loom and shuttle.
//!
//! A model is a handful of CPUs that use a part, and rules that must hold meanwhile. A checker runs it again and again,
//! each time with another interleaving (and, with loom, other stale values), until a rule breaks or nothing is left.
//! The part is compiled once: `softlockup`'s feature `model` lets its atomics ask a checker at run time.
//!
//! | folder | what |
//! |---|---|
//! | `parts/` | the models |
//! | `execution/` | one execution: what happened, whatever checker decides |
//! | `engines/` | loom and shuttle behind one trait |
//! | `search/` | which executions are looked at; the watcher; running one again |
//! | `render/` | a counterexample as two columns and a sentence |
//!
//! What it cannot see: more than four CPUs and the few steps of its models; a race on memory of the part's own that is
//! not an atomic of `softlockup::sync`; under shuttle, store buffering.

mod engines;
mod execution;
mod parts;
mod render;
mod search;

use softlockup::parts::call_queue::CallQueue;
use softlockup::parts::csd_lock::CsdLock;
use softlockup::parts::die_lock::DieLock;
use softlockup::parts::irq_state::IrqState;

pub use search::replay::replay;

/// What the models say of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every execution that was looked at keeps the rules.
    Right {
        /// How many those were, with both checkers.
        executions: usize,
        /// Whether these are all that there are with few preemptions: 3 under loom, 2 under shuttle. It is `false` if
        /// there were too many, or if a checker was unfair to a CPU and some were given up.
        complete: bool,
    },
    /// A rule is broken.
    Wrong {
        /// The rule.
        rule: &'static str,
        /// What went wrong, in a sentence or two. The first word is the kind: `RACE`, `BROKEN`, `WAITS FOR EVER`,
        /// `SPINS`, `PANIC` or `HANGS`.
        why: String,
        /// The execution: a row for each step, a column for each CPU. Empty if it hangs.
        columns: String,
        /// Names the execution, for [`replay`].
        replay: String,
    },
    /// The checkers came to no answer.
    Inconclusive {
        /// Why not.
        why: String,
    },
}

/// Checks a die lock: on up to three CPUs; nested and killed reports too if it `nests`.
pub fn die_lock<D: DieLock>(new: fn() -> D, nests: bool) -> Verdict {
    search::check(parts::die_lock::models(new, nests))
}

/// Checks a csd lock: one call, two through the same csd, and three CPUs that call each other in a ring.
pub fn csd_lock<C: CsdLock>(new: fn() -> C) -> Verdict {
    search::check(parts::csd_lock::models(new))
}

/// Checks a call queue: up to three CPUs post, one takes.
pub fn call_queue<Q: CallQueue>(new: fn() -> Q) -> Verdict {
    search::check(parts::call_queue::models(new))
}

/// Checks a CPU's interrupt state: up to two CPUs raise vectors, one takes them.
pub fn irq_state<I: IrqState>(new: fn() -> I) -> Verdict {
    search::check(parts::irq_state::models(new))
}
