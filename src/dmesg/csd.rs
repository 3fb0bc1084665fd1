//! The lines of a call that stalls.
//!
//! In Linux: `csd_lock_wait_toolong` of `kernel/smp.c`.

use crate::dmesg::begins::Begins;
use crate::dmesg::line::Line;
use crate::dmesg::message::{CsdKind, Message};
use crate::dmesg::scan::Scan;
use crate::dmesg::trace::symbol_of;

/// What such a line begins with: `smp: csd`, `csd`.
pub(super) const BEGINS: Begins = Begins::with("sm cs");

/// What such a line says.
pub(super) fn read(text: &str) -> Option<Line> {
    let mut scan = Scan(text);
    if scan.tag("smp: ").is_some() {
        scan.blanks();
    }
    scan.tag("csd: ")?;
    stall(scan).or_else(|| progress(scan)).map(Line::Says)
}

fn stall(mut scan: Scan<'_>) -> Option<Message> {
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
    // Of a line that is cut in the target's number another line may have been taken for the rest.
    scan.0.contains("+0x").then_some(())?;
    let func = symbol_of(scan.0)?;
    Some(Message::CsdStall { kind, number, on, waiting_ns, target, func })
}

fn progress(mut scan: Scan<'_>) -> Option<Message> {
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
