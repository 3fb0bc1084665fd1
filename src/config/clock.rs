//! Which time a machine runs in, how exact its busy delays are, and how long the host waits for it.
//!
//! In Linux: the clock source, `udelay`. Here it differs: time can be virtual.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How many times as fast as the host's clock a machine's clock can run.
pub(super) const RATIOS: std::ops::RangeInclusive<f64> = 1e-3..=1e6;

/// Which clock a machine runs on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// Virtual time; one CPU at a time between interruption points.
    Lockstep {
        /// `Some` permutes the order in which CPUs that can run at the same instant take their turns; each seed names
        /// one such order. `None` goes round by number.
        turn_seed: Option<u64>,
    },
    /// The host's time, multiplied. All CPUs run at once. The order of events is the host's, and may differ from run to
    /// run.
    Wall {
        /// Kernel seconds per host second, 0.001 to 1000000.
        ratio: f64,
    },
}

impl Default for Clock {
    fn default() -> Self {
        Clock::Lockstep { turn_seed: None }
    }
}

/// How long one turn of a loop takes that delays by `mdelay(1)` or `udelay(1)`, and counts its turns: each takes as long
/// as it says, and longer on a busy host or in an emulator. So the "10 s" for a backtrace may be 12.
///
/// In Linux: `lib/nmi_backtrace.c`, `nmi_trigger_cpumask_backtrace`, 10,000 turns of a millisecond;
/// `arch/arm64/kernel/smp.c`, `smp_send_stop`, 1,000,000 turns of a microsecond; 4.19 to 6.12.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusyDelays {
    /// What `mdelay(1)` takes, in nanoseconds.
    pub mdelay_ns: u64,
    /// What `udelay(1)` takes, in nanoseconds.
    pub udelay_ns: u64,
}

impl Default for BusyDelays {
    fn default() -> Self {
        BusyDelays { mdelay_ns: 1_000_000, udelay_ns: 1_000 }
    }
}

impl BusyDelays {
    pub(super) fn is_exact(&self) -> bool {
        *self == BusyDelays::default()
    }
}

/// How long the host lets a CPU's thread go on without an interruption point, before it ends the run and names that CPU
/// ([`HostReport::hung`](crate::machine::HostReport::hung)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostLimits {
    /// For a thread that runs: so much time on a host core. A loaded host does not shorten it.
    pub running: Duration,
    /// For a thread that sleeps in something that is not the machine's, a lock of its own for example: so much time. Also
    /// for one that runs, where the host does not tell a thread's time.
    pub blocked: Duration,
}

impl Default for HostLimits {
    fn default() -> Self {
        HostLimits { running: Duration::from_secs(2), blocked: Duration::from_secs(60) }
    }
}
