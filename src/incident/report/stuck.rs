//! CPUs that are stuck, and where they stand.

use serde::Serialize;

use crate::cpumask::CpuId;
use crate::time::KernelTime;

/// A CPU that was stuck when the machine was switched off.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stuck {
    /// Which.
    pub cpu: CpuId,
    /// Where it stands.
    pub place: Place,
    /// Since when.
    #[serde(rename = "since_ns")]
    pub since: KernelTime,
    /// The CPU that it waits for.
    pub waits_for: Option<CpuId>,
    /// If it waits for a `die_lock` that is never given back: the CPU on which the holder died in a nested oops.
    pub leaked_on: Option<CpuId>,
    /// It sent an IPI with its call to the CPU it waits for. (If not, that CPU had not yet taken an earlier call.)
    pub sent_ipi: bool,
    /// When its watchdog was fed last.
    #[serde(rename = "last_feed_ns")]
    pub last_feed: Option<KernelTime>,
    /// Whether its interrupts are off. If so it can neither answer nor report itself.
    pub irqs_off: bool,
    /// Its stack, the innermost function first.
    pub stack: Vec<String>,
}

/// Where a stuck CPU stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Place {
    /// It waits for an answer to a call.
    CsdLockWait,
    /// It waits for `die_lock`.
    DieLock,
    /// It runs, or spins, with interrupts off.
    InterruptsOff,
    /// It takes interrupts but lets no other task run, and was reported for it.
    NotPreempted,
    /// It runs without ever reaching an interruption point.
    NoInterruptionPoint,
}
