//! The machine: how it is put together, run, halted, and what it leaves behind.
//!
//! In Linux: `init/main.c`, `start_kernel`. Here it differs: there can be many.

mod hang;
mod threads;

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use crate::config::clock::HostLimits;
use crate::config::sysctl::WatchdogThreshChange;
use crate::config::{Config, ConfigError};
use crate::cpumask::CpuId;
use crate::hardware::uart::{LineLength, Uart};
use crate::host;
use crate::incident::Incident;
use crate::incident::console::Console;
use crate::kernel::cpu::Cpu;
use crate::kernel::notifier::NotifierBlock;
use crate::kernel::shared::{Panic, Shared};
use crate::kernel::sysctl::write_watchdog_thresh;
use crate::kernel::task::Task;
use crate::machine::threads::Running;
use crate::parts::Parts;
use crate::record::{Event, Pid, Record};
use crate::recorder::Merge;
use crate::time::KernelTime;

/// The task that changes `watchdog_thresh`, if the machine is to have one.
const SYSCTL_PID: Pid = 1999;

/// A machine that has not booted yet.
///
/// ```
/// use softlockup::kernel::smp::kick_all_cpus_sync;
/// use softlockup::{Config, CpuId, KernelTime, Machine, Parts, Task};
///
/// let config = Config { nr_cpus: 4, ..Config::default() };
/// let mut machine = Machine::new(config, Parts::stock())?;
/// let start = KernelTime::from_secs(10);
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
    limits: HostLimits,
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { shared, tasks, pins, limits } = self;
        let mut debug = f.debug_struct("Machine");
        debug.field("config", &shared.config).field("tasks", tasks).field("pins", pins);
        debug.field("limits", limits);
        debug.finish_non_exhaustive()
    }
}

/// What a machine left behind.
#[derive(Debug)]
pub struct Run {
    /// What happened on it.
    pub incident: Incident,
    /// CPUs that did not start every task they were given: they were busy, stuck or dead until the end. Known only if
    /// the machine recorded.
    pub never_started: Vec<CpuId>,
    /// What the host did meanwhile.
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

/// A machine that could not boot, or whose code panicked.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunError {
    /// The host refused a thread.
    Spawn {
        /// For which CPU.
        cpu: CpuId,
        /// Why.
        error: io::Error,
    },
    /// The code of a task, of a part or of a callback panicked, which no kernel code can. The machine was halted.
    Panicked {
        /// On which CPU.
        cpu: CpuId,
        /// When.
        time: KernelTime,
        /// What the panic said.
        message: String,
        /// What happened on the machine until then.
        incident: Box<Incident>,
    },
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Spawn { cpu, error } => {
                write!(f, "the host refused a thread for CPU#{cpu}: {error}; try fewer CPUs")
            }
            RunError::Panicked { cpu, time, message, .. } => {
                write!(f, "the code on CPU#{cpu} panicked at {time}: {message}")
            }
        }
    }
}

impl Error for RunError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            RunError::Spawn { error, .. } => Some(error),
            RunError::Panicked { .. } => None,
        }
    }
}

impl Machine {
    /// A machine as `config` says, made of `parts`.
    ///
    /// # Errors
    /// If `config` is out of range.
    pub fn new(config: Config, parts: Parts) -> Result<Self, ConfigError> {
        config.check()?;
        let nr_cpus = config.nr_cpus;
        host::cores(); // before anything is pinned
        let uart = config.console_time.map(|speed| Uart::new(speed, line_length(&config)));
        let mut shared = Shared::new(config, parts);
        shared.uart = uart;
        let mut tasks: Vec<Vec<Task>> = (0..nr_cpus).map(|_| Vec::new()).collect();
        if let Some(WatchdogThreshChange { cpu, at, secs }) = shared.config.watchdog_thresh_change {
            let write = move |cpu: &Cpu| write_watchdog_thresh(cpu, secs);
            tasks[cpu.index()].push(Task::new("sysctl", SYSCTL_PID, at, write));
        }
        Ok(Machine { shared, tasks, pins: Vec::new(), limits: HostLimits::default() })
    }

    /// What the machine is.
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    /// Gives `cpu` a task.
    ///
    /// # Panics
    /// If the machine has no such CPU.
    pub fn spawn(&mut self, cpu: CpuId, task: Task) {
        self.tasks[cpu.index()].push(task);
    }

    /// Pins `cpu`'s thread to this core, which is named by the host's number. Without a pin the CPUs go round the cores
    /// that the process may use, in wall-clock time; in lockstep all share one core. A core that is not there, or that
    /// the process may not use, is refused: then the thread runs unpinned and [`HostReport::refused_pins`] counts it.
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

    /// How long the host waits for a CPU that passes no interruption point.
    pub fn set_host_limits(&mut self, limits: HostLimits) {
        self.limits = limits;
    }

    /// Boots the machine, runs it to its end and returns what happened. It returns even if every CPU is stuck.
    ///
    /// # Errors
    /// If the host refuses a thread, or if the code of a task or of a part panics.
    pub fn run(self) -> Result<Run, RunError> {
        self.run_with(|_| {})
    }

    /// [`run`](Machine::run), and calls `observe` with each record soon after it was made, in causal order.
    ///
    /// # Errors
    /// As [`run`](Machine::run).
    ///
    /// # Panics
    /// If `observe` does, after the machine has halted.
    pub fn run_with(self, mut observe: impl FnMut(&Record)) -> Result<Run, RunError> {
        let Machine { shared, tasks, pins, limits } = self;
        let given: Vec<usize> = tasks.iter().map(Vec::len).collect();
        let machine = Running::boot(Arc::new(shared), tasks, &pins, limits)
            .map_err(|(cpu, error)| RunError::Spawn { cpu, error })?;
        let shared = &machine.shared;
        shared.clock.start(&**shared);

        let mut merge = Merge::default();
        let mut records = Vec::new();
        let mut keep = |record: Record| {
            observe(&record);
            records.push(record);
        };
        let hung = machine.supervise(|batch| merge.add(batch, &mut keep));
        let ended = shared.ended();
        merge.add(shared.recorder.take_rest(ended, &hung), &mut keep);
        merge.finish(&mut keep);

        let (panic, refused_pins) = {
            let mut threads = shared.threads.lock();
            (threads.panic.take(), threads.refused_pins)
        };
        let incident = Incident { config: shared.config.clone(), records, ended };
        if let Some(Panic { cpu, time, message }) = panic {
            let incident = Box::new(incident);
            return Err(RunError::Panicked { cpu, time, message, incident });
        }
        let never_started = never_started(&given, &incident.records);
        let host = HostReport { nr_cores: host::cores().len(), refused_pins, hung };
        Ok(Run { incident, never_started, host })
    }
}

/// How long a record's lines are: as long as the console will print them.
fn line_length(config: &Config) -> Box<LineLength> {
    let mut console = Console::new(config);
    let mut text = String::new();
    Box::new(move |record| {
        text.clear();
        console.print(record, &mut text);
        text.len() + text.lines().count() // each line ends with two characters
    })
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
