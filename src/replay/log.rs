//! What a replay has to know of a log: read once, entry by entry, however long it is.

use crate::dmesg::diagnosis::Diagnosis;
use crate::dmesg::entries;
use crate::dmesg::message::Message;
use crate::replay::headline::{Headline, order};

/// What is kept of a log.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// The soft lockups of the incident that have a stamp, in the order of their stamps.
    pub(super) reports: Vec<Headline>,
    /// How many have none.
    pub(super) unstamped: usize,
    /// The kernel's release, as it was last printed before the incident's end.
    pub(super) release: Option<String>,
    /// It printed registers that only x86 has.
    pub(super) is_x86: bool,
    /// The highest number of a CPU in a headline or a dump, if it is not above the limit.
    pub(super) highest_cpu: u32,
}

impl Log {
    /// Of the incident that `diagnosis` is of. CPUs above `most` are overlooked.
    pub(super) fn read(log: &[u8], diagnosis: &Diagnosis, most: u32) -> Self {
        let (first, last) = diagnosis.lines;
        let mut out = Log::default();
        let named = diagnosis.culprit().map(|cpu| cpu.0);
        out.highest_cpu = named.filter(|cpu| *cpu <= most).unwrap_or_default();
        for entry in entries(log).filter(|entry| entry.line <= last) {
            match &entry.message {
                Message::SoftLockup { cpu, .. }
                | Message::HardLockup { cpu, .. }
                | Message::CpuLine { cpu, .. }
                | Message::CsdStall { target: cpu, .. }
                | Message::RcuStallCpu { cpu, .. }
                    if cpu.0 <= most =>
                {
                    out.highest_cpu = out.highest_cpu.max(cpu.0);
                }
                Message::Regs(registers) => {
                    let only_x86 = |name: &str| matches!(name, "RAX" | "RSP" | "CR3" | "GS");
                    out.is_x86 |= registers.iter().any(|(name, _)| only_x86(name));
                }
                _ => {}
            }
            if let Message::CpuLine { release, .. } | Message::Booted { release } = &entry.message
                && release.starts_with(|c: char| c.is_ascii_digit())
                && out.release.as_ref() != Some(release)
            {
                out.release = Some(release.clone());
            }
            match Headline::of(&entry).filter(|_| entry.line >= first) {
                Some(Ok(report)) => out.reports.push(report),
                Some(Err(_)) => out.unstamped += 1,
                None => {}
            }
        }
        order(&mut out.reports);
        out
    }
}
