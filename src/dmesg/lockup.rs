//! The lines of the lockup detectors: soft, hard, powerpc's own, of workqueues and of tasks that hang.
//!
//! In Linux: `kernel/watchdog.c`, `arch/powerpc/kernel/watchdog.c`, `kernel/workqueue.c`, `kernel/hung_task.c`.

use crate::dmesg::begins::Begins;
use crate::dmesg::line::Line;
use crate::dmesg::message::Message;
use crate::dmesg::scan::Scan;
use crate::record::Pid;

/// What such a line begins with: `NMI watchdog`, `watchdog`, `BUG`, `WARN`, `soft lockup`, `CPU`, `INFO`.
pub(super) const BEGINS: Begins = Begins::with("NM wa BU WA so Wa CP IN");

/// What such a line says.
pub(super) fn read(text: &str) -> Option<Line> {
    let scan = Scan(text);
    watchdog(scan).or_else(|| workqueue(scan)).or_else(|| hung_task(scan)).map(Line::Says)
}

/// powerpc's list of CPUs behind the words of a test framework: `…: watchdog: CPU 30 detected hard LOCKUP on other CPUs 0`.
pub(super) fn behind_words(text: &str) -> Option<Line> {
    let list = text.rsplit(' ').next()?;
    let begins = text.strip_suffix(list)?;
    let is_of_a_list = |b: u8| b.is_ascii_digit() || b == b',' || b == b'-';
    (begins.ends_with(" other CPUs ") && list.bytes().all(is_of_a_list)).then_some(())?;
    let mut scan = Scan(text);
    scan.until(": watchdog: ")?;
    powerpc(scan).filter(|says| matches!(says, Message::HardLockups { .. })).map(Line::Says)
}

fn watchdog(mut scan: Scan<'_>) -> Option<Message> {
    _ = scan.any(&["NMI watchdog: ", "watchdog: "]);
    soft_lockup(scan).or_else(|| hard_lockup(scan)).or_else(|| powerpc(scan))
}

fn soft_lockup(mut scan: Scan<'_>) -> Option<Message> {
    _ = scan.any(&["BUG: ", "WARN: "]);
    scan.tag("soft lockup - CPU#")?;
    let cpu = scan.cpu()?;
    scan.tag(" stuck for ")?;
    let secs = scan.decimal()?;
    scan.any(&["s!", " seconds!"])?;
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
    const DETECTED: &str = "Watchdog detected hard LOCKUP on cpu ";
    if scan.tag(DETECTED).is_some() {
        return Some(Message::HardLockup { cpu: scan.cpu()?, reporter: None });
    }
    scan.tag("CPU")?;
    let reporter = scan.cpu()?;
    scan.tag(": ")?;
    scan.tag(DETECTED)?;
    Some(Message::HardLockup { cpu: scan.cpu()?, reporter: Some(reporter) })
}

/// powerpc's watchdog: `CPU 0 …`, older `Watchdog CPU:0 …`.
fn powerpc(mut scan: Scan<'_>) -> Option<Message> {
    _ = scan.tag("Watchdog ");
    scan.any(&["CPU:", "CPU "])?;
    let cpu = scan.cpu()?;
    if scan.any(&[" self-detected hard LOCKUP", " self-detected Hard LOCKUP"]).is_some() {
        return Some(Message::HardLockup { cpu, reporter: Some(cpu) });
    }
    if scan.any(&[" Hard LOCKUP", " hard LOCKUP"]).is_some() {
        return Some(Message::HardLockup { cpu, reporter: None });
    }
    let others = [
        " detected hard LOCKUP on other CPUs ",
        " detected Hard LOCKUP other CPUS:",
        " detected Hard LOCKUP other CPUs:",
    ];
    if scan.any(&others).is_some() {
        scan.blanks();
        return Some(Message::HardLockups { cpus: scan.cpu_list()?, reporter: cpu });
    }
    if scan.any(&[" became unstuck TB:", " became unstuck"]).is_some() {
        return Some(Message::BecameUnstuck { cpu });
    }
    scan.tag(" TB:")?;
    scan.decimal::<u64>()?;
    scan.tag(", last ")?;
    let smp = scan.tag("SMP ").is_some();
    scan.tag("heartbeat TB:")?;
    scan.decimal::<u64>()?;
    scan.blanks();
    scan.tag("(")?;
    let ms_ago = scan.decimal()?;
    scan.tag("ms")?;
    Some(Message::Heartbeat { cpu, ms_ago, smp })
}

fn workqueue(mut scan: Scan<'_>) -> Option<Message> {
    scan.tag("BUG: workqueue lockup - pool cpus=")?;
    let cpus = scan.cpu_list()?;
    scan.until(" stuck for ")?;
    let secs = scan.decimal()?;
    scan.tag("s!").map(|()| Message::WorkqueueLockup { cpus, secs })
}

/// `INFO: task kworker/3:1:123 blocked for more than 120 seconds.`
fn hung_task(mut scan: Scan<'_>) -> Option<Message> {
    scan.tag("INFO: task ")?;
    let task = scan.until(" blocked for more than ")?;
    let secs = scan.decimal()?;
    scan.tag(" seconds")?;
    let (comm, pid) = task.rsplit_once(':')?;
    Some(Message::HungTask { comm: comm.to_owned(), pid: pid.parse().ok()?, secs })
}
