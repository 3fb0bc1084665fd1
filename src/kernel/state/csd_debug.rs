//! Which call a CPU runs for another one, for a caller that waits too long; and how many such waits were reported.
//!
//! | atomic | written by | read by | order |
//! |---|---|---|---|
//! | `cur_csd` of a CPU | the owner, around each call it runs for another CPU | a CPU that waits too long for it | Release, Acquire |
//! | `cur_csd_func` | the owner, before `cur_csd` | the same, after it | carried by `cur_csd` |
//! | `trigger_backtrace` | the owner sets it when calls arrive; a CPU that waits too long clears it and may then ask for a backtrace | the CPU that waits too long | AcqRel |
//! | `csd_bug_count` of the machine | each CPU that reports a wait for the first time | the same | Relaxed: a count |
//!
//! In Linux: `kernel/smp.c`, the variables of the same names, with `CONFIG_CSD_LOCK_WAIT_DEBUG`.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::*};

use crossbeam_utils::atomic::AtomicCell;

use crate::kernel::csd::CallFunction;
use crate::parts::call_queue::CsdId;

/// What a CPU runs for others: see the table above.
#[derive(Debug, Default)]
pub(crate) struct CurrentCsd {
    cur_csd: AtomicU32,
    cur_csd_func: AtomicCell<Option<&'static CallFunction>>,
    trigger_backtrace: AtomicBool,
}

impl CurrentCsd {
    /// The owner begins to run `func`.
    pub(crate) fn begin(&self, csd: CsdId, func: &'static CallFunction) {
        self.cur_csd_func.store(Some(func));
        self.cur_csd.store(csd.0 + 1, Release);
    }

    /// It is done.
    pub(crate) fn end(&self) {
        self.cur_csd.store(0, Release);
    }

    /// The call that runs, and the name of the function that runs or ran last.
    pub(crate) fn get(&self) -> (Option<CsdId>, &'static str) {
        let csd = self.cur_csd.load(Acquire).checked_sub(1).map(CsdId);
        (csd, self.cur_csd_func.load().map_or("", |func| func.name))
    }

    /// The owner takes calls: its next silence is worth a backtrace again.
    pub(crate) fn allow_backtrace(&self) {
        self.trigger_backtrace.store(true, Release);
    }

    /// Whether a backtrace is to be asked for. True once for each time that calls arrived.
    pub(crate) fn take_backtrace(&self) -> bool {
        self.trigger_backtrace.swap(false, AcqRel)
    }
}

/// How many waits were reported.
#[derive(Debug, Default)]
pub(crate) struct CsdBugCount {
    csd_bug_count: AtomicU32,
}

impl CsdBugCount {
    /// Counts one more. Returns its number, from 1.
    pub(crate) fn count(&self) -> u32 {
        self.csd_bug_count.fetch_add(1, Relaxed) + 1
    }
}
