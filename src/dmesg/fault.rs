//! The lines of a fault and of the oops that follows.
//!
//! In Linux: `arch/*/mm/fault.c`, `die` of each architecture, `make_task_dead` of `kernel/exit.c`.

use crate::dmesg::begins::Begins;
use crate::dmesg::line::Line;
use crate::dmesg::message::Message;
use crate::dmesg::scan::Scan;

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

/// What such a line begins with: `Unable`, `BUG`, the [`OOPSES`], `kernel BUG`, `note`, `#PF`, `CM`.
pub(super) const BEGINS: Begins = Begins::with("Un BU In Oo ge in di st ke no #P CM");

/// What such a line says.
pub(super) fn read(text: &str) -> Option<Line> {
    let scan = Scan(text);
    let message = fault(scan).or_else(|| oops(scan)).or_else(|| kernel_bug(scan));
    message.or_else(|| note_exited(scan)).map(Line::Says).or_else(|| access(text))
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

fn kernel_bug(mut scan: Scan<'_>) -> Option<Message> {
    scan.tag("kernel BUG at ")?;
    let at = scan.0.strip_suffix('!')?;
    at.rsplit_once(':').filter(|(_, line)| line.parse::<u32>().is_ok())?;
    Some(Message::KernelBug { at: at.to_owned() })
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
    let says = irqs_off || preempt_count.is_some();
    says.then(|| Message::NoteExited { comm: comm.to_owned(), pid, irqs_off, preempt_count })
}
