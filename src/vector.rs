//! What can interrupt a CPU.
//!
//! In Linux: `enum ipi_msg_type` of `arch/arm64/kernel/smp.c`, and the vectors of the timer and the perf counter.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What can interrupt a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Vector {
    /// The CPU's own timer, which drives its watchdog.
    Timer,
    /// `IPI_CALL_FUNC`: another CPU posted a call.
    CallFunction,
    /// `IPI_RESCHEDULE`: another CPU woke a task here, which has work to do.
    Reschedule,
    /// `IPI_CPU_STOP`: another CPU panics or reboots, and this one is to stop.
    Stop,
    /// The same as an NMI, for a CPU that did not take the first one.
    StopNmi,
    /// The perf counter of the CPU's own hard-lockup detector: an NMI.
    Perf,
    /// `IPI_CPU_BACKTRACE`: another CPU wants to know what this one is doing. An NMI on x86, and on
    /// arm64 with [`pseudo_nmi`](crate::Config::pseudo_nmi): then the CPU takes it even with interrupts off.
    Backtrace,
    /// The CPU's tick, where RCU looks for a stalled grace period
    /// ([`Config::rcu_stalls`](crate::Config::rcu_stalls)).
    Tick,
}

impl Vector {
    /// In the order in which they are taken when several are pending.
    pub(crate) const ALL: [Vector; 8] = [
        Vector::StopNmi,
        Vector::Perf,
        Vector::Backtrace,
        Vector::Timer,
        Vector::CallFunction,
        Vector::Stop,
        Vector::Tick,
        Vector::Reschedule,
    ];

    /// Its bit among those that are pending. The lowest is taken first.
    pub(crate) const fn bit(self) -> u32 {
        1 << match self {
            Vector::StopNmi => 0,
            Vector::Perf => 1,
            Vector::Backtrace => 2,
            Vector::Timer => 3,
            Vector::CallFunction => 4,
            Vector::Stop => 5,
            Vector::Tick => 6,
            Vector::Reschedule => 7,
        }
    }

    /// The vector whose bit this is.
    pub(crate) fn of_bit(bit: u32) -> Option<Vector> {
        Vector::ALL.into_iter().find(|vector| vector.bit() == bit)
    }
}

impl fmt::Display for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Vector::Timer => "timer",
            Vector::CallFunction => "IPI_CALL_FUNC",
            Vector::Reschedule => "IPI_RESCHEDULE",
            Vector::Stop => "IPI_CPU_STOP",
            Vector::StopNmi => "IPI_CPU_STOP_NMI",
            Vector::Perf => "perf",
            Vector::Backtrace => "IPI_CPU_BACKTRACE",
            Vector::Tick => "tick",
        })
    }
}

/// The vectors that are NMIs, on a machine that has any.
pub(crate) const NMI_VECTORS: u32 =
    Vector::Backtrace.bit() | Vector::Perf.bit() | Vector::StopNmi.bit();
