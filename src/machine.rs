//! The machine: what its CPUs share, how it is put together, run, halted, and what it leaves behind.
//!
//! | atomic of the machine | written by | read by | order |
//! |---|---|---|---|
//! | `halting` | whoever halts the machine, once | every CPU at every interruption point, and before it records | SeqCst: in wall-clock time a CPU that goes to sleep must see it or be woken after it |
//! | `ended_ns` | the same, once | the host, when the machine has halted | Relaxed |
//! | `die_counter`, `oops_in_progress` | see `die.rs` | | |
//! | `warned_single`, `warned_many` | whoever warns, once | the same | Relaxed |
//! | `ipi_lost` | whoever sends the IPI that gets lost, once | the same | Relaxed: the swap decides who |
//!
//! In Linux: what is global in the kernel, and `init/main.c`, `start_kernel`. Here it differs: there can be many.

use std::any::Any;
use std::fmt;
use std::io;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::*};

use crossbeam_utils::CachePadded;
use parking_lot::{Condvar, Mutex};

use crate::boot::Running;
use crate::clock::{Clock, ClockSource};
use crate::cpu::PerCpu;
use crate::csd_table::CsdTable;
use crate::notifier::NotifierChain;
use crate::parts::KernelParts;
use crate::record::{Event, Record};
use crate::recorder::{Merge, Recorder};
use crate::task::Task;
use crate::{
    CallQueue, Config, ConfigError, CpuId, CpuMask, CsdLock, DieLock, Incident, KernelTime,
    LockupDetector, MailboxCallQueue, NotifierBlock, Parts, Vector, host, panic,
};

/// What all CPUs of a machine share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) parts: Box<dyn KernelParts>,
    pub(crate) clock: ClockSource,
    pub(crate) recorder: Recorder,
    pub(crate) csds: CsdTable,
    pub(crate) die_chain: NotifierChain,
    pub(crate) die_counter: AtomicU32,
    pub(crate) oops_in_progress: AtomicU32,
    pub(crate) warned_single: AtomicBool,
    pub(crate) warned_many: AtomicBool,
    ipi_lost: AtomicBool,
    /// See `nmi.rs`.
    pub(crate) backtrace_flag: AtomicBool,
    /// See `panic.rs`.
    pub(crate) panic_cpu: AtomicU32,
    /// Counts reported stalls. Written by whoever reports one (Relaxed: a count).
    pub(crate) csd_bug_count: AtomicU32,
    cpus: Box<[CachePadded<PerCpu>]>,
    halting: AtomicBool,
    ended_ns: AtomicU64,
    pub(crate) threads: Mutex<Threads>,
    pub(crate) thread_ended: Condvar,
}

/// The host's view of the CPUs' threads.
pub(crate) struct Threads {
    pub(crate) refused_pins: usize,
    pub(crate) panic: Option<Box<dyn Any + Send>>,
}

/// The payload that unwinds a halted CPU's frames.
pub(crate) struct Halted;

impl Shared {
    pub(crate) fn per_cpu(&self, cpu: CpuId) -> &PerCpu {
        &self.cpus[cpu.index()]
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

    /// Whether this IPI gets lost: one of a run at most, and only if the machine is to lose one.
    pub(crate) fn loses_ipi(&self, target: CpuId, vector: Vector) -> bool {
        self.config.lose_ipi.is_some_and(|lose| {
            vector == Vector::CallFunction
                && target == lose.to
                && self.clock.now() >= lose.after
                && !self.ipi_lost.swap(true, Relaxed)
        })
    }

    /// Whether something is there that would interrupt `cpu`, if it accepts these vectors.
    pub(crate) fn would_be_interrupted(&self, cpu: CpuId, accepts: u32) -> bool {
        let rings = || self.parts.mailbox(cpu).is_some_and(MailboxCallQueue::rings);
        self.per_cpu(cpu).irq.has(accepts) || accepts & Vector::CallFunction.bit() != 0 && rings()
    }

    /// Whether a letter may interrupt its reader by itself. Not if anybody could tell: the record of an IPI comes before
    /// the IPI, and one that gets lost is an IPI, too.
    pub(crate) fn letters_ring(&self) -> bool {
        let Config { record, lose_ipi, clock, .. } = &self.config;
        let has_mailbox = self.parts.mailbox(CpuId::BOOT).is_some();
        has_mailbox && matches!(clock, Clock::Wall { .. }) && !record && lose_ipi.is_none()
    }

    /// Counts one interruption point of `cpu`.
    pub(crate) fn progress(&self, cpu: CpuId) {
        let progress = &self.per_cpu(cpu).own.progress;
        progress.store(progress.load(Relaxed) + 1, Relaxed);
    }

    pub(crate) fn is_halting(&self) -> bool {
        self.halting.load(SeqCst)
    }

    /// Marks the end, without telling anybody yet.
    pub(crate) fn begin_halt(&self) {
        if !self.halting.swap(true, SeqCst) {
            self.ended_ns.store(self.clock.now().ns(), Relaxed);
        }
    }

    /// Halts the machine: every CPU unwinds at its next interruption point.
    pub(crate) fn halt(&self) {
        self.begin_halt();
        self.clock.wake_all();
    }

    /// Unwinds the calling CPU if the machine halts: at every interruption point, so again if somebody caught it. But
    /// not while a destructor runs, where a second unwinding would abort the process.
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

/// A machine that has not booted yet.
///
/// ```
/// use softlockup::{Config, CpuId, KernelTime, Machine, Parts, Task, kick_all_cpus_sync};
///
/// let config = Config { nr_cpus: 4, ..Config::default() };
/// let mut machine = Machine::new(config, Parts::stock())?;
/// let start = KernelTime::from_secs_f64(10.0).unwrap();
/// machine.spawn(CpuId(2), Task::new("jit", 1234, start, |cpu| kick_all_cpus_sync(cpu)));
/// let run = machine.run()?;
/// assert!(run.incident.report().soft_lockups.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Machine {
    shared: Shared,
    tasks: Vec<Vec<Task>>,
    /// The host cores that CPUs were given by hand.
    pins: Vec<(CpuId, usize)>,
}

/// What a machine left behind.
#[derive(Debug)]
pub struct Run {
    /// What happened on it.
    pub incident: Incident,
    /// CPUs that did not start every task they were given: they were busy, stuck or dead until the end. Known only if
    /// the machine recorded.
    pub never_started: Vec<CpuId>,
    /// How the host bore it.
    pub host: HostReport,
}

/// Facts about the host, kept apart from the incident: they may differ from run to run.
#[derive(Clone, Debug)]
pub struct HostReport {
    /// How many host cores the process may use.
    pub nr_cores: usize,
    /// How many threads could not be pinned to the core they were given.
    pub refused_pins: usize,
    /// CPUs whose threads never reached an interruption point again, and were left behind.
    pub hung: Vec<CpuId>,
}

/// A machine that could not boot.
#[derive(Debug)]
pub enum RunError {
    /// The host refused a thread.
    Spawn {
        /// For which CPU.
        cpu: CpuId,
        /// Why.
        error: io::Error,
    },
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RunError::Spawn { cpu, error } = self;
        write!(f, "the host refused a thread for CPU#{cpu}: {error}; try fewer CPUs")
    }
}

impl std::error::Error for RunError {}

impl Machine {
    /// A machine as `config` says, made of `parts`.
    ///
    /// # Errors
    /// If `config` is out of range.
    pub fn new<D: DieLock, Q: CallQueue, C: CsdLock, L: LockupDetector>(
        config: Config,
        parts: Parts<D, Q, C, L>,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let nr_cpus = config.nr_cpus;
        let lockstep = matches!(config.clock, Clock::Lockstep { .. });
        host::cores(); // before anything is pinned
        let shared = Shared {
            parts: parts.install(nr_cpus, config.kernel),
            clock: ClockSource::new(&config),
            recorder: Recorder::new(nr_cpus, config.record, lockstep),
            csds: CsdTable::new(nr_cpus),
            die_chain: NotifierChain::default(),
            die_counter: AtomicU32::new(0),
            oops_in_progress: AtomicU32::new(0),
            warned_single: AtomicBool::new(false),
            warned_many: AtomicBool::new(false),
            ipi_lost: AtomicBool::new(false),
            backtrace_flag: AtomicBool::new(false),
            panic_cpu: AtomicU32::new(panic::NO_CPU),
            csd_bug_count: AtomicU32::new(0),
            cpus: (0..nr_cpus).map(|_| CachePadded::default()).collect(),
            halting: AtomicBool::new(false),
            ended_ns: AtomicU64::new(0),
            threads: Mutex::new(Threads { refused_pins: 0, panic: None }),
            thread_ended: Condvar::new(),
            config,
        };
        let tasks = (0..nr_cpus).map(|_| Vec::new()).collect();
        Ok(Machine { shared, tasks, pins: Vec::new() })
    }

    /// Gives `cpu` a task.
    ///
    /// # Panics
    /// If the machine has no such CPU.
    pub fn spawn(&mut self, cpu: CpuId, task: Task) {
        self.tasks[cpu.index()].push(task);
    }

    /// Pins `cpu`'s thread to this core, by the host's number, and not to the one it would get: in wall-clock time the
    /// CPUs go round the cores that the process may use, in lockstep all share one. If the host refuses, the thread
    /// runs unpinned and [`HostReport::refused_pins`] counts it: a core that is not there, or that the process may not use.
    /// The last pin of a CPU counts.
    ///
    /// # Panics
    /// If the machine has no such CPU.
    pub fn pin(&mut self, cpu: CpuId, core: usize) {
        assert!(cpu.0 < self.shared.config.nr_cpus, "the machine has no CPU#{cpu}");
        self.pins.push((cpu, core));
    }

    /// Puts a callback on the die chain. In Linux: `register_die_notifier`.
    pub fn register_die_notifier(&mut self, block: NotifierBlock) {
        self.shared.die_chain.register(block);
    }

    /// Boots the machine, runs it to its end and returns what happened. It returns even if every CPU is stuck.
    ///
    /// # Errors
    /// If the host refuses a thread.
    ///
    /// # Panics
    /// If a task's own code panics; its panic goes on here, after the machine was halted.
    pub fn run(self) -> Result<Run, RunError> {
        self.run_with(|_| {})
    }

    /// [`run`](Machine::run), and calls `observe` with each record soon after it was made, in causal order.
    ///
    /// # Errors
    /// As [`run`](Machine::run).
    ///
    /// # Panics
    /// As [`run`](Machine::run); and if `observe` does: then, too, after the machine was halted.
    pub fn run_with(self, mut observe: impl FnMut(&Record)) -> Result<Run, RunError> {
        let Machine { shared, tasks, pins } = self;
        let given: Vec<usize> = tasks.iter().map(Vec::len).collect();
        let machine = Running::boot(Arc::new(shared), tasks, &pins)?;
        let shared = &machine.shared;
        shared.clock.start(shared);

        let mut merge = Merge::default();
        let mut records = Vec::new();
        let mut keep = |record: Record| {
            observe(&record);
            records.push(record);
        };
        let hung = machine.supervise(|batch| merge.add(batch, &mut keep));
        let ended = KernelTime::from_ns(shared.ended_ns.load(Relaxed));
        merge.add(shared.recorder.take_rest(ended, &hung), &mut keep);
        merge.finish(&mut keep);

        let (panic, refused_pins) = {
            let mut threads = shared.threads.lock();
            (threads.panic.take(), threads.refused_pins)
        };
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
        let incident = Incident { config: shared.config.clone(), records, ended };
        let idle_tasks = never_started(&given, &incident.records);
        let host = HostReport { nr_cores: host::cores().len(), refused_pins, hung };
        Ok(Run { incident, never_started: idle_tasks, host })
    }
}

/// The CPUs that did not start every task they were given.
fn never_started(given: &[usize], records: &[Record]) -> Vec<CpuId> {
    let mut left = given.to_vec();
    for record in records {
        if let Event::TaskStart { .. } = record.event {
            left[record.cpu.index()] -= 1;
        }
    }
    (0..left.len()).filter(|&cpu| left[cpu] > 0).map(CpuId::from).collect()
}
