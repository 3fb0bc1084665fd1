//! `die_lock`: one oops report at a time. The lock on which the article's CPU0 waits for itself.
//!
//! | policy | a second oops on the CPU that holds the lock | after the task died in that second oops |
//! |---|---|---|
//! | [`Arm64DieLock`] | waits for itself, for ever | (never gets there) |
//! | [`X86DieLock`] | goes on, depth 2 | the lock stays held: the *next* oops, on any CPU, hangs |
//! | [`NestingDieLock`] | goes on, depth 2 | the lock is free again |
//!
//! In Linux: `arch/arm64/kernel/traps.c`, `die` (`raw_spin_lock_irqsave(&die_lock, flags)`);
//! `arch/x86/kernel/dumpstack.c`, `oops_begin`, `oops_end`.
//! Here it differs: interrupts, frames and records belong to the machine's `die`, not to the lock.

use crate::cpumask::CpuId;
use crate::parts::this_cpu::ThisCpu;
use crate::sync::{AtomicU32, Ordering::*};

/// Serialises oops reports. The machine calls it with interrupts disabled.
///
/// The rules, as tests, are in [`contract::die_lock`](crate::parts::contract::die_lock).
pub trait DieLock: Send + Sync + 'static {
    /// Takes the lock, calling [`ThisCpu::relax`] while it waits. Returns the nesting depth after that: 1 for the
    /// first oops, 2 for an oops inside its report, if the policy lets it through.
    ///
    /// Pairs with [`unlock`](DieLock::unlock): what the last holder wrote before its `unlock` is visible after this
    /// `lock`.
    fn lock(&self, cpu: &impl ThisCpu) -> u32;

    /// Gives one level back. Returns the depth left; 0 means that the lock is free.
    fn unlock(&self, cpu: &impl ThisCpu) -> u32;

    /// The oopsing task is being killed on this CPU: levels still held here will never be unlocked, because the
    /// stack that would do it is gone. Linux has no such step, so the default does nothing.
    fn task_exit(&self, cpu: &impl ThisCpu) {
        let _ = cpu;
    }
}

/// The plain spinlock of arm64 (riscv and s390 have the same). It excludes other CPUs; a CPU that takes it twice waits
/// for itself.
///
/// | `locked` | means | written by | order |
/// |---|---|---|---|
/// | 0 | free | the holder, in `unlock` | Release, pairs with the Acquire below |
/// | 1 | held; the lock does not say by which CPU | the CPU that takes it, in `lock` | Acquire |
#[derive(Debug)]
pub struct Arm64DieLock {
    locked: AtomicU32,
}

impl Arm64DieLock {
    /// A free lock.
    pub fn new() -> Self {
        Arm64DieLock { locked: AtomicU32::new(0) }
    }
}

// ANCHOR: arm64_die_lock
impl DieLock for Arm64DieLock {
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        while self.locked.compare_exchange(0, 1, Acquire, Relaxed).is_err() {
            cpu.relax();
        }
        1
    }

    fn unlock(&self, _cpu: &impl ThisCpu) -> u32 {
        self.locked.store(0, Release);
        0
    }
}
// ANCHOR_END: arm64_die_lock

/// The lock of x86 (powerpc and arm32 are alike). It lets its owner through: "nested oops. should stop eventually".
///
/// Its leak: `oops_end` forgets the owner at *every* level, and if the task dies in the inner oops the outer level is
/// never given back. `nest_count` then stays 1 without an owner, and the next oops waits for ever.
///
/// | field | written by | read by | order |
/// |---|---|---|---|
/// | `locked` | as [`Arm64DieLock`]'s | every CPU that oopses | Acquire, Release |
/// | `owner` | the holder | every CPU that oopses; it finds its own number only if it wrote that itself | Relaxed |
/// | `nest_count` | the holder | the holder | Relaxed, carried from holder to holder by `locked` |
#[derive(Debug)]
pub struct X86DieLock {
    locked: AtomicU32,
    owner: AtomicU32,
    nest_count: AtomicU32,
}

/// `die_owner = -1`.
const NO_CPU: u32 = u32::MAX;

impl X86DieLock {
    /// A free lock.
    pub fn new() -> Self {
        X86DieLock {
            locked: AtomicU32::new(0),
            owner: AtomicU32::new(NO_CPU),
            nest_count: AtomicU32::new(0),
        }
    }
}

impl DieLock for X86DieLock {
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        while self.locked.compare_exchange(0, 1, Acquire, Relaxed).is_err() {
            if self.owner.load(Relaxed) == cpu.id().0 {
                break; // nested oops. should stop eventually
            }
            cpu.relax();
        }
        let depth = self.nest_count.load(Relaxed) + 1;
        self.nest_count.store(depth, Relaxed);
        self.owner.store(cpu.id().0, Relaxed);
        depth
    }

    // ANCHOR: x86-unlock
    fn unlock(&self, _cpu: &impl ThisCpu) -> u32 {
        self.owner.store(NO_CPU, Relaxed);
        let left = self.nest_count.load(Relaxed) - 1;
        self.nest_count.store(left, Relaxed);
        if left == 0 {
            self.locked.store(0, Release); // nest count reaches zero, release the lock
        }
        left
    }
    // ANCHOR_END: x86-unlock
}

/// A lock that a CPU may take again while it holds it. If the task that holds it is killed, the lock is free again.
///
/// | `holder` | means | written by | order |
/// |---|---|---|---|
/// | 0 | free | the holder, in `unlock` and `task_exit` | Release, pairs with the Acquire below |
/// | n + 1 | CPU n holds it, `depth` times | CPU n, in `lock` | Acquire; Relaxed is enough for a CPU to find its own number |
///
/// `depth` is read and written by the holder alone (Relaxed, carried by `holder`).
#[derive(Debug)]
pub struct NestingDieLock {
    holder: AtomicU32,
    depth: AtomicU32,
}

impl NestingDieLock {
    /// A free lock.
    pub fn new() -> Self {
        NestingDieLock { holder: AtomicU32::new(0), depth: AtomicU32::new(0) }
    }

    fn is_held_by(&self, cpu: CpuId) -> bool {
        self.holder.load(Relaxed) == cpu.0 + 1
    }

    fn release(&self) {
        self.holder.store(0, Release);
    }
}

impl DieLock for NestingDieLock {
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        if !self.is_held_by(cpu.id()) {
            while self.holder.compare_exchange(0, cpu.id().0 + 1, Acquire, Relaxed).is_err() {
                cpu.relax();
            }
        }
        let depth = self.depth.load(Relaxed) + 1;
        self.depth.store(depth, Relaxed);
        depth
    }

    fn unlock(&self, _cpu: &impl ThisCpu) -> u32 {
        let left = self.depth.load(Relaxed) - 1;
        self.depth.store(left, Relaxed);
        if left == 0 {
            self.release();
        }
        left
    }

    // ANCHOR: nesting-task-exit
    fn task_exit(&self, cpu: &impl ThisCpu) {
        if self.is_held_by(cpu.id()) {
            self.depth.store(0, Relaxed);
            self.release();
        }
    }
    // ANCHOR_END: nesting-task-exit
}

macro_rules! default_is_new {
    ($($lock:ty),*) => {$(
        impl Default for $lock {
            fn default() -> Self {
                Self::new()
            }
        }
    )*};
}
default_is_new!(Arm64DieLock, X86DieLock, NestingDieLock);
