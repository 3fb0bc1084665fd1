//! The machine: boots its CPUs as threads, lets time run, halts them, and returns what happened.
//!
//! | atomic of the machine | written by | read by | order |
//! |---|---|---|---|
//! | `halting` | whoever halts the machine, once | every CPU at every interruption point, and before it records | SeqCst: in wall-clock time a CPU that goes to sleep must see it or be woken after it |
//! | `ended_ns` | the same, once | the host, when the machine has halted | Relaxed |
//! | `die_counter`, `oops_in_progress` | see `die.rs` | | |
//! | `warned_single`, `warned_many` | whoever warns, once | the same | Relaxed |
//!
//! In Linux: `init/main.c`, `start_kernel`; `kernel/cpu.c`, `bringup_nonboot_cpus`. Here it differs: the boot is the
//! host's, and so is the end.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::*};
use std::thread::JoinHandle;
use std::time::Duration;

use core_affinity::CoreId;
use crossbeam_utils::CachePadded;
use parking_lot::{Condvar, Mutex};

use crate::clock::{Clock, ClockSource};
use crate::cpu::{Cpu, PerCpu};
use crate::deadline::HostDeadline;
use crate::notifier::NotifierChain;
use crate::parts::KernelParts;
use crate::record::{Event, Record};
use crate::recorder::{Merge, Recorder};
use crate::smp::CsdTable;
use crate::task::Task;
use crate::{
    CallQueue, Config, ConfigError, CpuId, CpuMask, CsdLock, DieLock, Incident, KernelTime,
    LockupDetector, NotifierBlock, Parts, host, panic,
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
    /// See `nmi.rs`.
    pub(crate) backtrace_flag: AtomicBool,
    /// See `panic.rs`.
    pub(crate) panic_cpu: AtomicU32,
    /// Counts reported stalls. Written by whoever reports one (Relaxed: a count).
    pub(crate) csd_bug_count: AtomicU32,
    cpus: Box<[CachePadded<PerCpu>]>,
    halting: AtomicBool,
    ended_ns: AtomicU64,
    threads: Mutex<Threads>,
    thread_ended: Condvar,
}

/// The host's view of the CPUs' threads.
struct Threads {
    refused_pins: usize,
    panic: Option<Box<dyn Any + Send>>,
}

/// The payload that unwinds a halted CPU's frames.
struct Halted;

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

    /// Counts one interruption point of `cpu`.
    pub(crate) fn progress(&self, cpu: CpuId) {
        let progress = &self.per_cpu(cpu).progress;
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

/// A CPU's stack. Kernel stacks are 16 KiB; Rust's frames, unwinding and a debug build want more.
const STACK_SIZE: usize = 512 * 1024;

/// How often the host looks after a running machine.
const SUPERVISION: Duration = Duration::from_millis(20);

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
        Ok(Machine { shared, tasks: (0..nr_cpus).map(|_| Vec::new()).collect() })
    }

    /// Gives `cpu` a task.
    ///
    /// # Panics
    /// If the machine has no such CPU.
    pub fn spawn(&mut self, cpu: CpuId, task: Task) {
        self.tasks[cpu.index()].push(task);
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
        let Machine { shared, tasks } = self;
        let given: Vec<usize> = tasks.iter().map(Vec::len).collect();
        let machine = Running::boot(Arc::new(shared), tasks)?;
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

/// A machine whose threads exist. Dropping it halts it and waits for them, also if the observer of its records panics.
struct Running {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    deadline: RefCell<HostDeadline>,
}

impl Running {
    /// Starts a thread for each CPU. Each waits for the clock.
    fn boot(shared: Arc<Shared>, tasks: Vec<Vec<Task>>) -> Result<Self, RunError> {
        let core_of = choose_cores(&shared.config);
        let mut running = Running {
            shared,
            threads: Vec::with_capacity(tasks.len()),
            deadline: RefCell::new(HostDeadline::new()),
        };
        for (n, tasks) in tasks.into_iter().enumerate() {
            let (cpu, core) = (CpuId::from(n), core_of(n));
            let on_thread = Arc::clone(&running.shared);
            let spawned = std::thread::Builder::new()
                .name(format!("cpu/{cpu}"))
                .stack_size(STACK_SIZE)
                .spawn(move || run_cpu(on_thread, cpu, core, tasks))
                .map_err(|error| RunError::Spawn { cpu, error })?;
            running.shared.clock.thread_of(cpu, spawned.thread());
            running.threads.push(spawned);
        }
        Ok(running)
    }

    /// Looks after a running machine until its threads are gone: takes their records, halts it when wall-clock time is
    /// over, and gives up on threads that never reach an interruption point. Returns the CPUs of those.
    fn supervise(&self, mut take: impl FnMut(Vec<Record>)) -> Vec<CpuId> {
        let (shared, mut deadline) = (&self.shared, self.deadline.borrow_mut());
        loop {
            let over = {
                let mut threads = shared.threads.lock();
                if !deadline.all_accounted_for(shared) {
                    shared.thread_ended.wait_for(&mut threads, patience(shared));
                }
                deadline.all_accounted_for(shared)
            };
            drop(deadline);
            take(shared.recorder.take());
            deadline = self.deadline.borrow_mut();
            if over {
                return deadline.hung().to_vec();
            }
            if matches!(shared.clock, ClockSource::Wall(_))
                && shared.clock.now() >= shared.config.until
            {
                shared.halt();
            }
            if deadline.check(shared) {
                shared.halt();
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let shared = &self.shared;
        for never_born in self.threads.len()..shared.cpus.len() {
            shared.per_cpu(CpuId::from(never_born)).gone.store(true, Relaxed);
        }
        shared.halt();
        self.supervise(drop);
        for (n, thread) in self.threads.drain(..).enumerate() {
            // One that is not gone by now never will be: it is left behind.
            if shared.per_cpu(CpuId::from(n)).gone.load(Relaxed) {
                _ = thread.join(); // its end is in `Threads`, whatever it was
            }
        }
    }
}

/// Which core each CPU's thread is pinned to. In lockstep all share one, because handing the turn to a thread on
/// another core costs ten times as much; machines that run at the same time take different ones.
fn choose_cores(config: &Config) -> impl Fn(usize) -> Option<CoreId> + use<> {
    // Written by every machine that boots (Relaxed: a count).
    static MACHINES: AtomicUsize = AtomicUsize::new(0);
    let cores = host::cores();
    let machine = MACHINES.fetch_add(1, Relaxed);
    let lockstep = matches!(config.clock, Clock::Lockstep { .. });
    move |cpu| {
        let n = if lockstep { machine } else { cpu };
        cores.get(n % cores.len().max(1)).copied()
    }
}

/// The whole life of a CPU's thread.
fn run_cpu(shared: Arc<Shared>, id: CpuId, core: Option<CoreId>, tasks: Vec<Task>) {
    let pinned = core.is_some_and(host::pin);
    if let Some(thread) = host::thread_id() {
        shared.per_cpu(id).thread.store(thread, Relaxed);
    }
    let cpu = Cpu::new(Arc::clone(&shared), id);
    let end = catch_unwind(AssertUnwindSafe(|| {
        shared.clock.bring_up(&shared, id);
        cpu.start(tasks)
    }));
    let Err(payload) = end;
    let panic = (!payload.is::<Halted>()).then_some(payload);
    if panic.is_some() {
        shared.halt();
    }
    let mut threads = shared.threads.lock();
    shared.per_cpu(id).gone.store(true, Relaxed);
    threads.refused_pins += usize::from(!pinned);
    threads.panic = threads.panic.take().or(panic);
    shared.thread_ended.notify_one();
}

/// How long the host may look away.
fn patience(shared: &Shared) -> Duration {
    match &shared.clock {
        ClockSource::Wall(clock) if !shared.is_halting() => {
            clock.host_duration(shared.config.until.ns_since(clock.now())).min(SUPERVISION)
        }
        _ => SUPERVISION,
    }
}
