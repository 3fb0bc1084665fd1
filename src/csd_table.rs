//! Where calls are kept: a few csds per CPU for single calls, and one per pair of CPUs for broadcasts.
//!
//! | field of a csd | written by | read by | order |
//! |---|---|---|---|
//! | `flags` | see [`crate::CsdLock`] and, for a letter, [`crate::mailbox`] | | |
//! | `link` | see [`crate::CallQueue`] | | |
//! | `owner`, `func`, `info` | the caller, after `lock` (or `claim`) and before `push` (or `post`) | the called CPU, between `take_all` (or `letter`) and the unlock | carried by the queue; each is an atomic of its own, so that a wrong part is a wrong result and never undefined behaviour |
//!
//! In Linux: `kernel/smp.c`, `csd_data`, `cfd_data`.
//! Here it differs: a csd is named by number and lives in a table of the machine, also where Linux takes it from the
//! stack.

use std::sync::OnceLock;

use crossbeam_utils::CachePadded;
use crossbeam_utils::atomic::AtomicCell;

use crate::call_queue::{CsdId, Link, Links};
use crate::sync::{AtomicU32, AtomicU64, Ordering::*};
use crate::{CSD_FLAG_LOCK, CallFunction, Cpu, CpuId, ThisCpu, Wait};

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

    /// Writes a request. Called by its owner, before anybody else can see it.
    pub(crate) fn fill(&self, owner: CpuId, func: &'static CallFunction, info: u64) {
        self.owner.store(owner.0, Relaxed);
        self.func.store(Some(func));
        self.info.store(info, Relaxed);
    }

    /// What is to be called, with which argument. Called by the CPU that was called, before it unlocks the csd.
    pub(crate) fn request(&self) -> (Option<&'static CallFunction>, u64) {
        (self.func.load(), self.info.load(Relaxed))
    }

    /// Who called.
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
/// The first is for calls that nobody waits for (`csd_data`). A call that somebody waits for takes the first free one of
/// the others: Linux takes it from the stack, so that neither a handler waits for the call that it interrupted, nor a
/// task for that of another which was killed while it waited. With all of them in use (five such deaths, and not one
/// answer) it waits.
const SINGLE: usize = 8;

/// Every csd of a machine: a few per CPU for single calls, and one per pair of CPUs for broadcasts (`cfd_data`). The
/// latter are allocated at a CPU's first broadcast: most CPUs never make one.
#[derive(Debug)]
pub(crate) struct CsdTable {
    single: [CsdRow; SINGLE],
    many: Box<[OnceLock<CsdRow>]>,
}

/// One csd per CPU.
type CsdRow = Box<[CachePadded<CallSingleData>]>;

fn csd_row(nr_cpus: u32) -> CsdRow {
    (0..nr_cpus).map(|_| CachePadded::new(CallSingleData::new())).collect()
}

impl CsdTable {
    pub(crate) fn new(nr_cpus: u32) -> Self {
        CsdTable {
            single: std::array::from_fn(|_| csd_row(nr_cpus)),
            many: (0..nr_cpus).map(|_| OnceLock::new()).collect(),
        }
    }

    fn nr_cpus(&self) -> usize {
        self.many.len()
    }

    /// The csd for a call by `cpu` to one other CPU.
    pub(crate) fn single(&self, cpu: &Cpu, wait: Wait) -> CsdId {
        let is_free = |csd: &CallSingleData| csd.flags.load(Relaxed) & CSD_FLAG_LOCK == 0;
        let row = match wait {
            Wait::Async => 0,
            Wait::Sync => {
                let free = (1..SINGLE).find(|&row| is_free(&self.single[row][cpu.id().index()]));
                free.unwrap_or(SINGLE - 1)
            }
        };
        self.id(row, cpu.id())
    }

    pub(crate) fn many(&self, owner: CpuId, target: CpuId) -> CsdId {
        self.id(SINGLE + owner.index(), target)
    }

    /// The number of the letter to `target`, which lies in its mailbox and not in this table.
    pub(crate) fn letter(&self, target: CpuId) -> CsdId {
        self.id(SINGLE + self.nr_cpus(), target)
    }

    fn id(&self, row: usize, column: CpuId) -> CsdId {
        CsdId((row * self.nr_cpus()) as u32 + column.0)
    }

    pub(crate) fn get(&self, csd: CsdId) -> &CallSingleData {
        let nr_cpus = self.nr_cpus();
        let (row, column) = (csd.0 as usize / nr_cpus, csd.0 as usize % nr_cpus);
        match row.checked_sub(SINGLE) {
            None => &self.single[row][column],
            Some(owner) => &self.many[owner].get_or_init(|| csd_row(nr_cpus as u32))[column],
        }
    }
}

impl Links for CsdTable {
    fn link(&self, csd: CsdId) -> &Link {
        self.get(csd).link()
    }
}
