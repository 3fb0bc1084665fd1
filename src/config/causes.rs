//! Causes that are added to a machine, or taken away from it.
//!
//! In Linux: nothing; one takes what one gets.

use serde::{Deserialize, Serialize};

use crate::cpumask::CpuId;
use crate::time::KernelTime;

/// One cause of the cascade, taken away: the run shows what it was the cause of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Ablation {
    /// `die` leaves interrupts on: the CPU that spins on `die_lock` still answers IPIs and its own timer.
    IrqsOnInDie,
    /// `csd_lock_wait` waits with a preemption count of 0: the stopper runs although the task waits.
    PreemptOnInWait,
    /// The timer feeds the watchdog itself, so the watchdog only notices whether the timer runs.
    FeedFromTimer,
}

/// A call-function IPI that is sent and never arrives. The sender cannot know, and no record says so.
///
/// In Linux: nothing; hardware and hypervisors do it. Here it differs: it happens once, to the IPI that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoseIpi {
    /// The CPU that does not hear it.
    pub to: CpuId,
    /// The first such IPI that is sent to that CPU at this time or later is lost. In nanoseconds of kernel time.
    #[serde(rename = "after_ns")]
    pub after: KernelTime,
}
