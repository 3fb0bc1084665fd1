//! What is compared: the headlines of soft lockups, of a log and of the machine.

use crate::cpumask::CpuId;
use crate::dmesg::entry::Entry;
use crate::dmesg::message::Message;
use crate::record::Pid;
use crate::time::KernelTime;

/// `BUG: soft lockup - CPU#35 stuck for 22s! [docker-containe:29506]`, with its stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headline {
    /// Its stamp.
    pub time: KernelTime,
    /// Which CPU reports itself.
    pub cpu: CpuId,
    /// The number that it prints, in units of 2³⁰ ns.
    pub number: u64,
    /// The task it runs, if the line is complete.
    pub task: Option<(String, Pid)>,
}

impl Headline {
    /// What an entry is as a headline: `None` if it is none, and an error if it has no stamp.
    pub(super) fn of(entry: &Entry) -> Option<Result<Self, NoStamp>> {
        let Message::SoftLockup { cpu, secs, comm, pid } = &entry.message else { return None };
        let task = comm.clone().zip(*pid);
        let of = |time| Headline { time, cpu: *cpu, number: *secs, task };
        Some(entry.time.map(of).ok_or(NoStamp))
    }
}

/// A headline has no stamp that counts from boot.
#[derive(Clone, Copy, Debug)]
pub(super) struct NoStamp;

/// Orders headlines by their stamps, and drops those that a log has twice.
pub(super) fn order(headlines: &mut Vec<Headline>) {
    headlines.sort_by_key(|headline| (headline.time, headline.cpu));
    headlines.dedup();
}
