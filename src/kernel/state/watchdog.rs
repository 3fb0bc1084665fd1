//! The threshold of the watchdogs, and what a CPU is to do when it changes.
//!
//! | atomic | written by | read by | order |
//! |---|---|---|---|
//! | `watchdog_thresh` of the machine | the CPU that holds `watchdog_mutex` | every CPU when it samples | Relaxed: watchdogs are stopped and started around a change |
//! | `sample_period` of the machine | the same, when every watchdog is stopped | every CPU when it starts its timer | Relaxed: the same |
//! | `watchdog_mutex` of the machine | the CPU that changes it | the next CPU that wants to | see `bit_lock.rs` |
//! | `work`, `by` of a CPU | the CPU that wants work done posts it; the owner clears it when it is done | both | Release, Acquire: what was done is seen by the CPU that waits for it |
//!
//! In Linux: `kernel/watchdog.c`, `watchdog_thresh`, `sample_period`,
//! `watchdog_mutex`; `struct smp_call_on_cpu_struct`.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::*};

use crate::cpumask::CpuId;
use crate::kernel::state::bit_lock::BitLock;
use crate::time::sample_period_ns;

/// See the table above.
#[derive(Debug)]
pub(crate) struct WatchdogState {
    watchdog_thresh: AtomicU64,
    sample_period: AtomicU64,
    pub(crate) watchdog_mutex: BitLock,
}

impl WatchdogState {
    pub(crate) fn new(thresh_secs: u64) -> Self {
        WatchdogState {
            watchdog_thresh: AtomicU64::new(thresh_secs),
            sample_period: AtomicU64::new(sample_period_ns(thresh_secs)),
            watchdog_mutex: BitLock::default(),
        }
    }

    /// `watchdog_thresh`, in seconds.
    pub(crate) fn thresh_secs(&self) -> u64 {
        self.watchdog_thresh.load(Relaxed)
    }

    /// How many nanoseconds lie between two samples.
    pub(crate) fn sample_period_ns(&self) -> u64 {
        self.sample_period.load(Relaxed)
    }

    /// In Linux: `set_sample_period`.
    pub(crate) fn set_sample_period(&self) {
        self.sample_period.store(sample_period_ns(self.thresh_secs()), Relaxed);
    }

    pub(crate) fn set_thresh_secs(&self, secs: u64) {
        self.watchdog_thresh.store(secs, Relaxed);
    }
}

/// What a CPU is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Its watchdog stops.
    StopWatchdog,
    /// It starts, with the threshold of now.
    StartWatchdog,
}

const NOTHING: u8 = 0;
const STOP: u8 = 1;
const START: u8 = 2;

/// Work that is posted to a CPU: see the table above.
#[derive(Debug, Default)]
pub(crate) struct PostedWork {
    work: AtomicU8,
    by: AtomicU32,
}

impl PostedWork {
    /// `by` wants `work` done, and waits for it. There is no other work: `by` holds `watchdog_mutex`.
    pub(crate) fn post(&self, work: Work, by: CpuId) {
        self.by.store(by.0, Relaxed);
        let code = if work == Work::StopWatchdog { STOP } else { START };
        self.work.store(code, Release);
    }

    /// What is to be done, and which CPU waits for it.
    pub(crate) fn get(&self) -> Option<(Work, CpuId)> {
        let work = match self.work.load(Acquire) {
            STOP => Work::StopWatchdog,
            START => Work::StartWatchdog,
            _ => return None,
        };
        Some((work, CpuId(self.by.load(Relaxed))))
    }

    /// It is done.
    pub(crate) fn done(&self) {
        self.work.store(NOTHING, Release);
    }

    /// Whether it is not done yet.
    pub(crate) fn is_pending(&self) -> bool {
        self.work.load(Acquire) != NOTHING
    }
}
