//! Going to sleep without missing what comes at that moment.
//!
//! | side | does | then looks |
//! |---|---|---|
//! | the sleeper | `lies_down`: stores `asleep`, fence | whether something is pending |
//! | a waker | makes something pending | `must_be_woken`: fence, loads `asleep` |
//!
//! The fences are SeqCst: at least one of the two looks sees what the other side did, so no CPU sleeps while something
//! is pending. (`park` and `unpark` pass the wake-up on.)
//!
//! In Linux: `set_current_state`, `smp_mb()` and `wake_up_process`; WFI itself has no such gap, because a pending
//! interrupt keeps the CPU from sleeping.

use crate::sync::{AtomicBool, Ordering::*, fence};

/// See the table above. `asleep` is written by the sleeper only.
#[derive(Debug)]
pub(crate) struct Sleeper {
    asleep: AtomicBool,
}

impl Default for Sleeper {
    fn default() -> Self {
        Sleeper { asleep: AtomicBool::new(false) }
    }
}

impl Sleeper {
    /// Called before the last look at what is pending.
    pub(crate) fn lies_down(&self) {
        self.asleep.store(true, Relaxed);
        fence(SeqCst);
    }

    /// Called when awake again.
    pub(crate) fn gets_up(&self) {
        self.asleep.store(false, Relaxed);
    }

    /// For a caller that only wants to know, and wakes no CPU. Relaxed.
    pub(crate) fn is_asleep(&self) -> bool {
        self.asleep.load(Relaxed)
    }

    /// Called by the waker, after it made something pending.
    pub(crate) fn must_be_woken(&self) -> bool {
        fence(SeqCst);
        self.asleep.load(Relaxed)
    }
}
