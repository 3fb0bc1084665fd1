//! Two model checkers behind one trait, chosen at run time.
//!
//! | | decides | memory | judges a race by |
//! |---|---|---|---|
//! | [`loom`] | every choice, up to a number of preemptions | stale reads, as the orderings permit | its own causality |
//! | [`shuttle`] | few preemptions, then at random; more CPUs | always the newest value | vector clocks of the declared orderings |

pub(crate) mod loom;
pub(crate) mod shuttle;

use std::cell::Cell;

use softlockup::sync::{self, Engine, Site};

use super::execution::cpus::Body;

/// A model checker, to a model.
pub(crate) trait Checker: Engine {
    /// Called at the beginning of an execution, before anything is made.
    fn begin(&self);

    /// Called at its end: lets go of everything.
    fn end(&self);

    /// Runs each body on a CPU of its own, and returns when all are through.
    fn run_all(&self, bodies: Vec<Body>);

    /// Lets other CPUs run.
    fn relax(&self);

    /// Makes a word of plain memory. They are numbered from 0.
    fn new_data(&self);

    /// Whether an access to that word happens after every access that it must happen after. `None`: as `switching`.
    fn is_ordered(&self, data: usize, writes: bool, at: Site) -> Option<bool>;
}

thread_local! {
    static CURRENT: Cell<Option<&'static dyn Checker>> = const { Cell::new(None) };
}

/// Hands this thread's atomics to `checker`, until `None` is set.
pub(crate) fn set(checker: Option<&'static dyn Checker>) {
    CURRENT.set(checker);
    sync::set_engine(checker.map(|checker| checker as &dyn Engine));
}

/// Whether a model is being checked on this thread.
pub(crate) fn is_set() -> bool {
    CURRENT.get().is_some()
}

/// The checker of this thread.
pub(crate) fn current() -> &'static dyn Checker {
    CURRENT.get().expect("a model is checked by an engine")
}
