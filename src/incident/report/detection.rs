//! What each detector found, in one form for all of them.

use serde::Serialize;

use crate::cpumask::CpuId;
use crate::record::{Event, Record};
use crate::time::{KernelTime, NSEC_PER_SEC};

/// One report of one detector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Detection {
    /// Which detector.
    pub detector: Detector,
    /// The CPU that reports.
    pub reporter_cpu: CpuId,
    /// The CPU that it names.
    pub named_cpu: CpuId,
    /// When.
    #[serde(rename = "time_ns")]
    pub time: KernelTime,
    /// The seconds that it prints, if it prints any.
    pub printed_seconds: Option<u64>,
}

/// A detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Detector {
    /// The soft-lockup watchdog, which names its own CPU.
    Softlockup,
    /// The buddy, which names the next CPU.
    HardlockupBuddy,
    /// The perf detector, which names its own CPU.
    HardlockupPerf,
    /// CSD-lock debugging, which names the CPU that does not answer.
    Csd,
    /// RCU, which names each CPU that holds up a grace period.
    RcuStall,
}

impl Detection {
    /// What a detector found, if `record` says so.
    pub(crate) fn of(record: &Record) -> Option<Self> {
        let &Record { time, cpu: reporter_cpu, ref event, .. } = record;
        let (detector, named_cpu, printed_seconds) = match *event {
            Event::SoftLockup { printed } => (Detector::Softlockup, reporter_cpu, Some(printed)),
            Event::HardLockup { cpu } if cpu == reporter_cpu => {
                (Detector::HardlockupPerf, cpu, None)
            }
            Event::HardLockup { cpu } => (Detector::HardlockupBuddy, cpu, None),
            Event::CsdStall { on, waited_ns, .. } => {
                (Detector::Csd, on, Some(waited_ns / NSEC_PER_SEC))
            }
            Event::RcuStallCpu { on, age_ns } => {
                (Detector::RcuStall, on, Some(age_ns / NSEC_PER_SEC))
            }
            _ => return None,
        };
        Some(Detection { detector, reporter_cpu, named_cpu, time, printed_seconds })
    }
}
