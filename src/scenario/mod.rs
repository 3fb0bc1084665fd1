//! Incidents to live through: each sets up a machine, its tasks and its notifiers.
//!
//! | scenario | what is wrong | which CPU is silent | which CPUs are reported |
//! |---|---|---|---|
//! | [`nested_oops`] | CPU 0 waits for a lock that it holds | CPU 0 | its callers |
//! | [`lost_ipi`] | an IPI never arrived | none | the callers of a healthy CPU |
//! | [`slow_console`] | a CPU prints for seconds with interrupts off | that CPU, for a while | none: its callers go on |
//! | [`stops_answering`] | a CPU turns its interrupts off for ever | that CPU | those that wait for it |
//! | [`irqs_off_caller`] | two CPUs call each other with interrupts off | both | their callers |
//!
//! Every caller that is reported prints about the same: `soft lockup`, with a stack in `smp_call_function_many`.
//!
//! And scenarios that teach: each makes one part work hard enough that a wrong part shows. Each has a `judge`,
//! a pure function of an incident that says what was expected, what happened, on which CPU and when.
//!
//! | scenario | what happens | which wrong part shows |
//! |---|---|---|
//! | [`busy`] | four CPUs call one another; calls pile up | a call queue that is not first in, first out, loses or repeats calls, or is wrong about IPIs; a csd lock that does not wait |
//! | [`masked_busy`] | eleven CPUs call one with interrupts off | a call queue that holds only eight calls |
//! | [`slow_report`] | two CPUs oops while a report takes 2 s | a `die_lock` that lets a second CPU in |
//! | [`callback_chain`] | a die notifier faults before one that must run | the stock chain, and every `die_lock` with it |
//! | [`nested_irq`] | a call comes inside nested sections with interrupts off | an interrupt flag that loses a level |
//! | [`wait_chains`] | chains of CPUs wait, down to one silent CPU | a csd lock that does not wait; a diagnosis that goes one step only |

pub mod busy;
pub mod callback_chain;
pub mod irqs_off_caller;
pub mod lost_ipi;
pub mod masked_busy;
pub mod nested_irq;
pub mod nested_oops;
pub mod slow_console;
pub mod slow_report;
pub mod stops_answering;
pub mod wait_chains;

use std::error::Error;
use std::fmt;

use crate::config::console::PrintOrder;
use crate::config::{Config, ConfigError};
use crate::cpumask::CpuId;
use crate::incident::report::diagnosis::Diagnosis;
use crate::kernel::cpu::Cpu;
use crate::kernel::irq;
use crate::kernel::task::Task;
use crate::machine::Machine;
use crate::parts::Parts;
use crate::parts::this_cpu::ThisCpu;
use crate::record::{Pid, Symbol};
use crate::time::{KernelTime, NSEC_PER_SEC, sample_period_ns};

/// An incident that can be set up on a machine of any parts.
///
/// ```
/// use softlockup::Scenario;
/// use softlockup::scenario::lost_ipi::LostIpi;
///
/// let scenario = LostIpi::default();
/// let report = scenario.machine()?.run()?.incident.report();
/// assert_eq!(report.diagnosis, scenario.conclusion());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Scenario {
    /// The machine, as data. A scenario may replace some of it: each scenario says what.
    fn config(&self) -> &Config;

    /// The same, to be changed.
    fn config_mut(&mut self) -> &mut Config;

    /// Switches the machine off at `until`, and not at the scenario's own time.
    fn set_until(&mut self, until: KernelTime);

    /// The parts that the machine is made of, if the caller brings none.
    fn parts(&self) -> Parts {
        Parts::stock()
    }

    /// The incident on a machine of these parts.
    ///
    /// # Errors
    /// If it cannot be set up.
    fn machine_with(&self, parts: Parts) -> Result<Machine, ScenarioError>;

    /// The incident on a machine of its own parts.
    ///
    /// # Errors
    /// If it cannot be set up.
    fn machine(&self) -> Result<Machine, ScenarioError> {
        self.machine_with(self.parts())
    }

    /// What a reader of the records should conclude, if the scenario runs to its end on its own parts.
    fn conclusion(&self) -> Diagnosis;

    /// The CPUs that the scenario names and the machine does not have. What they would have done is left out.
    fn absent_cpus(&self) -> Vec<CpuId> {
        Vec::new()
    }
}

/// A CPU, and a time at which something happens on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// Where.
    pub cpu: CpuId,
    /// When.
    pub time: KernelTime,
}

/// An incident that cannot be set up.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ScenarioError {
    /// The machine is out of range.
    Config(ConfigError),
    /// A CPU that the machine does not have.
    NoSuchCpu {
        /// Which.
        cpu: CpuId,
        /// How many there are.
        nr_cpus: u32,
    },
    /// One CPU is to wait for another, and this one was named twice.
    SameCpu(CpuId),
    /// This CPU can have one place in the scenario, and was given two.
    NamedTwice(CpuId),
    /// This CPU is to wait for another, and would begin before that one stops answering.
    TooEarly {
        /// Which.
        cpu: CpuId,
        /// When it would begin.
        time: KernelTime,
        /// It must be later than this.
        after: KernelTime,
    },
    /// More calls than the scenario has functions for.
    TooManyCalls {
        /// How many.
        calls: usize,
        /// How many there can be.
        most: usize,
    },
    /// Interrupts would be off for so long that callers are in trouble, in a scenario in which they are not to be.
    MaskedTooLong {
        /// For how long, in nanoseconds.
        ns: u64,
        /// The longest that is possible.
        most_ns: u64,
    },
    /// A section with interrupts off does not lie inside the one that it is to be nested in.
    NotNested {
        /// The section.
        inner: Section,
        /// The one around it.
        outer: Section,
    },
}

/// A stretch of code that runs with interrupts off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// When it turns them off.
    pub from: KernelTime,
    /// When it restores what was there before.
    pub to: KernelTime,
}

impl From<ConfigError> for ScenarioError {
    fn from(error: ConfigError) -> Self {
        ScenarioError::Config(error)
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScenarioError::Config(error) => error.fmt(f),
            ScenarioError::NoSuchCpu { cpu, nr_cpus } => {
                write!(f, "there is no CPU#{cpu} on a machine of {nr_cpus}: 0 to {}", nr_cpus - 1)
            }
            ScenarioError::SameCpu(cpu) => {
                write!(f, "CPU#{cpu} cannot wait for itself: it takes two CPUs")
            }
            ScenarioError::NamedTwice(cpu) => {
                write!(f, "CPU#{cpu} is named twice: it can be in one place only")
            }
            ScenarioError::TooEarly { cpu, time, after } => {
                write!(f, "CPU#{cpu} cannot begin to wait at {time} s: it must be after {after} s")
            }
            ScenarioError::TooManyCalls { calls, most } => {
                write!(f, "{calls} calls are too many: there can be {most}")
            }
            ScenarioError::MaskedTooLong { ns, most_ns } => {
                let (time, most) = (KernelTime::from_ns(*ns), KernelTime::from_ns(*most_ns));
                write!(f, "interrupts can be off for {most} s at most, not for {time} s")
            }
            ScenarioError::NotNested { inner, outer } => {
                let (from, to) = (inner.from, inner.to);
                write!(f, "the section from {from} to {to} s is not inside ")?;
                write!(f, "the one from {} to {} s", outer.from, outer.to)
            }
        }
    }
}

impl Error for ScenarioError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            ScenarioError::Config(error) => Some(error),
            _ => None,
        }
    }
}

/// Tasks that have no name in the article.
const ANY_COMM: &str = "exec";
const ANY_PID: Pid = 2000;

/// The machine of the smaller incidents: eight CPUs, and no vendor's patches.
fn small_machine() -> Config {
    Config { nr_cpus: 8, print_order: PrintOrder::Stock, ..Config::default() }
}

fn on_this_machine(config: &Config, cpu: CpuId) -> Result<CpuId, ScenarioError> {
    let nr_cpus = config.nr_cpus;
    if cpu.0 < nr_cpus { Ok(cpu) } else { Err(ScenarioError::NoSuchCpu { cpu, nr_cpus }) }
}

/// For how many nanoseconds a CPU must be busy before an event, so that its watchdog is fed right up to it: two sample
/// periods, because leaving the idle loop touches the watchdog.
fn busy_before_ns(config: &Config) -> u64 {
    2 * sample_period_ns(config.watchdog_thresh_secs)
}

/// The time by which a CPU that was busy and began to wait at `onset` has been reported: six sample periods and two
/// seconds later.
fn reported_by(config: &Config, onset: KernelTime) -> KernelTime {
    onset + 6 * sample_period_ns(config.watchdog_thresh_secs) + 2 * NSEC_PER_SEC
}

/// Polls a device that never answers, with interrupts off.
fn poll_for_ever(cpu: &Cpu) {
    let _frame = cpu.frame("wait_for_device");
    let _irq = irq::disable_local(cpu);
    loop {
        cpu.relax();
    }
}

/// A task that computes for `busy_ns` and then, at `at`, does something.
fn busy_then(
    at: At,
    busy_ns: u64,
    comm: impl Into<Symbol>,
    pid: Pid,
    then: impl FnOnce(&Cpu) + Send + 'static,
) -> Task {
    Task::new(comm, pid, at.time - busy_ns, move |cpu| {
        cpu.run_user_until(at.time);
        then(cpu);
    })
}

/// Gives each of `callers` a task that computes and then executes a new page, which calls every CPU.
fn spawn_callers(
    machine: &mut Machine,
    config: &Config,
    callers: &[At],
) -> Result<(), ScenarioError> {
    for (&at, n) in callers.iter().zip(0..) {
        let cpu = on_this_machine(config, at.cpu)?;
        let busy_ns = busy_before_ns(config);
        machine.spawn(cpu, busy_then(at, busy_ns, ANY_COMM, ANY_PID + n, Cpu::exec_fault));
    }
    Ok(())
}
