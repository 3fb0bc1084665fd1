//! The lines by which one CPU asks others for backtraces or stops them, and the ends of reports.
//!
//! In Linux: `lib/nmi_backtrace.c`, `kernel/panic.c`, `smp_send_stop` of each architecture.

use crate::dmesg::begins::Begins;
use crate::dmesg::line::Line;
use crate::dmesg::message::Message;
use crate::dmesg::scan::Scan;

/// What such a line begins with: `NMI`, `Task dump`, `After`, `CPU`, `Sending`, `---`, `SMP`, `Rebooting`, `Kernel panic`.
pub(super) const BEGINS: Begins = Begins::with("NM Ta Af CP Se -- SM Re Ke");

/// What such a line says.
pub(super) fn read(text: &str) -> Option<Line> {
    nmi(Scan(text)).or_else(|| end(Scan(text))).map(Line::Says)
}

/// Asking other CPUs what they are doing, and what comes back.
fn nmi(mut scan: Scan<'_>) -> Option<Message> {
    if scan.tag("NMI backtrace for cpu ").is_some() {
        let cpu = scan.cpu()?;
        return Some(Message::Backtrace { cpu, idle: scan.0.starts_with(" skipped: idling") });
    }
    if scan.tag("Task dump for CPU ").is_some() {
        return Some(Message::TaskDump { cpu: scan.cpu()? });
    }
    if scan.tag("After ").is_some() {
        scan.until(" responded to the NMI: ")?;
        return scan.cpu_list().map(|cpus| Message::NoBacktrace { cpus });
    }
    if scan.tag("CPU ").is_some() {
        let cpu = scan.cpu()?;
        scan.tag(" didn't respond to backtrace IPI")?;
        return Some(Message::NoBacktrace { cpus: [cpu].into_iter().collect() });
    }
    scan.tag("Sending NMI from CPU ")?;
    let from = scan.cpu()?;
    scan.tag(" to CPUs ")?;
    let to = scan.cpu_list()?;
    scan.tag(":")?;
    Some(Message::BacktraceRequest { from, to })
}

/// The end of a report, or of everything.
fn end(mut scan: Scan<'_>) -> Option<Message> {
    match scan.0 {
        text if text.starts_with("---[ end trace ") => Some(Message::EndTrace),
        text if text.starts_with("SMP: stopping secondary CPUs") => Some(Message::StoppingCpus),
        _ if scan.tag("SMP: failed to stop secondary CPUs ").is_some() => {
            scan.cpu_list().map(|cpus| Message::FailedToStop { cpus })
        }
        _ if scan.tag("SMP: retry stop with NMI for CPUs ").is_some() => {
            scan.cpu_list().map(|cpus| Message::RetryStop { cpus })
        }
        _ if scan.tag("Rebooting in ").is_some() => {
            let secs = scan.decimal()?;
            scan.tag(" seconds..").map(|()| Message::RebootingIn { secs })
        }
        _ if scan.tag("CPU").is_some() => {
            let cpu = scan.cpu()?;
            (scan.0 == ": stopping").then_some(Message::Stopped { cpu })
        }
        _ => {
            scan.tag("Kernel panic - not syncing: ")?;
            Some(Message::Panic { reason: scan.0.to_owned() })
        }
    }
}
