//! What surrounds a message: where it stands in the log, when it was printed, and by whom.

use std::fmt;

use crate::cpumask::CpuId;
use crate::dmesg::message::Message;
use crate::record::Pid;
use crate::time::KernelTime;

/// One thing that a kernel said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The number of its first line, from 1, as an editor counts: a lone `\r` ends no line.
    pub line: usize,
    /// The stamp of its first line. `None` if the line has none, or one that does not count from boot.
    pub time: Option<KernelTime>,
    /// Who printed it, if the log says so.
    pub caller: Option<Caller>,
    /// When a logger wrote it, if a logger says so.
    pub clock: Option<WallClock>,
    /// What it said.
    pub message: Message,
}

/// Who printed a line: `[    C7]`, `[ T3731890]`, or `caller=` of `/dev/kmsg`.
///
/// In Linux: `print_caller` of `kernel/printk/printk.c`, with `CONFIG_PRINTK_CALLER`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Caller {
    /// An interrupt, or code that runs before there are tasks, on this CPU.
    Cpu(CpuId),
    /// This task. Its CPU is not known.
    Task(Pid),
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Caller::Cpu(cpu) => write!(f, "C{cpu}"),
            Caller::Task(pid) => write!(f, "T{pid}"),
        }
    }
}

/// A logger's clock, in microseconds. Where it counts from depends on what the logger writes: from 1970 with a year,
/// from the beginning of the year without one, from midnight if there is only the time of day. So only the difference
/// between two lines of one log tells something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WallClock {
    pub(super) micros: u64,
}

impl WallClock {
    /// Microseconds since whatever this logger counts from.
    pub fn micros(self) -> u64 {
        self.micros
    }
}
