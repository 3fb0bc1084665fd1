//! The head of a task's dump.
//!
//! In Linux: `sched_show_task` of `kernel/sched/core.c`.

use crate::dmesg::line::Line;
use crate::dmesg::message::Message;
use crate::dmesg::scan::Scan;

/// What such a line says. It may begin with anything: a task's name.
pub(super) fn read(text: &str) -> Option<Line> {
    task(text).or_else(|| old_task(text)).map(Line::Says)
}

/// `task:swapper/3        state:R  running task     stack:0     pid:0     ppid:1`.
fn task(text: &str) -> Option<Message> {
    let task = text.strip_prefix("task:")?;
    let (comm, rest) = task.split_once(" state:")?;
    let state = rest.chars().next().filter(char::is_ascii_alphabetic)?;
    let mut scan = Scan(rest);
    let pid = scan.until(" pid:").and_then(|_| {
        scan.blanks();
        scan.decimal()
    });
    Some(Message::TaskState { comm: comm.trim().to_owned(), state, pid })
}

/// Before 5.11: `kbox_culprit    R  running task    0   128      2 0x00000000`, the name in 15 columns.
fn old_task(text: &str) -> Option<Message> {
    const COLUMNS: usize = 15;
    let (comm, rest) = text.split_at_checked(COLUMNS)?;
    let mut scan = Scan(rest);
    scan.tag(" ")?;
    let state = scan.0.chars().next().filter(|state| "RSDTtXZPI".contains(*state))?;
    scan.0 = &scan.0[1..];
    scan.tag(" ")?;
    scan.blanks();
    _ = scan.tag("running task");
    scan.blanks();
    scan.decimal::<u64>()?;
    scan.blanks();
    let pid = scan.decimal()?;
    scan.blanks();
    scan.decimal::<u64>()?;
    scan.tag(" 0x")?;
    Some(Message::TaskState { comm: comm.trim().to_owned(), state, pid: Some(pid) })
}
