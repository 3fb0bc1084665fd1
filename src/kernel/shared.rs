//! What all CPUs of a machine share.
//!
//! | atomic of the machine | written by | read by | order |
//! |---|---|---|---|
//! | `halting` | the CPU or the host that halts the machine, once | every CPU at every interruption point, and before it records | SeqCst: in wall-clock time a CPU that goes to sleep must see it or be woken after it |
//! | `ended_ns` | the same, once | the host, when the machine has halted | Relaxed |
//!
//! The other atomics stand with their concepts, in `state/`.
//!
//! In Linux: what is global in the kernel. Here it differs: there can be many machines.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};

use crossbeam_utils::CachePadded;
use parking_lot::{Condvar, Mutex};

use crate::config::Config;
use crate::config::clock::Clock;
use crate::cpumask::{CpuId, CpuMask};
use crate::hardware::clock::ClockSource;
use crate::hardware::clock::clocked::Clocked;
use crate::hardware::interrupts::{Interrupts, IpiLoss};
use crate::hardware::uart::Uart;
use crate::kernel::call_single_queue::CallSingleQueues;
use crate::kernel::csd::CsdTable;
use crate::kernel::notifier::NotifierChain;
use crate::kernel::percpu::PerCpu;
use crate::kernel::state::bit_lock::BitLock;
use crate::kernel::state::csd_debug::CsdBugCount;
use crate::kernel::state::die::DieState;
use crate::kernel::state::hardlockup::WatchdogCpus;
use crate::kernel::state::nmi::AllCpuDumps;
use crate::kernel::state::panic::PanicState;
use crate::kernel::state::printk::PrintkCpuSync;
use crate::kernel::state::rcu::RcuState;
use crate::kernel::state::smp::SmpState;
use crate::kernel::state::watchdog::WatchdogState;
use crate::parts::Parts;
use crate::parts::csd_stall::StallDetector;
use crate::parts::erased::{DynCallMany, DynCsdLock, DynDieChain, DynDieLock};
use crate::parts::hardlockup::HardlockupDetector;
use crate::parts::irq_state::KernelIrqState;
use crate::parts::softlockup::{SoftlockupDetector, detector_of};
use crate::recorder::Recorder;
use crate::time::KernelTime;

/// What all CPUs of a machine share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    // Its parts.
    pub(crate) die_lock: Box<dyn DynDieLock>,
    pub(crate) csd_lock: Box<dyn DynCsdLock>,
    pub(crate) call_queues: CallSingleQueues,
    pub(crate) call_many: Box<dyn DynCallMany>,
    pub(crate) softlockup_detector: Box<dyn SoftlockupDetector>,
    pub(crate) hardlockup_detector: Box<dyn HardlockupDetector>,
    pub(crate) stall_detector: Box<dyn StallDetector>,
    pub(crate) die_walk: Box<dyn DynDieChain>,
    // Its hardware.
    pub(crate) clock: ClockSource,
    pub(crate) ipi_loss: IpiLoss,
    /// The serial line, if printing takes time.
    pub(crate) uart: Option<Uart>,
    cpus: Box<[CachePadded<PerCpu>]>,
    // Its kernel.
    pub(crate) csds: CsdTable,
    pub(crate) smp: SmpState,
    pub(crate) csd_bug_count: CsdBugCount,
    pub(crate) die: DieState,
    pub(crate) die_chain: NotifierChain,
    pub(crate) panic: PanicState,
    pub(crate) watchdog: WatchdogState,
    pub(crate) watchdog_cpus: WatchdogCpus,
    pub(crate) backtrace_flag: BitLock,
    pub(crate) all_cpu_dumps: AllCpuDumps,
    pub(crate) rcu: RcuState,
    pub(crate) printk_cpu_sync: PrintkCpuSync,
    // Its host.
    pub(crate) recorder: Recorder,
    halting: AtomicBool,
    ended_ns: AtomicU64,
    pub(crate) threads: Mutex<Threads>,
    pub(crate) thread_ended: Condvar,
}

/// The host's view of the CPUs' threads.
#[derive(Default)]
pub(crate) struct Threads {
    pub(crate) refused_pins: usize,
    /// The first Rust panic on one of them.
    pub(crate) panic: Option<Panic>,
}

/// A Rust panic in the code of a task or of a part.
pub(crate) struct Panic {
    pub(crate) cpu: CpuId,
    pub(crate) time: KernelTime,
    pub(crate) message: String,
}

/// The payload that unwinds a halted CPU's frames.
pub(crate) struct Halted;

impl Shared {
    pub(crate) fn new(config: Config, parts: Parts) -> Self {
        let nr_cpus = config.nr_cpus;
        let lockstep = matches!(config.clock, Clock::Lockstep { .. });
        let interrupts = || match parts.irq_state {
            None => Interrupts::Kernel(KernelIrqState::default()),
            Some(new) => Interrupts::Part(new()),
        };
        Shared {
            die_lock: parts.die_lock,
            csd_lock: parts.csd_lock,
            call_queues: CallSingleQueues::new(parts.call_queue, &config),
            softlockup_detector: parts
                .softlockup_detector
                .unwrap_or_else(|| detector_of(config.kernel)),
            call_many: parts.call_many,
            hardlockup_detector: parts.hardlockup_detector,
            stall_detector: parts.stall_detector,
            die_walk: parts.die_chain,
            clock: ClockSource::new(&config),
            ipi_loss: IpiLoss::new(config.lose_ipi),
            uart: None,
            cpus: (0..nr_cpus).map(|_| CachePadded::new(PerCpu::new(interrupts()))).collect(),
            csds: CsdTable::new(nr_cpus),
            smp: SmpState::default(),
            csd_bug_count: CsdBugCount::default(),
            die: DieState::default(),
            die_chain: NotifierChain::default(),
            panic: PanicState::default(),
            watchdog: WatchdogState::new(config.watchdog_thresh_secs),
            watchdog_cpus: WatchdogCpus::new(nr_cpus),
            backtrace_flag: BitLock::default(),
            all_cpu_dumps: AllCpuDumps::default(),
            rcu: RcuState::default(),
            printk_cpu_sync: PrintkCpuSync::default(),
            recorder: Recorder::new(nr_cpus, config.record, lockstep),
            halting: AtomicBool::new(false),
            ended_ns: AtomicU64::new(0),
            threads: Mutex::default(),
            thread_ended: Condvar::new(),
            config,
        }
    }

    pub(crate) fn per_cpu(&self, cpu: CpuId) -> &PerCpu {
        &self.cpus[cpu.index()]
    }

    /// How many interruption points a CPU has passed; `None` if it sleeps with its interrupts off, in wall-clock time.
    pub(crate) fn interruption_points(&self, of: CpuId) -> Option<u64> {
        (!self.clock.sleeps_deaf(of)).then(|| self.per_cpu(of).own.progress.get())
    }

    pub(crate) fn is_online(&self, cpu: CpuId) -> bool {
        self.per_cpu(cpu).online.is_set()
    }

    /// In Linux: `cpu_online_mask`.
    pub(crate) fn online_mask(&self) -> CpuMask {
        let nr_cpus = self.config.nr_cpus;
        let mut online = CpuMask::none(nr_cpus);
        (0..nr_cpus).map(CpuId).filter(|&cpu| self.is_online(cpu)).for_each(|cpu| online.set(cpu));
        online
    }

    /// In Linux: `num_online_cpus()`.
    pub(crate) fn nr_online(&self) -> usize {
        self.online_mask().weight().max(1)
    }

    /// Whether the machine is being switched off.
    pub(crate) fn is_halting(&self) -> bool {
        self.halting.load(SeqCst)
    }

    /// Halts the machine: every CPU unwinds at its next interruption point.
    pub(crate) fn halt(&self) {
        self.begin_halt();
        self.clock.wake_all();
    }

    /// When the machine was switched off.
    pub(crate) fn ended(&self) -> KernelTime {
        KernelTime::from_ns(self.ended_ns.load(Relaxed))
    }

    /// Unwinds the calling CPU if the machine halts: at every interruption point, so once more if its code caught the
    /// unwinding. But not while a destructor runs, where a second unwinding would abort the process.
    pub(crate) fn check_halt(&self) {
        if self.is_halting() && !std::thread::panicking() {
            self.unwind();
        }
    }

    /// Unwinds the calling CPU's frames, quietly.
    pub(crate) fn unwind(&self) -> ! {
        resume_unwind(Box::new(Halted))
    }
}

impl Clocked for Shared {
    fn interrupts(&self, cpu: CpuId) -> &Interrupts {
        &self.per_cpu(cpu).irq
    }

    fn would_be_interrupted(&self, cpu: CpuId, accepts: u32) -> bool {
        self.per_cpu(cpu).irq.has(accepts) || self.call_queues.rings(cpu, accepts, &self.csds)
    }

    fn count_progress(&self, cpu: CpuId) {
        self.per_cpu(cpu).own.progress.count();
    }

    fn end_turn(&self, cpu: CpuId) {
        self.recorder.end_turn(cpu);
    }

    fn sample_period_ns(&self) -> u64 {
        self.watchdog.sample_period_ns()
    }

    fn is_halting(&self) -> bool {
        Shared::is_halting(self)
    }

    fn begin_halt(&self) {
        if !self.halting.swap(true, SeqCst) {
            self.ended_ns.store(self.clock.now().ns(), Relaxed);
        }
    }
}
