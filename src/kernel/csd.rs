//! Where calls are kept: a few csds per CPU for single calls, and one per pair of CPUs for broadcasts.
//!
//! | field of a csd | written by | read by | order |
//! |---|---|---|---|
//! | `flags` | see [`crate::parts::csd_lock`] | | |
//! | `link` | see [`crate::parts::call_queue`] and, for a letter, `mailbox.rs` | | |
//! | `owner`, `func`, `info` | the caller, after `lock` and before `push` | the called CPU, between `take_all` and the unlock | carried by the queue; each is an atomic of its own, so that a wrong part gives a wrong result and never undefined behaviour |
//!
//! `csd_lock` and `csd_lock_wait` are in `smp.rs`; their loops are a part, `parts/csd_lock.rs`.
//!
//! In Linux: `kernel/smp.c`, `csd_data`, `cfd_data`.
//! Here it differs: a csd is named by number and lives in a table of the machine, also where Linux takes it from the
//! stack.

use std::sync::OnceLock;

use crossbeam_utils::CachePadded;
use crossbeam_utils::atomic::AtomicCell;

use crate::config::MAX_CPUS;
use crate::cpumask::CpuId;
use crate::kernel::cpu::Cpu;
use crate::parts::call_many::Wait;
use crate::parts::call_queue::{CsdId, Link, Links};
use crate::parts::csd_lock::CSD_FLAG_LOCK;
use crate::sync::{AtomicU32, AtomicU64, Ordering::*};

/// A kernel function that can be called on another CPU. Called with interrupts off; it must not wait.
#[derive(Debug)]
pub struct CallFunction {
    /// Its name, as it stands in a call trace.
    pub name: &'static str,
    /// What it does, with the argument that the caller gave.
    pub func: fn(&Cpu, u64),
}

/// `call_single_data_t`: one call, from the CPU that owns it to another.
#[derive(Debug)]
pub(crate) struct CallSingleData {
    flags: AtomicU32,
    owner: AtomicU32,
    func: AtomicCell<Option<&'static CallFunction>>,
    info: AtomicU64,
    link: Link,
}

impl CallSingleData {
    pub(crate) fn new() -> Self {
        CallSingleData {
            flags: AtomicU32::new(0),
            owner: AtomicU32::new(0),
            func: AtomicCell::new(None),
            info: AtomicU64::new(0),
            link: Link::new(),
        }
    }

    pub(crate) fn flags(&self) -> &AtomicU32 {
        &self.flags
    }

    pub(crate) fn link(&self) -> &Link {
        &self.link
    }

    /// Writes a request. Called by its owner, before another CPU can see it.
    pub(crate) fn fill(&self, owner: CpuId, func: &'static CallFunction, info: u64) {
        self.owner.store(owner.0, Relaxed);
        self.func.store(Some(func));
        self.info.store(info, Relaxed);
    }

    /// What is to be called, with which argument. Called by the CPU that was called, before it unlocks the csd.
    pub(crate) fn request(&self) -> (Option<&'static CallFunction>, u64) {
        (self.func.load(), self.info.load(Relaxed))
    }

    /// The CPU that called.
    pub(crate) fn owner(&self) -> CpuId {
        CpuId(self.owner.load(Relaxed))
    }

    /// The name of the function that is to be called.
    pub(crate) fn func_name(&self) -> &'static str {
        self.func.load().map_or("", |func| func.name)
    }
}

/// How many csds a CPU has for calls to one other CPU.
///
/// The first is for calls whose caller does not wait (`csd_data`). A call whose caller waits takes the first free one
/// of the others. Linux takes that one from the stack. So a handler does not wait for the call that it interrupted, and
/// a task does not wait for the call of a task that was killed while it waited. If all of them are in use (seven tasks
/// were killed so, and none of their calls was answered), the caller waits.
const SINGLE: usize = 8;

/// The row of the letters, one to each CPU: see `mailbox.rs`.
const LETTERS: usize = SINGLE;

/// The first row of broadcasts (`cfd_data`): one row for each CPU that calls.
const MANY: usize = LETTERS + 1;

/// A csd's number is its row, shifted by this, and its column.
const COLUMN_BITS: u32 = MAX_CPUS.trailing_zeros();

/// Every csd of a machine, in rows of one per CPU. A row is allocated when it is first used: most CPUs never make a
/// broadcast.
#[derive(Debug)]
pub(crate) struct CsdTable {
    rows: Box<[OnceLock<CsdRow>]>,
    nr_cpus: u32,
}

/// One csd per CPU.
type CsdRow = Box<[CachePadded<CallSingleData>]>;

impl CsdTable {
    pub(crate) fn new(nr_cpus: u32) -> Self {
        let rows = MANY + nr_cpus as usize;
        CsdTable { rows: (0..rows).map(|_| OnceLock::new()).collect(), nr_cpus }
    }

    /// The csd for a call by `cpu` to one other CPU.
    pub(crate) fn single(&self, cpu: CpuId, wait: Wait) -> CsdId {
        let is_free = |csd: &CsdId| self.get(*csd).flags.load(Relaxed) & CSD_FLAG_LOCK == 0;
        match wait {
            Wait::Async => id(0, cpu),
            Wait::Sync => {
                let mut on_the_stack = (1..SINGLE).map(|row| id(row, cpu));
                on_the_stack.find(is_free).unwrap_or(id(SINGLE - 1, cpu))
            }
        }
    }

    /// The csd for a broadcast by `owner`, as far as it goes to `target`.
    pub(crate) fn many(&self, owner: CpuId, target: CpuId) -> CsdId {
        id(MANY + owner.index(), target)
    }

    /// How many csds there are at most.
    pub(crate) fn len(&self) -> usize {
        self.rows.len() * self.nr_cpus as usize
    }

    pub(crate) fn get(&self, csd: CsdId) -> &CallSingleData {
        let new_row = || (0..self.nr_cpus).map(|_| CachePadded::new(CallSingleData::new()));
        let (row, column) = (csd.0 >> COLUMN_BITS, csd.0 & (MAX_CPUS - 1));
        &self.rows[row as usize].get_or_init(|| new_row().collect())[column as usize]
    }
}

/// The letter to `target`.
pub(crate) const fn letter(target: CpuId) -> CsdId {
    id(LETTERS, target)
}

const fn id(row: usize, column: CpuId) -> CsdId {
    CsdId((row as u32) << COLUMN_BITS | column.0)
}

impl Links for CsdTable {
    fn link(&self, csd: CsdId) -> &Link {
        self.get(csd).link()
    }
}
