//! What other CPUs, and the host, see of a CPU.
//!
//! In Linux: per-CPU variables that other CPUs reach by `per_cpu(x, cpu)`.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use crossbeam_utils::CachePadded;

use crate::hardware::interrupts::Interrupts;
use crate::kernel::state::csd_debug::CurrentCsd;
use crate::kernel::state::flag::Flag;
use crate::kernel::state::hardlockup::HrtimerInterrupts;
use crate::kernel::state::rcu::RcuData;
use crate::kernel::state::watchdog::PostedWork;

/// One CPU, seen from outside. What is written often has a cache line of its own: else every look at `online` would
/// slow its owner down.
#[derive(Debug)]
pub(crate) struct PerCpu {
    pub(crate) irq: CachePadded<Interrupts>,
    pub(crate) own: CachePadded<Own>,
    pub(crate) hrtimer_interrupts: HrtimerInterrupts,
    /// A backtrace of this CPU is wanted: see `state/nmi.rs`.
    pub(crate) backtrace_wanted: Flag,
    /// See `state/smp.rs`.
    pub(crate) online: Flag,
    /// See `state/watchdog.rs`.
    pub(crate) watchdog_work: PostedWork,
    pub(crate) thread: HostThread,
}

impl PerCpu {
    pub(crate) fn new(irq: Interrupts) -> Self {
        PerCpu {
            irq: CachePadded::new(irq),
            own: CachePadded::default(),
            hrtimer_interrupts: HrtimerInterrupts::default(),
            backtrace_wanted: Flag::default(),
            online: Flag::default(),
            watchdog_work: PostedWork::default(),
            thread: HostThread::default(),
        }
    }
}

/// What a CPU writes all the time, and others read rarely.
#[derive(Debug, Default)]
pub(crate) struct Own {
    pub(crate) progress: Progress,
    pub(crate) current_csd: CurrentCsd,
    /// See `state/rcu.rs`.
    pub(crate) rcu: RcuData,
}

/// How many interruption points a CPU has passed. Written by the CPU; read by the host and, in wall-clock time, by a CPU
/// that waits for this one or watches it (Relaxed): a CPU that runs without passing any has hung its host thread.
#[derive(Debug, Default)]
pub(crate) struct Progress(AtomicU64);

impl Progress {
    /// Counts one. Called by the CPU.
    pub(crate) fn count(&self) {
        self.0.store(self.0.load(Relaxed) + 1, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// What the host must know of the CPU's thread. Both fields are written by that thread, once, and read by the host
/// (Relaxed).
#[derive(Debug, Default)]
pub(crate) struct HostThread {
    gone: AtomicBool,
    id: AtomicU64,
}

impl HostThread {
    /// The host's number of the thread; `None` while it is unknown.
    pub(crate) fn id(&self) -> Option<u64> {
        Some(self.id.load(Relaxed)).filter(|&id| id != 0)
    }

    pub(crate) fn set_id(&self, id: u64) {
        self.id.store(id, Relaxed);
    }

    /// Whether the thread is over.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Relaxed)
    }

    /// The thread is over, or was never born.
    pub(crate) fn set_gone(&self) {
        self.gone.store(true, Relaxed);
    }
}
