//! Which CPUs are online, and which of the two warnings of a call was given.
//!
//! | atomic | written by | read by | order |
//! |---|---|---|---|
//! | `online` of a CPU | that CPU, when it comes up and when it stops | callers that pick their targets; a CPU that panics | see `flag.rs` |
//! | `warned` of a [`WarnOnce`] | the first CPU that warns | every CPU that is about to warn | Relaxed: the swap decides which CPU is first |
//!
//! In Linux: `cpu_online_mask`; the static flag inside `WARN_ON_ONCE`.

use std::sync::atomic::{AtomicBool, Ordering::*};

/// `WARN_ON_ONCE`: see the table above.
#[derive(Debug, Default)]
pub(crate) struct WarnOnce {
    warned: AtomicBool,
}

impl WarnOnce {
    /// Whether this is the first time.
    pub(crate) fn is_first(&self) -> bool {
        !self.warned.swap(true, Relaxed)
    }
}

/// What calls between CPUs share.
#[derive(Debug, Default)]
pub(crate) struct SmpState {
    /// Of `smp_call_function_single`.
    pub(crate) single: WarnOnce,
    /// Of `smp_call_function_many`.
    pub(crate) many: WarnOnce,
}
