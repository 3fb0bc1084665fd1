//! What a search is doing, for the watcher on another thread.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::replay::Replay;

/// Written by the thread that searches, read by the watcher.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Operations of all executions. Relaxed: the watcher only looks whether it changes.
    operations: AtomicU64,
    place: Mutex<Option<Place>>,
}

/// Where a search is.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The rule that is being checked.
    pub(crate) rule: &'static str,
    /// The execution.
    pub(crate) replay: Replay,
    /// The last call into the part.
    pub(crate) call: &'static str,
}

impl Progress {
    pub(crate) fn operations(&self) -> u64 {
        self.operations.load(Relaxed)
    }

    pub(crate) fn place(&self) -> Option<Place> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Place>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

thread_local! {
    static MINE: RefCell<Arc<Progress>> = RefCell::default();
}

/// This thread's progress goes there from now on.
pub(crate) fn report_to(progress: Arc<Progress>) {
    MINE.set(progress);
}

/// An operation happens.
pub(crate) fn operation() {
    MINE.with_borrow(|mine| mine.operations.fetch_add(1, Relaxed));
}

/// An execution begins.
pub(crate) fn execution(rule: &'static str, number: usize, replay: impl FnOnce() -> Replay) {
    MINE.with_borrow(|mine| {
        mine.operations.fetch_add(1, Relaxed);
        match &mut *mine.lock() {
            Some(place) if number > 1 => place.replay.execution = number,
            place => *place = Some(Place { rule, replay: replay(), call: "new()" }),
        }
    });
}

/// The part is called.
pub(crate) fn enters(call: &'static str) {
    MINE.with_borrow(|mine| {
        if let Some(place) = &mut *mine.lock() {
            place.call = call;
        }
    });
}
