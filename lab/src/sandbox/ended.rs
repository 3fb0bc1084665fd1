//! How a run ended. Data: the supervisor writes it, `lab` reads it.

use serde::{Deserialize, Serialize};

/// How a run ended, and what it used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ended {
    /// How.
    pub(crate) how: How,
    /// CPU time of all its processes and threads, in milliseconds.
    pub(crate) cpu_ms: u64,
    /// The same, since its report grew last.
    pub(crate) cpu_since_report_ms: u64,
    /// Wall-clock time, in milliseconds.
    pub(crate) wall_ms: u64,
    /// How many of its processes were still there when its first one ended.
    pub(crate) left_behind: usize,
    /// What its threads sleep in, if all of them sleep.
    pub(crate) sleeps_in: Option<SleepsIn>,
}

/// How.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum How {
    /// It ended by itself, with this exit code.
    Exited(i32),
    /// A signal ended it: a crash, or a limit that the kernel keeps.
    Signaled(i32),
    /// It used CPU time and got nowhere.
    RanWithoutEnd,
    /// All its threads sleep, and none of them has run for a while.
    SleptForEver,
    /// It started more threads and processes than it may.
    TooMany(usize),
    /// It took too long by the clock.
    OutOfTime,
    /// `lab` ended it: a new save, or `q`.
    Stopped,
    /// It could not be started.
    NotStarted(String),
    /// The supervisor is gone and left no word.
    Unknown,
}

/// What a sleeping thread waits for, as far as the kernel tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SleepsIn {
    /// A lock, a channel, `park`, `join`: whatever another thread must end.
    Another,
    /// `sleep`.
    Time,
    /// Something else.
    Unknown,
}

impl Ended {
    /// Nothing is known.
    pub(super) fn unknown() -> Self {
        Self {
            how: How::Unknown,
            cpu_ms: 0,
            cpu_since_report_ms: 0,
            wall_ms: 0,
            left_behind: 0,
            sleeps_in: None,
        }
    }
}
