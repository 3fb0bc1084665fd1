//! Which CPU panics, and which one stops the others.
//!
//! | atomic of the machine | written by | read by | order |
//! |---|---|---|---|
//! | `panic_cpu` | the first CPU that panics | every CPU that panics | AcqRel: exactly one CPU is the first |
//! | `stop_in_progress` of the machine | the first CPU that stops the others, where that is done once | every CPU that wants to | AcqRel: exactly one CPU is the first |
//! | `going_down` of the machine | the first CPU that switches the machine off or restarts it | every CPU that wants to | AcqRel: the same |
//!
//! In Linux: `kernel/panic.c`, `panic_cpu`; `arch/arm64/kernel/smp.c`, `stop_in_progress`; x86's `stopping_cpu`;
//! `kernel/reboot.c`, `system_transition_mutex`.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::*};

use crate::cpumask::CpuId;

/// See the table above.
#[derive(Debug)]
pub(crate) struct PanicState {
    panic_cpu: AtomicU32,
    stop_in_progress: AtomicBool,
    going_down: AtomicBool,
}

/// `PANIC_CPU_INVALID`: no CPU panics.
const NO_CPU: u32 = u32::MAX;

impl Default for PanicState {
    fn default() -> Self {
        PanicState {
            panic_cpu: AtomicU32::new(NO_CPU),
            stop_in_progress: AtomicBool::new(false),
            going_down: AtomicBool::new(false),
        }
    }
}

impl PanicState {
    /// `cpu` panics. Returns whether it is the first CPU to do so.
    pub(crate) fn is_first(&self, cpu: CpuId) -> bool {
        self.panic_cpu.compare_exchange(NO_CPU, cpu.0, AcqRel, Acquire).is_ok()
    }

    /// A CPU stops the others. Returns whether it is the first to do so since boot.
    pub(crate) fn stops_first(&self) -> bool {
        !self.stop_in_progress.swap(true, AcqRel)
    }

    /// A CPU switches the machine off or restarts it. Returns whether it is the first to do so.
    pub(crate) fn goes_down_first(&self) -> bool {
        !self.going_down.swap(true, AcqRel)
    }
}
