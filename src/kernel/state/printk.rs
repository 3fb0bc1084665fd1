//! Which CPU prints a report that no other CPU's report may interrupt.
//!
//! | atomic of the machine | written by | read by | order |
//! |---|---|---|---|
//! | `printk_cpu_sync_owner` | the CPU that begins such a report, or ends one | a CPU that wants to begin one | Acquire, Release: one report at a time |
//!
//! In Linux: `kernel/printk/printk.c`, `printk_cpu_sync_owner`.

use crate::cpumask::CpuId;
use std::sync::atomic::{AtomicU32, Ordering::*};

/// See the table above.
#[derive(Debug)]
pub(crate) struct PrintkCpuSync {
    printk_cpu_sync_owner: AtomicU32,
}

/// No CPU has it.
const NO_CPU: u32 = u32::MAX;

impl Default for PrintkCpuSync {
    fn default() -> Self {
        PrintkCpuSync { printk_cpu_sync_owner: AtomicU32::new(NO_CPU) }
    }
}

/// What an attempt to get it gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CpuSync {
    /// The CPU has it now.
    Got,
    /// It had it before: the attempt is nested.
    Nested,
    /// Another CPU has it.
    Busy,
}

impl PrintkCpuSync {
    /// In Linux: `__printk_cpu_sync_try_get`.
    pub(crate) fn try_get(&self, cpu: CpuId) -> CpuSync {
        match self.printk_cpu_sync_owner.compare_exchange(NO_CPU, cpu.0, Acquire, Relaxed) {
            Ok(_) => CpuSync::Got,
            Err(owner) if owner == cpu.0 => CpuSync::Nested,
            Err(_) => CpuSync::Busy,
        }
    }

    /// In Linux: `__printk_cpu_sync_put`.
    pub(crate) fn put(&self) {
        self.printk_cpu_sync_owner.store(NO_CPU, Release);
    }
}
