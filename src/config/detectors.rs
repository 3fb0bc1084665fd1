//! What looks for lockups and stalls.
//!
//! In Linux: `CONFIG_SOFTLOCKUP_DETECTOR`, `CONFIG_HARDLOCKUP_DETECTOR`, `CONFIG_CSD_LOCK_WAIT_DEBUG`,
//! `CONFIG_RCU_CPU_STALL_TIMEOUT`.

use serde::{Deserialize, Serialize};

use crate::time::JIFFY_NS;
use crate::version::Kernel;

/// The detectors that run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detectors {
    /// The soft-lockup watchdog: each CPU samples itself.
    pub softlockup: bool,
    /// The buddy hard-lockup detector (6.5 and later): each CPU samples the next one.
    pub hardlockup_buddy: Option<BuddyRule>,
    /// The perf hard-lockup detector: each CPU samples itself by an NMI, if there is one (on x86, and
    /// on arm64 with [`pseudo_nmi`](crate::Config::pseudo_nmi)).
    pub hardlockup_perf: bool,
    /// CSD-lock debugging (5.10 and later, `csdlock_debug=1`): a caller that waits for more than 5 s says for which
    /// CPU.
    pub csd: bool,
}

impl Detectors {
    /// None at all.
    pub const NONE: Detectors =
        Detectors { softlockup: false, hardlockup_buddy: None, hardlockup_perf: false, csd: false };

    /// Those that are on by default in a kernel.
    pub const fn of(kernel: Kernel) -> Self {
        let hardlockup_buddy = match kernel {
            Kernel::Arm64V4_19 | Kernel::Arm64V6_1 | Kernel::X86V6_1 => None,
            Kernel::Arm64V6_12 => Some(BuddyRule::EVERY_THIRD_SAMPLE),
        };
        Detectors { softlockup: true, hardlockup_buddy, ..Detectors::NONE }
    }
}

/// How the buddy looks at the next CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuddyRule {
    /// It looks once in so many samples of its own.
    pub every: u64,
    /// It reports when this many looks in a row have found the count unchanged.
    pub miss_thresh: u32,
}

impl BuddyRule {
    /// 6.5 to 6.19: it looks at every third sample, and reports at the first miss. With the default threshold that is 8
    /// to 24 s after a CPU went dark.
    pub const EVERY_THIRD_SAMPLE: BuddyRule = BuddyRule { every: 3, miss_thresh: 1 };

    /// 2026: it looks at every sample, and reports at the third miss. That is 8 to 12 s after a CPU went dark, plus the
    /// time by which the watching CPU's samples come after the watched CPU's.
    pub const EVERY_SAMPLE: BuddyRule = BuddyRule { every: 1, miss_thresh: 3 };
}

/// When RCU's grace periods begin: when something calls `call_rcu()` and none is open.
///
/// In Linux: nothing says when; a busy machine begins one as soon as the last one is over, an idle machine may have none
/// for minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RcuStalls {
    /// When the first one begins, in nanoseconds since boot.
    pub first_ns: u64,
    /// From one beginning to the next, in nanoseconds; 0: there is only one.
    pub every_ns: u64,
}

impl Default for RcuStalls {
    /// A busy machine: one is always open. Each takes three jiffies.
    fn default() -> Self {
        RcuStalls { first_ns: 0, every_ns: 3 * JIFFY_NS }
    }
}
