//! The article's incident.
//!
//! A task stores to address 0 on CPU 0; the kernel oopses; a die notifier, the "kernel box", reads address 8 and
//! oopses inside the oops; CPU 0 waits for `die_lock`, which it holds. Meanwhile tasks on other CPUs execute pages for
//! the first time, and each such fault interrupts every CPU and waits for all of them, CPU 0 included.
//!
//! *When* each of those faults comes is input. For the article's five it is not known to the second. It is only known
//! that each lies in a window of 4 s, which follows from the printed stamp and number. The default is the middle of
//! each window, for a CPU that was busy before. The machine computes everything that is printed after that.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use serde::{Deserialize, Serialize};

use super::{
    ANY_COMM, ANY_PID, At, Scenario, ScenarioError, busy_before_ns, busy_then, on_this_machine,
    reported_by,
};
use crate::config::Config;
use crate::cpumask::CpuId;
use crate::incident::report::diagnosis::{Cause, Diagnosis};
use crate::kernel::cpu::Cpu;
use crate::kernel::fault::Access;
use crate::kernel::notifier::NotifierBlock;
use crate::kernel::task::Task;
use crate::machine::Machine;
use crate::parts::Parts;
use crate::parts::die_chain::Notify;
use crate::parts::die_lock::{Arm64DieLock, NestingDieLock, X86DieLock};
use crate::random::SplitMix64;
use crate::record::Pid;
use crate::time::{KernelTime, NSEC_PER_SEC, sample_period_ns};

/// When the article's CPU 0 faults: the stamp of its first line.
pub const OOPS_AT: KernelTime = KernelTime::from_ns(254_202_183_000);

/// One task of the article that executed a new page at the wrong time.
struct Victim {
    cpu: CpuId,
    comm: &'static str,
    pid: Pid,
    /// The middle of the window that fits the printed stamp: 22 s before the report.
    onset: KernelTime,
}

/// The article's five victims, in the order of their reports.
const VICTIMS: [Victim; 5] = [
    victim(35, "docker-containerd", 29506, 338_462_000_000),
    victim(51, "vm_io_monitor.py", 10065, 342_514_000_000),
    victim(30, "kill", 2031, 442_446_000_000),
    victim(58, "libvirtd", 29334, 494_538_000_000),
    victim(2, "logrotate", 2045, 554_358_000_000),
];

const fn victim(cpu: u32, comm: &'static str, pid: Pid, onset_ns: u64) -> Victim {
    Victim { cpu: CpuId(cpu), comm, pid, onset: KernelTime::from_ns(onset_ns) }
}

/// How long it takes until the next CPU gets stuck, on average. (The article: five in 216 s.)
const MEAN_BETWEEN_ARRIVALS_NS: u64 = 60 * NSEC_PER_SEC;

/// The incident, with everything that can be changed about it.
#[derive(Clone, Debug)]
pub struct NestedOops {
    /// The machine. `until` is replaced unless [`NestedOops::until`] is given.
    pub config: Config,
    /// Which `die_lock`, if the caller brings none of its own.
    pub die_lock: DieLockPolicy,
    /// What listens on the die chain.
    pub notifier: Notifier,
    /// Which CPUs execute a new page, and when.
    pub arrivals: Arrivals,
    /// What those CPUs do before.
    pub before: Before,
    /// Further oopses, beside the one on CPU 0 at [`OOPS_AT`].
    pub more_oopses: Vec<At>,
    /// When the machine is switched off; `None` chooses a time shortly after the last report.
    pub until: Option<KernelTime>,
}

impl Default for NestedOops {
    /// The article's.
    fn default() -> Self {
        NestedOops {
            config: Config::default(),
            die_lock: DieLockPolicy::Arm64,
            notifier: Notifier::Faulting { times: 1 },
            arrivals: Arrivals::Article,
            before: Before::Busy,
            more_oopses: Vec::new(),
            until: None,
        }
    }
}

/// One of the shipped `die_lock`s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum DieLockPolicy {
    /// [`Arm64DieLock`].
    #[default]
    Arm64,
    /// [`X86DieLock`].
    X86,
    /// [`NestingDieLock`].
    Nesting,
}

impl DieLockPolicy {
    /// `parts` with a free lock of this kind.
    pub fn plug_into(self, parts: Parts) -> Parts {
        match self {
            DieLockPolicy::Arm64 => parts.with_die_lock(Arm64DieLock::new()),
            DieLockPolicy::X86 => parts.with_die_lock(X86DieLock::new()),
            DieLockPolicy::Nesting => parts.with_die_lock(NestingDieLock::new()),
        }
    }
}

/// What listens on the die chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notifier {
    /// The kernel box of the article: prints a line, then reads address 8 the first `times` times it is called.
    Faulting {
        /// How often it faults; once, in the article's incident and on the kernels it was reproduced on.
        times: u32,
    },
    /// Prints its line and returns.
    Harmless,
    /// Nothing.
    None,
}

/// What a CPU does before its task executes a new page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Before {
    /// It computes, so that its watchdog is fed until then.
    #[default]
    Busy,
    /// It idles with its tick stopped. Leaving the idle loop touches the watchdog, and the report comes a sample later.
    Idle,
}

/// Which CPUs execute a new page, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Arrivals {
    /// The article's five tasks.
    Article,
    /// Random ones, at the article's rate, on CPUs that are busy before; each seed names one such run.
    Seed(u64),
    /// Exactly these.
    Stuck(Vec<At>),
}

/// A task that will execute a new page.
struct Arrival {
    cpu: CpuId,
    comm: &'static str,
    pid: Pid,
    onset: KernelTime,
}

impl Scenario for NestedOops {
    fn config(&self) -> &Config {
        &self.config
    }

    fn config_mut(&mut self) -> &mut Config {
        &mut self.config
    }

    fn set_until(&mut self, until: KernelTime) {
        self.until = Some(until);
    }

    /// Stock parts, with the chosen `die_lock`.
    fn parts(&self) -> Parts {
        self.die_lock.plug_into(Parts::stock())
    }

    fn machine_with(&self, parts: Parts) -> Result<Machine, ScenarioError> {
        self.config.check()?;
        let until = self.until.unwrap_or_else(|| self.default_until());
        let mut machine = Machine::new(Config { until, ..self.config.clone() }, parts)?;
        self.spawn_oopses(&mut machine)?;
        self.spawn_arrivals(&mut machine, until)?;
        register(self.notifier, &mut machine);
        Ok(machine)
    }

    fn conclusion(&self) -> Diagnosis {
        let until = self.until.unwrap_or_else(|| self.default_until());
        let mut oopses: Vec<At> = self.oopses().filter(|at| at.time < until).collect();
        oopses.sort_by_key(|at| at.time);
        let faults = matches!(self.notifier, Notifier::Faulting { times: 1.. });
        let (cause, mut cpus) = match (self.die_lock, &oopses[..]) {
            (DieLockPolicy::Arm64, [first, ..]) if faults => (Cause::SelfDeadlock, vec![first.cpu]),
            (DieLockPolicy::X86, [_, later @ ..]) if faults && !later.is_empty() => {
                (Cause::LeakedDieLock, later.iter().map(|at| at.cpu).collect())
            }
            _ => (Cause::None, Vec::new()),
        };
        cpus.sort();
        cpus.dedup();
        Diagnosis { cause, cpus }
    }

    /// Of the article's victims.
    fn absent_cpus(&self) -> Vec<CpuId> {
        let absent = |victim: &Victim| victim.cpu.0 >= self.config.nr_cpus;
        match self.arrivals {
            Arrivals::Article => VICTIMS.iter().filter(|v| absent(v)).map(|v| v.cpu).collect(),
            _ => Vec::new(),
        }
    }
}

impl NestedOops {
    /// Long enough for the CPU that begins to wait last to be reported; after idling that is a sample later.
    fn default_until(&self) -> KernelTime {
        let last = match &self.arrivals {
            Arrivals::Seed(_) => return KernelTime::from_ns(600 * NSEC_PER_SEC),
            Arrivals::Article => VICTIMS.iter().map(|victim| victim.onset).max(),
            Arrivals::Stuck(stuck) => stuck.iter().map(|at| at.time).max(),
        };
        let last = last.unwrap_or_default().max(VICTIMS[4].onset);
        let last = self.more_oopses.iter().map(|at| at.time).fold(last, KernelTime::max);
        let idled = match self.before {
            Before::Busy => 0,
            Before::Idle => sample_period_ns(self.config.watchdog_thresh_secs),
        };
        reported_by(&self.config, last) + idled
    }

    /// Every oops, CPU 0's first.
    fn oopses(&self) -> impl Iterator<Item = At> + '_ {
        std::iter::once(At { cpu: CpuId::BOOT, time: OOPS_AT })
            .chain(self.more_oopses.iter().copied())
    }

    fn spawn_oopses(&self, machine: &mut Machine) -> Result<(), ScenarioError> {
        for (n, at) in self.oopses().enumerate() {
            let cpu = on_this_machine(&self.config, at.cpu)?;
            let pid = GEN_SERI_OOPS_PID + n as Pid;
            let comm = format!("gen_seri_oops/{n}");
            machine.spawn(cpu, Task::new(comm, pid, at.time, gen_seri_oops));
        }
        Ok(())
    }

    fn spawn_arrivals(
        &self,
        machine: &mut Machine,
        until: KernelTime,
    ) -> Result<(), ScenarioError> {
        let busy_before = match self.before {
            Before::Busy => busy_before_ns(&self.config),
            Before::Idle => 0,
        };
        for Arrival { cpu, comm, pid, onset } in self.arrivals(until)? {
            let at = At { cpu, time: onset };
            machine.spawn(cpu, busy_then(at, busy_before, comm, pid, Cpu::exec_fault));
        }
        Ok(())
    }

    fn arrivals(&self, until: KernelTime) -> Result<Vec<Arrival>, ScenarioError> {
        match &self.arrivals {
            Arrivals::Article => Ok(VICTIMS
                .iter()
                .filter(|victim| victim.cpu.0 < self.config.nr_cpus)
                .map(|&Victim { cpu, comm, pid, onset }| Arrival { cpu, comm, pid, onset })
                .collect()),
            Arrivals::Seed(seed) => Ok(self.random_arrivals(*seed, until)),
            Arrivals::Stuck(stuck) => stuck
                .iter()
                .zip(0..)
                .map(|(at, n)| {
                    let cpu = on_this_machine(&self.config, at.cpu)?;
                    let known = VICTIMS.iter().find(|victim| victim.cpu == cpu);
                    let (comm, pid) = known.map_or((ANY_COMM, ANY_PID + n), |v| (v.comm, v.pid));
                    Ok(Arrival { cpu, comm, pid, onset: at.time })
                })
                .collect(),
        }
    }

    /// Arrivals from boot on. Before the oops each is answered at once. After it each takes one CPU away, so that a CPU
    /// comes at most once then.
    fn random_arrivals(&self, seed: u64, until: KernelTime) -> Vec<Arrival> {
        let mut random = SplitMix64::new(seed);
        let mut free: Vec<CpuId> = (1..self.config.nr_cpus).map(CpuId).collect();
        let mut arrivals = Vec::new();
        let mut onset = self.config.bring_up.online_at(CpuId(self.config.nr_cpus));
        while !free.is_empty() {
            onset = onset + random.exponential(MEAN_BETWEEN_ARRIVALS_NS);
            if onset > until {
                break;
            }
            let n = random.below(free.len() as u64) as usize;
            let cpu = if onset < OOPS_AT { free[n] } else { free.swap_remove(n) };
            let pid = ANY_PID + arrivals.len() as Pid;
            arrivals.push(Arrival { cpu, comm: ANY_COMM, pid, onset });
        }
        arrivals
    }
}

const GEN_SERI_OOPS_PID: Pid = 58147;

/// The kernel thread that oopses: `char *null = NULL; *null = 'a';`.
fn gen_seri_oops(cpu: &Cpu) {
    let _ret_from_fork = cpu.frame("ret_from_fork");
    let _kthread = cpu.frame("kthread");
    let _gen_seri_oops = cpu.frame("gen_seri_oops");
    cpu.null_deref(Access::Write, 0);
}

fn register(notifier: Notifier, machine: &mut Machine) {
    let faults = match notifier {
        Notifier::Faulting { times } => times,
        Notifier::Harmless => 0,
        Notifier::None => return,
    };
    // Counted by the CPU that holds `die_lock` (Relaxed: the lock orders it).
    let calls = AtomicU32::new(0);
    machine.register_die_notifier(NotifierBlock::new("kbox_die", 0, move |cpu| {
        cpu.printk("die event detected");
        if calls.fetch_add(1, Relaxed) < faults {
            cpu.null_deref(Access::Read, 8);
        }
        Notify::Done
    }));
}
