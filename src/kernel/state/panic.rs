//! Which CPU panics.
//!
//! | atomic of the machine | written by | read by | order |
//! |---|---|---|---|
//! | `panic_cpu` | the first CPU that panics | every CPU that panics | AcqRel: exactly one CPU is the first |
//!
//! In Linux: `kernel/panic.c`, `panic_cpu`.

use std::sync::atomic::{AtomicU32, Ordering::*};

use crate::cpumask::CpuId;

/// See the table above.
#[derive(Debug)]
pub(crate) struct PanicState {
    panic_cpu: AtomicU32,
}

/// `PANIC_CPU_INVALID`: no CPU panics.
const NO_CPU: u32 = u32::MAX;

impl Default for PanicState {
    fn default() -> Self {
        PanicState { panic_cpu: AtomicU32::new(NO_CPU) }
    }
}

impl PanicState {
    /// `cpu` panics. Returns whether it is the first CPU to do so.
    pub(crate) fn is_first(&self, cpu: CpuId) -> bool {
        self.panic_cpu.compare_exchange(NO_CPU, cpu.0, AcqRel, Acquire).is_ok()
    }
}
