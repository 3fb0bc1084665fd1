//! What is written to `/proc/sys/kernel`, before the machine boots or while it runs.
//!
//! In Linux: `kernel/watchdog.c`, `kernel/panic.c`, `kernel/smp.c`.

use serde::{Deserialize, Serialize};

use crate::cpumask::CpuId;
use crate::time::KernelTime;

/// The largest `watchdog_thresh` that Linux accepts, in seconds.
pub const MAX_WATCHDOG_THRESH_SECS: u64 = 60;

/// `sysctl kernel.watchdog_thresh=…`, on a machine that runs: see [`sysctl`](crate::kernel::sysctl).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchdogThreshChange {
    /// The CPU on which the task runs that writes it. If it is stuck by then, nothing happens.
    pub cpu: CpuId,
    /// When, in nanoseconds of kernel time.
    #[serde(rename = "at_ns")]
    pub at: KernelTime,
    /// The new value in seconds, 0 to [`MAX_WATCHDOG_THRESH_SECS`].
    pub secs: u64,
}

/// What the kernel does about a lockup: the switches that force a dump.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sysctl {
    /// `kernel.softlockup_panic`.
    pub softlockup_panic: bool,
    /// `kernel.hardlockup_panic`.
    pub hardlockup_panic: bool,
    /// `kernel.panic_on_oops`. It changes nothing in the article's incident: `die` checks it after the notifiers, and
    /// CPU 0 never gets that far.
    pub panic_on_oops: bool,
    /// `smp.panic_on_ipistall`, in milliseconds; 0 = never. It panics by `BUG()`, which enters `die`.
    pub panic_on_ipistall_ms: u64,
    /// `kernel.softlockup_all_cpu_backtrace`: a CPU that reports itself asks all others what they are doing. On arm64
    /// before 6.7 no CPU can be asked: there it only lets one CPU report at a time.
    #[serde(default, skip_serializing_if = "is_off")]
    pub softlockup_all_cpu_backtrace: bool,
    /// `kernel.hardlockup_all_cpu_backtrace`: the same for a CPU that reports a hard lockup.
    #[serde(default, skip_serializing_if = "is_off")]
    pub hardlockup_all_cpu_backtrace: bool,
    /// `kernel.panic`, `panic=` on the command line: after a panic the machine restarts in so many seconds; if it is
    /// negative, at once; 0: never.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub panic_timeout_secs: i32,
}

impl Sysctl {
    /// Every switch off.
    pub const OFF: Sysctl = Sysctl {
        softlockup_panic: false,
        hardlockup_panic: false,
        panic_on_oops: false,
        panic_on_ipistall_ms: 0,
        softlockup_all_cpu_backtrace: false,
        hardlockup_all_cpu_backtrace: false,
        panic_timeout_secs: 0,
    };
}

/// A switch that is off is not in a file of records: so old files and new ones are the same.
fn is_off(switch: &bool) -> bool {
    !switch
}

fn is_zero(number: &i32) -> bool {
    *number == 0
}
