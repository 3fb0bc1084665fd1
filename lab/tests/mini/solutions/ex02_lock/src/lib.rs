//! Why it works: one of two finds it free.

use std::sync::atomic::{AtomicBool, Ordering};

/// Takes it. Returns whether it was free.
pub fn try_lock(lock: &AtomicBool) -> bool {
    !lock.swap(true, Ordering::Acquire)
}
