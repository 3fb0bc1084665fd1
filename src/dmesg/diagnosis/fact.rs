//! What a log says about one CPU, with the line that says it.

use std::fmt;

use serde::Serialize;

use crate::cpumask::CpuId;

/// One thing that speaks against a CPU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// The CPU.
    pub cpu: CpuId,
    /// The line of the log that says so, from 1.
    pub line: usize,
    /// How much it says.
    pub weight: Weight,
    /// What it says.
    #[serde(flatten)]
    pub kind: FactKind,
}

/// How much a fact says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// It fits, and convicts no CPU.
    Hint,
    /// The CPU takes no interrupts, or may take none. It may wait for another CPU itself: this convicts a CPU only if it
    /// is the only one of which such a thing is said.
    Silent,
    /// It convicts the CPU if nothing speaks against another one.
    Likely,
    /// It convicts the CPU.
    Certain,
}

/// What a fact says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FactKind {
    /// A caller says that it waits for this CPU, which itself waits for no CPU.
    CsdTarget {
        /// The caller.
        waiter: CpuId,
        /// For how long it says that it waits, in nanoseconds.
        waiting_ns: u64,
    },
    /// It faulted inside the report of its own oops: arm64's `die` waits for the lock that it holds.
    FaultInOops {
        /// Where the fault inside begins.
        inner_line: usize,
    },
    /// Its oops report never ended, and nothing was heard of it after.
    OopsNeverEnded,
    /// A watchdog says that it takes no interrupts, and nothing was heard of it after.
    HardLockup,
    /// Its stack shows that it waits for a lock that it holds.
    WaitsForItself {
        /// Where it stands.
        function: String,
    },
    /// It runs with interrupts off, and waits for nobody.
    LoopsWithIrqsOff {
        /// Where it stands.
        function: String,
    },
    /// It waits for a lock with interrupts off.
    LockWithIrqsOff {
        /// Who asked for the lock.
        function: String,
    },
    /// RCU waits for it, and it never reported itself.
    RcuStall,
    /// It was asked for its backtrace and did not answer.
    NoBacktrace {
        /// Who asked.
        asked_by: Option<CpuId>,
    },
    /// Who asked it for its backtrace printed nothing for 10 s, as long as the kernel waits if a CPU does not answer.
    ///
    /// In Linux: `lib/nmi_backtrace.c`, `nmi_trigger_cpumask_backtrace`.
    KeptTheAskerWaiting {
        /// Who asked.
        asked_by: CpuId,
        /// How long the asker printed nothing, in nanoseconds.
        waited_ns: u64,
    },
    /// RCU's thread is runnable there and does not run.
    StarvedRcuKthread,
    /// The registers of CPUs that wait hold an address in its per-CPU area.
    PerCpuPointer {
        /// The register.
        register: String,
        /// The CPUs that wait.
        waiters: Vec<CpuId>,
    },
    /// Every other CPU of the machine reported itself, with interrupts on.
    OnlyOneLeft {
        /// How many CPUs the machine has.
        nr_cpus: u32,
    },
    /// It did not stop when a panic asked it to.
    DidNotStop,
}

impl Fact {
    /// Whether two facts come from one observation, so that the second adds nothing.
    pub(super) fn is_same_source(&self, other: &Fact) -> bool {
        let is_of_a_request = |kind: &FactKind| {
            matches!(kind, FactKind::NoBacktrace { .. } | FactKind::KeptTheAskerWaiting { .. })
        };
        is_of_a_request(&self.kind) && is_of_a_request(&other.kind)
            || std::mem::discriminant(&self.kind) == std::mem::discriminant(&other.kind)
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cpu = self.cpu;
        match &self.kind {
            FactKind::CsdTarget { waiter, waiting_ns } => write!(
                f,
                "CPU {waiter} says that it has waited {}.{} s for CPU {cpu} to answer a call",
                waiting_ns / 1_000_000_000,
                waiting_ns / 100_000_000 % 10
            ),
            FactKind::FaultInOops { inner_line } => write!(
                f,
                "CPU {cpu} oopsed, and faulted again inside that report (line {inner_line}): die() waits for die_lock, \
                 which CPU {cpu} holds"
            ),
            FactKind::OopsNeverEnded => {
                write!(f, "CPU {cpu} oopsed, its report has no end, and it said nothing after")
            }
            FactKind::HardLockup => {
                write!(f, "a hard-lockup detector says that CPU {cpu} takes no interrupts")
            }
            FactKind::WaitsForItself { function } => write!(
                f,
                "CPU {cpu} waits in {function} for a lock that its own stack shows it holds"
            ),
            FactKind::LoopsWithIrqsOff { function } => {
                write!(f, "CPU {cpu} runs {function} with interrupts off")
            }
            FactKind::LockWithIrqsOff { function } => write!(
                f,
                "CPU {cpu} waits for a lock in {function} with interrupts off; the holder is not shown"
            ),
            FactKind::RcuStall => {
                write!(f, "RCU waits for CPU {cpu}, which never reported itself")
            }
            FactKind::NoBacktrace { asked_by: Some(asked_by) } => {
                write!(f, "CPU {asked_by} asked CPU {cpu} for its backtrace, and got none")
            }
            FactKind::NoBacktrace { asked_by: None } => {
                write!(f, "CPU {cpu} was asked for its backtrace, and gave none")
            }
            FactKind::KeptTheAskerWaiting { asked_by, waited_ns } => write!(
                f,
                "CPU {asked_by}, which had asked CPU {cpu} for its backtrace, waited {}.{} s for it in vain",
                waited_ns / 1_000_000_000,
                waited_ns / 100_000_000 % 10
            ),
            FactKind::StarvedRcuKthread => {
                write!(f, "RCU's thread wants to run on CPU {cpu}, and cannot")
            }
            FactKind::PerCpuPointer { register, waiters } => write!(
                f,
                "{register} of CPU{} {} points into the per-CPU area of CPU {cpu}: there lies the call that is waited for",
                if waiters.len() == 1 { "" } else { "s" },
                list(waiters)
            ),
            FactKind::OnlyOneLeft { nr_cpus } => write!(
                f,
                "of {nr_cpus} CPUs all but CPU {cpu} reported themselves, with interrupts on"
            ),
            FactKind::DidNotStop => write!(f, "CPU {cpu} did not stop when the panic asked it to"),
        }
    }
}

/// How many facts there are, those from one source counted once, and hints not at all.
pub(super) fn independent<'a>(facts: impl Iterator<Item = &'a Fact>) -> usize {
    let mut seen: Vec<&Fact> = Vec::new();
    for fact in facts.filter(|fact| fact.weight > Weight::Hint) {
        if !seen.iter().any(|other| other.is_same_source(fact)) {
            seen.push(fact);
        }
    }
    seen.len()
}

/// `1`, `1 and 2`, `1, 2 and 3`, `1, 2, 3 and 9 more`.
pub(super) fn list(cpus: &[CpuId]) -> String {
    const MOST: usize = 6;
    let shown: Vec<String> = cpus.iter().take(MOST).map(ToString::to_string).collect();
    match (&shown[..], cpus.len()) {
        ([], _) => String::new(),
        ([one], _) => one.clone(),
        (shown, len) if len > MOST => format!("{} and {} more", shown.join(", "), len - MOST),
        ([most @ .., last], _) => format!("{} and {last}", most.join(", ")),
    }
}
