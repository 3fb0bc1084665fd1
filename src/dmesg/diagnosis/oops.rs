//! Oopses whose reports did not end.
//!
//! A report ends with `---[ end trace`. On arm64 and riscv a fault inside the report, such as one of a die notifier,
//! prints its address and then waits for ever for `die_lock`, which its own CPU holds: `Unable to handle kernel …`, and
//! no `Internal error: … [#2]` after it.
//!
//! In Linux: `arch/arm64/mm/fault.c`, `die_kernel_fault`; `arch/arm64/kernel/traps.c`, `die`. On x86 `oops_begin` lets
//! its own CPU in, and comes before the first line.

use crate::cpumask::CpuId;
use crate::dmesg::entry::{Caller, Entry};
use crate::dmesg::message::Message;
use crate::time::{KernelTime, NSEC_PER_SEC};

/// One oops.
#[derive(Clone, Debug)]
pub(super) struct OopsReport {
    /// Where it begins.
    pub(super) line: usize,
    /// The CPU, if the report says so, and names no other one.
    pub(super) cpu: Option<CpuId>,
    names_several: bool,
    /// The last line that is surely its own: its header, or the one before it.
    pub(super) last_line: usize,
    /// The count in its header, `[#1]`: it holds `die_lock`. Without a header it may wait for it.
    pub(super) count: Option<u32>,
    /// Where a fault inside the report begins that has no report itself.
    pub(super) fault_inside: Option<usize>,
    /// Where the report ends, or goes on as only a report that ends does.
    pub(super) ended: Option<usize>,
}

impl OopsReport {
    /// A line of the report says that it is on this CPU. If another one did, two reports are mixed.
    fn is_on(&mut self, cpu: CpuId) {
        self.names_several |= self.cpu.is_some_and(|other| other != cpu);
        self.cpu = Some(cpu).filter(|_| !self.names_several);
    }
}

/// Exception syndromes of arm64 have their class in bits 26 and above; x86's error codes are small.
const FIRST_ESR: u64 = 1 << 26;

/// A fault inside a report comes this soon after its beginning.
const SOON_NS: u64 = 2 * NSEC_PER_SEC;

/// Collects oopses, entry by entry.
#[derive(Debug, Default)]
pub(super) struct Oopses {
    reports: Vec<OopsReport>,
    /// The last one, while its report may go on.
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    began: Option<KernelTime>,
    caller: Option<Caller>,
    /// Its header carries an exception syndrome: this kernel says that it faulted before it takes `die_lock`.
    is_arm64: bool,
}

impl Oopses {
    /// Reads the next entry.
    pub(super) fn read(&mut self, entry: &Entry) {
        let &Entry { line, time, caller, .. } = entry;
        match &entry.message {
            Message::Fault { .. } => self.fault(entry),
            Message::Oops { code, count } => {
                let count = Some(*count);
                match self.open_report() {
                    // The header of the fault before it: of the one inside, or of this one.
                    Some(report) if report.fault_inside.is_some() => {
                        report.fault_inside = None;
                        report.ended = Some(line);
                        self.begin(line, time, caller, count);
                    }
                    Some(report) if report.count.is_none() => {
                        (report.count, report.last_line) = (count, line);
                    }
                    _ => self.begin(line, time, caller, count),
                }
                if let Some(open) = &mut self.open {
                    open.is_arm64 = code.is_some_and(|code| code >= FIRST_ESR);
                }
            }
            Message::CpuLine { cpu, .. } => {
                let is_soon = self.is_soon(time);
                if let Some(report) = self.open_report() {
                    match report.fault_inside {
                        // Something is reported after all.
                        Some(_) if is_soon => report.ended = Some(line),
                        None if is_soon && report.count.is_some() => report.is_on(*cpu),
                        _ => {}
                    }
                }
            }
            Message::EndTrace | Message::NoteExited { .. } => {
                // A task that dies in an inner report never returns to the outer one.
                let open = self.reports.iter_mut().filter(|report| report.ended.is_none());
                open.for_each(|report| report.ended = Some(line));
                self.open = None;
            }
            Message::SoftLockup { .. }
            | Message::HardLockup { .. }
            | Message::CsdStall { .. }
            | Message::RcuStall { .. }
            | Message::Backtrace { .. }
            | Message::BacktraceRequest { .. } => self.open = None,
            _ => {}
        }
    }

    /// Every oops, in the order of the log.
    pub(super) fn finish(self) -> Vec<OopsReport> {
        self.reports
    }

    fn fault(&mut self, entry: &Entry) {
        let &Entry { line, time, caller, .. } = entry;
        let is_soon = self.is_soon(time);
        let same_caller = self.open.as_ref().is_some_and(|open| open.caller == caller);
        let is_arm64 = self.open.as_ref().is_some_and(|open| open.is_arm64);
        match self.open_report() {
            Some(report)
                if report.count.is_some()
                    && report.fault_inside.is_none()
                    && is_soon
                    && same_caller
                    && is_arm64 =>
            {
                report.fault_inside = Some(line);
            }
            _ => self.begin(line, time, caller, None),
        }
    }

    fn begin(
        &mut self,
        line: usize,
        time: Option<KernelTime>,
        caller: Option<Caller>,
        count: Option<u32>,
    ) {
        let cpu = match caller {
            Some(Caller::Cpu(cpu)) => Some(cpu),
            _ => None,
        };
        let (names_several, fault_inside, ended) = (false, None, None);
        self.reports.push(OopsReport {
            line,
            cpu,
            names_several,
            last_line: line,
            count,
            fault_inside,
            ended,
        });
        self.open = Some(Open { began: time, caller, is_arm64: false });
    }

    fn open_report(&mut self) -> Option<&mut OopsReport> {
        self.open.as_ref()?;
        self.reports.last_mut()
    }

    fn is_soon(&self, time: Option<KernelTime>) -> bool {
        let began = self.open.as_ref().and_then(|open| open.began);
        match (began, time) {
            (Some(began), Some(time)) => time.ns_since(began) <= SOON_NS,
            _ => true,
        }
    }
}
