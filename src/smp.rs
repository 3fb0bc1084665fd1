//! Calling a function on other CPUs, and waiting for it: the one unbounded wait on another CPU's interrupts.
//!
//! | field of a csd | written by | read by | order |
//! |---|---|---|---|
//! | `flags` | see [`crate::CsdLock`] | | |
//! | `link` | see [`crate::CallQueue`] | | |
//! | `func`, `info` | the caller, after `lock` and before `push` | the called CPU, between `take_all` and `unlock` | carried by the queue; each is an atomic of its own, so that a wrong part is a wrong result and never undefined behaviour |
//!
//! In Linux: `kernel/smp.c`.
//! Here it differs: a csd is named by number and lives in a table of the machine, also where Linux takes it from the
//! stack.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};

use crossbeam_utils::CachePadded;
use crossbeam_utils::atomic::AtomicCell;

use crate::call_queue::{CsdId, Link, Links};
use crate::csd_debug::CsdWaiter;
use crate::preempt::{self, DisabledPreemptGuard};
use crate::record::Event;
use crate::sync::AtomicU32;
use crate::{Ablation, CSD_FLAG_LOCK, Cpu, CpuId, CpuMask, ThisCpu, Vector, irq};

/// A kernel function that can be called on another CPU. Called with interrupts off; it must not wait.
#[derive(Debug)]
pub struct CallFunction {
    /// Its name, as it stands in a call trace.
    pub name: &'static str,
    /// What it does, with the argument that the caller gave.
    pub func: fn(&Cpu, u64),
}

/// Whether the caller of a function on another CPU waits until it has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Until it has run, without any time-out.
    Sync,
    /// Not at all.
    Async,
}

/// `call_single_data_t`: one call, from the CPU that owns it to another.
#[derive(Debug)]
pub(crate) struct CallSingleData {
    flags: AtomicU32,
    link: Link,
    func: AtomicCell<Option<&'static CallFunction>>,
    info: AtomicU64,
    owner: CpuId,
}

impl CallSingleData {
    pub(crate) fn flags(&self) -> &AtomicU32 {
        &self.flags
    }

    /// The name of the function that is to be called.
    pub(crate) fn func_name(&self) -> &'static str {
        self.func.load().map_or("", |func| func.name)
    }

    fn new(owner: CpuId) -> CachePadded<Self> {
        CachePadded::new(CallSingleData {
            flags: AtomicU32::new(0),
            link: Link::new(),
            func: AtomicCell::new(None),
            info: AtomicU64::new(0),
            owner,
        })
    }
}

/// Every csd of a machine: a few per CPU for single calls, and one per pair of CPUs for broadcasts (`cfd_data`). The
/// latter are allocated at a CPU's first broadcast: most CPUs never make one.
#[derive(Debug)]
pub(crate) struct CsdTable {
    single: [CsdRow; Single::KINDS],
    many: Box<[OnceLock<CsdRow>]>,
}

/// Which csd of its own a CPU uses for a call to one other CPU. Linux has `csd_data` for calls that nobody waits for, and
/// takes the csd of a call that somebody waits for from the stack, so that a handler never waits for the call it
/// interrupted.
#[derive(Clone, Copy)]
enum Single {
    Async,
    SyncFromTask,
    SyncFromIrq,
    SyncFromNmi,
}

impl Single {
    const KINDS: usize = 4;

    fn of(cpu: &Cpu, wait: Wait) -> Self {
        match (wait, cpu.in_nmi.get(), cpu.in_irq.get()) {
            (Wait::Async, ..) => Single::Async,
            (Wait::Sync, true, _) => Single::SyncFromNmi,
            (Wait::Sync, false, true) => Single::SyncFromIrq,
            (Wait::Sync, false, false) => Single::SyncFromTask,
        }
    }
}

/// One csd per CPU.
type CsdRow = Box<[CachePadded<CallSingleData>]>;

impl CsdTable {
    pub(crate) fn new(nr_cpus: u32) -> Self {
        let cpus = || (0..nr_cpus).map(CpuId);
        CsdTable {
            single: std::array::from_fn(|_| cpus().map(CallSingleData::new).collect()),
            many: cpus().map(|_| OnceLock::new()).collect(),
        }
    }

    fn nr_cpus(&self) -> usize {
        self.many.len()
    }

    fn single(&self, kind: Single, owner: CpuId) -> CsdId {
        self.id(kind as usize, owner)
    }

    fn many(&self, owner: CpuId, target: CpuId) -> CsdId {
        self.id(Single::KINDS + owner.index(), target)
    }

    fn id(&self, row: usize, column: CpuId) -> CsdId {
        CsdId((row * self.nr_cpus()) as u32 + column.0)
    }

    fn get(&self, csd: CsdId) -> &CallSingleData {
        let nr_cpus = self.nr_cpus();
        let (row, column) = (csd.0 as usize / nr_cpus, csd.0 as usize % nr_cpus);
        match row.checked_sub(Single::KINDS) {
            None => &self.single[row][column],
            Some(owner) => &self.many[owner].get_or_init(|| {
                (0..nr_cpus).map(|_| CallSingleData::new(CpuId::from(owner))).collect()
            })[column],
        }
    }
}

impl Links for CsdTable {
    fn link(&self, csd: CsdId) -> &Link {
        &self.get(csd).link
    }
}

/// Calls `func` on `target`. In Linux: `smp_call_function_single`.
///
/// With [`Wait::Sync`] and the target's interrupts off this never returns. Calling it with one's own interrupts off
/// warns once, as Linux does, unless an oops is in progress.
///
/// # Panics
/// If the machine has no such CPU.
pub fn smp_call_function_single(
    cpu: &Cpu,
    target: CpuId,
    func: &'static CallFunction,
    info: u64,
    wait: Wait,
) {
    if nobody_answers(cpu) {
        return;
    }
    let _frame = cpu.frame("smp_call_function_single");
    let _preempt = preempt::disable(cpu);
    warn_if_irqs_disabled(cpu, &cpu.shared().warned_single);
    if target == cpu.id() {
        let _irq = irq::disable_local(cpu);
        let _frame = cpu.frame(func.name);
        return (func.func)(cpu, info);
    }
    if !cpu.shared().is_online(target) {
        return; // -ENXIO
    }
    let csd = cpu.shared().csds.single(Single::of(cpu, wait), cpu.id());
    if fill_and_queue(cpu, csd, target, func, info, wait) {
        cpu.send_ipi(target, Vector::CallFunction);
    }
    if wait == Wait::Sync {
        csd_lock_wait(cpu, csd, target, 0);
    }
}

/// Calls `func` on every online CPU of `mask` but this one; with [`Wait::Sync`] waits for them in the order of their
/// numbers, so for CPU 0 first. In Linux: `smp_call_function_many`.
///
/// The guard is the proof that preemption is off. Otherwise as [`smp_call_function_single`].
pub fn smp_call_function_many(
    cpu: &Cpu,
    mask: &CpuMask,
    func: &'static CallFunction,
    info: u64,
    wait: Wait,
    _preempt: &DisabledPreemptGuard<'_>,
) {
    if nobody_answers(cpu) {
        return;
    }
    let shared = cpu.shared();
    warn_if_irqs_disabled(cpu, &shared.warned_many);
    let mut targets = CpuMask::none(shared.config.nr_cpus);
    mask.iter().filter(|&to| to != cpu.id() && shared.is_online(to)).for_each(|to| targets.set(to));
    if targets.weight() == 1
        && let Some(target) = targets.iter().next()
    {
        return smp_call_function_single(cpu, target, func, info, wait);
    }
    let _frames = cpu.frames(shared.config.kernel.call_many());

    let mut to_interrupt = CpuMask::none(shared.config.nr_cpus);
    for target in targets.iter() {
        let csd = shared.csds.many(cpu.id(), target);
        if fill_and_queue(cpu, csd, target, func, info, wait) {
            to_interrupt.set(target);
        }
    }
    to_interrupt.iter().for_each(|target| cpu.send_ipi(target, Vector::CallFunction));
    if wait == Wait::Sync {
        let mask = targets.first_word();
        for target in targets.iter() {
            csd_lock_wait(cpu, shared.csds.many(cpu.id(), target), target, mask);
        }
    }
}

/// Makes every other CPU take an interrupt, and waits until all have: a way to be sure that none still executes what
/// was just changed. In Linux: `kick_all_cpus_sync`.
pub fn kick_all_cpus_sync(cpu: &Cpu) {
    static DO_NOTHING: CallFunction = CallFunction { name: "do_nothing", func: |_, _| {} };
    let _frame = cpu.frame("kick_all_cpus_sync");
    let _frames = cpu.frames(cpu.shared().config.kernel.smp_call_function());
    let preempt = preempt::disable(cpu);
    let everybody = CpuMask::all(cpu.shared().config.nr_cpus);
    smp_call_function_many(cpu, &everybody, &DO_NOTHING, 0, Wait::Sync, &preempt);
}

/// Whether the machine is being halted: a destructor that runs meanwhile may call, and gets no answer.
fn nobody_answers(cpu: &Cpu) -> bool {
    cpu.shared().check_halt();
    cpu.shared().is_halting()
}

/// Prepares a csd and posts it. Returns whether its target needs an IPI.
fn fill_and_queue(
    cpu: &Cpu,
    csd_id: CsdId,
    target: CpuId,
    func: &'static CallFunction,
    info: u64,
    wait: Wait,
) -> bool {
    let shared = cpu.shared();
    let csd = shared.csds.get(csd_id);
    let older = Waited { csd, csd_id, target, mask: 0 };
    older.wait(cpu);
    shared.parts.csd_lock(&csd.flags, cpu);
    if wait == Wait::Sync {
        // Still the caller's alone: nobody else has seen this csd yet.
        let flags = csd.flags.load(Relaxed) | shared.config.kernel.csd_sync_flag();
        csd.flags.store(flags, Relaxed);
    }
    csd.func.store(Some(func));
    csd.info.store(info, Relaxed);
    // Recorded before it can be seen, as everything that another CPU answers to: else the answer might come first.
    cpu.record(Event::CsdQueue { to: target, func: func.name.into() });
    shared.parts.queue_push(target, csd_id, &shared.csds)
}

/// Waits until `target` has answered. This is where every victim of the article stands.
fn csd_lock_wait(cpu: &Cpu, csd_id: CsdId, target: CpuId, mask: u64) {
    let shared = cpu.shared();
    let count = cpu.preempt_count.get();
    if shared.config.ablate == Some(Ablation::PreemptOnInWait) {
        cpu.preempt_count.set(0);
    }
    Waited { csd: shared.csds.get(csd_id), csd_id, target, mask }.wait(cpu);
    cpu.preempt_count.set(count);
}

/// A csd that somebody waits for.
struct Waited<'a> {
    csd: &'a CallSingleData,
    csd_id: CsdId,
    target: CpuId,
    mask: u64,
}

impl Waited<'_> {
    /// Waits until the csd is free; records that, if it is not.
    fn wait(&self, cpu: &Cpu) {
        let &Waited { csd, csd_id, target, mask } = self;
        let (parts, debug) = (&cpu.shared().parts, cpu.shared().config.detectors.csd);
        let flags = csd.flags.load(Relaxed);
        if flags & CSD_FLAG_LOCK == 0 {
            return parts.csd_lock_wait(&csd.flags, cpu);
        }
        let _frame = cpu.frame(if debug { "__csd_lock_wait" } else { "csd_lock_wait" });
        cpu.record(Event::CsdWait { on: target, flags, mask });
        if debug {
            let waiter = CsdWaiter::new(cpu, csd, csd_id, target);
            parts.csd_lock_wait_debug(&csd.flags, &waiter);
            waiter.done();
        } else {
            parts.csd_lock_wait(&csd.flags, cpu);
        }
        cpu.record(Event::CsdWaitEnd { on: target });
    }
}

/// Runs every call posted to this CPU, oldest first. Called by the IPI, with interrupts off. In Linux:
/// `flush_smp_call_function_queue` of 4.19. (5.8 and later run the calls that somebody waits for first.)
pub(crate) fn flush_smp_call_function_queue(cpu: &Cpu) {
    let _frame = cpu.frame("flush_smp_call_function_queue");
    let (shared, per_cpu) = (cpu.shared(), cpu.per_cpu());
    per_cpu.trigger_backtrace.store(true, Release);
    let mut next = shared.parts.queue_take_all(cpu.id(), &shared.csds);
    while let Some(csd_id) = next {
        let csd = shared.csds.get(csd_id);
        // Once it is unlocked the csd is its owner's again: everything in it is read before.
        next = csd.link.get();
        let (func, info) = (csd.func.load(), csd.info.load(Relaxed));
        let sync = csd.flags.load(Relaxed) & shared.config.kernel.csd_sync_flag() != 0;
        if !sync {
            csd_unlock(cpu, csd);
        }
        if let Some(func) = func {
            let _frame = cpu.frame(func.name);
            per_cpu.cur_csd_func.store(Some(func));
            per_cpu.cur_csd.store(csd_id.0 + 1, Release);
            (func.func)(cpu, info);
            per_cpu.cur_csd.store(0, Release);
        }
        if sync {
            csd_unlock(cpu, csd);
        }
    }
}

fn csd_unlock(cpu: &Cpu, csd: &CallSingleData) {
    cpu.record(Event::CsdUnlock { from: csd.owner });
    cpu.shared().parts.csd_unlock(&csd.flags);
}

/// A synchronous call with interrupts off deadlocks if the other side does the same. Linux says so, once; but not
/// while an oops is in progress, and since CPU0's never ends, nobody in the article was warned of anything.
fn warn_if_irqs_disabled(cpu: &Cpu, warned: &AtomicBool) {
    let shared = cpu.shared();
    let deadlock_prone = irq::irqs_disabled(cpu) && shared.oops_in_progress.load(Relaxed) == 0;
    if deadlock_prone && !warned.swap(true, Relaxed) {
        cpu.record(Event::Warn);
    }
}
