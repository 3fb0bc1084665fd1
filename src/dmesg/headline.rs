//! The lines that say what is wrong: faults, oopses, lockups, stalls, panics.

use crate::dmesg::line::Line;
use crate::dmesg::message::{CsdKind, Message};
use crate::dmesg::rcu;
use crate::dmesg::scan::Scan;
use crate::dmesg::state::symbol_of;
use crate::record::Pid;

/// A line that says that more CPUs than this are locked up is not believed.
const MAX_LOCKED_UP: u32 = 64;

/// Reports that carry the count of oopses, `[#1]`.
const OOPSES: [&str; 7] = [
    "Internal error: ",
    "Oops: ",
    "Oops - ",
    "general protection fault",
    "invalid opcode: ",
    "divide error: ",
    "stack segment: ",
];

/// What a headline says.
pub(super) fn read(text: &str) -> Option<Line> {
    let readers: [fn(Scan<'_>) -> Option<Message>; 10] =
        [soft_lockup, hard_lockup, fault, oops, csd_stall, csd, nmi, rcu::read, note_exited, end];
    let message = readers.iter().find_map(|read| read(Scan(text)));
    message.map(Line::Says).or_else(|| hard_lockups(Scan(text))).or_else(|| access(text))
}

fn soft_lockup(mut scan: Scan<'_>) -> Option<Message> {
    _ = scan.any(&["NMI watchdog: ", "watchdog: "]);
    _ = scan.any(&["BUG: ", "WARN: "]);
    scan.tag("soft lockup - CPU#")?;
    let cpu = scan.cpu()?;
    scan.tag(" stuck for ")?;
    let secs = scan.decimal()?;
    scan.tag("s!")?;
    let (comm, pid) = match scan.0.trim_start().strip_prefix('[').and_then(task) {
        Some((comm, pid)) => (Some(comm.to_owned()), Some(pid?)),
        None => (None, None),
    };
    Some(Message::SoftLockup { cpu, secs, comm, pid })
}

/// The name and the number out of `runc:[2:INIT]:1]`; no number if it is out of range.
fn task(text: &str) -> Option<(&str, Option<Pid>)> {
    const LONGEST: usize = 64;
    text.match_indices(']').map(|(at, _)| at).take_while(|&at| at < LONGEST).find_map(|at| {
        let (comm, pid) = text[..at].rsplit_once(':')?;
        let is_number = !pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| (comm, pid.parse().ok()))
    })
}

fn hard_lockup(mut scan: Scan<'_>) -> Option<Message> {
    _ = scan.any(&["NMI watchdog: ", "watchdog: "]);
    if scan.tag("Watchdog detected hard LOCKUP on cpu ").is_some() {
        return Some(Message::HardLockup { cpu: scan.cpu()?, reporter: None });
    }
    _ = scan.tag("Watchdog ");
    scan.any(&["CPU:", "CPU ", "CPU"])?;
    let cpu = scan.cpu()?;
    if scan.tag(": Watchdog detected hard LOCKUP on cpu ").is_some() {
        return Some(Message::HardLockup { cpu: scan.cpu()?, reporter: Some(cpu) });
    }
    let by_itself = scan.any(&[" self-detected hard LOCKUP", " self-detected Hard LOCKUP"]);
    let reporter = by_itself.map(|()| cpu);
    by_itself.or_else(|| scan.tag(" Hard LOCKUP"))?;
    Some(Message::HardLockup { cpu, reporter })
}

/// powerpc: `CPU 0 detected hard LOCKUP on other CPUs 8,48`.
fn hard_lockups(mut scan: Scan<'_>) -> Option<Line> {
    scan.any(&["NMI watchdog: CPU ", "watchdog: CPU ", "Watchdog CPU:", "Watchdog CPU "])?;
    let reporter = scan.cpu()?;
    scan.any(&[
        " detected hard LOCKUP on other CPUs ",
        " detected Hard LOCKUP other CPUS:",
        " detected Hard LOCKUP other CPUs:",
    ])?;
    Some(Line::HardLockups(scan.cpu_list(MAX_LOCKED_UP)?, reporter))
}

fn fault(mut scan: Scan<'_>) -> Option<Message> {
    let mut write = None;
    if scan.tag("Unable to handle kernel ").is_some() {
        let is_write = scan.0.starts_with("write ");
        write = (is_write || scan.0.starts_with("read ")).then_some(is_write);
        scan.until(" address ")?;
    } else {
        scan.any(&[
            "BUG: kernel ",
            "BUG: Kernel ",
            "BUG: unable to handle ",
            "BUG: Unable to handle ",
        ])?;
        let what = scan.any(&["NULL pointer dereference", "kernel NULL pointer dereference"]);
        what.or_else(|| scan.any(&["page fault", "kernel paging request", "kernel data access"]))?;
        if scan.tag(" on ").is_some() {
            write = Some(scan.tag("write").is_some());
            _ = scan.tag("read");
        }
        scan.any(&[", address: ", " for address: ", " at"])?;
    }
    scan.blanks();
    let addr = if scan.tag("(null)").is_some() { 0 } else { scan.hex()? };
    Some(Message::Fault { addr, write })
}

/// The lines that say whether a fault was a write.
fn access(text: &str) -> Option<Line> {
    if let Some(access) = text.strip_prefix("#PF: supervisor ") {
        let is_write = access.starts_with("write access");
        let is_read = access.starts_with("read access") || access.starts_with("instruction fetch");
        return (is_write || is_read).then_some(Line::Access(is_write));
    }
    let (_, bit) = text.strip_prefix("CM = ")?.split_once("WnR = ")?;
    match bit.as_bytes().first()? {
        b'0' => Some(Line::Access(false)),
        b'1' => Some(Line::Access(true)),
        _ => None,
    }
}

fn oops(mut scan: Scan<'_>) -> Option<Message> {
    OOPSES.iter().any(|&head| scan.0.starts_with(head)).then_some(())?;
    let before = scan.until(" [#")?;
    let count = scan.decimal()?;
    scan.tag("]")?;
    // powerpc's `sig: 11` is a signal.
    let code = before.rsplit_once(": ").filter(|(what, _)| !what.ends_with("sig"));
    let code = code.and_then(|(_, code)| Scan(code).hex());
    Some(Message::Oops { code, count })
}

/// Past `smp: csd: `.
fn csd_tag(scan: &mut Scan<'_>) -> Option<()> {
    if scan.tag("smp: ").is_some() {
        scan.blanks();
    }
    scan.tag("csd: ")
}

fn csd_stall(mut scan: Scan<'_>) -> Option<Message> {
    csd_tag(&mut scan)?;
    let first = scan.tag("Detected ").map(|()| CsdKind::Detected);
    let kind = first.or_else(|| scan.tag("Continued ").map(|()| CsdKind::Continued))?;
    scan.tag("non-responsive CSD lock (#")?;
    let number = scan.decimal()?;
    scan.tag(") on CPU#")?;
    let on = scan.cpu()?;
    scan.tag(", waiting ")?;
    let waiting_ns = scan.decimal()?;
    scan.tag(" ns for CPU#")?;
    let target = scan.cpu()?;
    scan.tag(" ")?;
    let func = symbol_of(scan.0)?;
    Some(Message::CsdStall { kind, number, on, waiting_ns, target, func })
}

fn csd(mut scan: Scan<'_>) -> Option<Message> {
    csd_tag(&mut scan)?;
    let resends = scan.tag("Re-sending ").is_some();
    scan.tag("CSD lock (#")?;
    let number = scan.decimal()?;
    scan.tag(") ")?;
    if resends {
        scan.tag("IPI from CPU#")?;
        let from = scan.cpu()?;
        scan.tag(" to CPU#")?;
        return Some(Message::CsdResend { number, from, to: scan.cpu()? });
    }
    if scan.tag("got unstuck on CPU#").is_some() {
        let on = scan.cpu()?;
        scan.tag(", CPU#")?;
        return Some(Message::CsdUnstuck { number, on, target: scan.cpu()? });
    }
    if scan.tag("handling prior ").is_some() {
        return Some(Message::CsdHandling { number, prior: Some(symbol_of(scan.0)?) });
    }
    match scan.0 {
        "unresponsive." => Some(Message::CsdUnresponsive { number }),
        "handling this request." => Some(Message::CsdHandling { number, prior: None }),
        _ => None,
    }
}

fn nmi(mut scan: Scan<'_>) -> Option<Message> {
    if scan.tag("NMI backtrace for cpu ").is_some() {
        return Some(Message::Backtrace { cpu: scan.cpu()? });
    }
    if scan.tag("Task dump for CPU ").is_some() {
        return Some(Message::TaskDump { cpu: scan.cpu()? });
    }
    scan.tag("Sending NMI from CPU ")?;
    let from = scan.cpu()?;
    scan.tag(" to CPUs ")?;
    let to = scan.all_cpus()?;
    scan.tag(":")?;
    Some(Message::BacktraceRequest { from, to })
}

fn note_exited(mut scan: Scan<'_>) -> Option<Message> {
    scan.tag("note: ")?;
    let (task, how) = scan.0.split_once("] exited with ")?;
    let (comm, pid) = task.rsplit_once('[')?;
    let pid = Scan(pid).decimal()?;
    let preempt_count = match how.strip_prefix("preempt_count ") {
        Some(count) => Some(Scan(count).decimal()?),
        None => None,
    };
    let irqs_off = how.starts_with("irqs disabled");
    let comm = comm.to_owned();
    (irqs_off || preempt_count.is_some()).then_some(Message::NoteExited {
        comm,
        pid,
        irqs_off,
        preempt_count,
    })
}

/// The end of a report, or of everything.
fn end(mut scan: Scan<'_>) -> Option<Message> {
    match scan.0 {
        text if text.starts_with("---[ end trace ") => Some(Message::EndTrace),
        text if text.starts_with("SMP: stopping secondary CPUs") => Some(Message::StoppingCpus),
        _ if scan.tag("SMP: failed to stop secondary CPUs ").is_some() => {
            scan.all_cpus().map(|cpus| Message::FailedToStop { cpus })
        }
        _ if scan.tag("SMP: retry stop with NMI for CPUs ").is_some() => {
            scan.all_cpus().map(|cpus| Message::RetryStop { cpus })
        }
        _ if scan.tag("Rebooting in ").is_some() => {
            let secs = scan.decimal()?;
            scan.tag(" seconds..").map(|()| Message::RebootingIn { secs })
        }
        _ if scan.tag("kernel BUG at ").is_some() => {
            let at = scan.0.strip_suffix('!')?;
            at.rsplit_once(':').filter(|(_, line)| line.parse::<u32>().is_ok())?;
            Some(Message::KernelBug { at: at.to_owned() })
        }
        _ => {
            scan.tag("Kernel panic - not syncing: ")?;
            Some(Message::Panic { reason: scan.0.to_owned() })
        }
    }
}
