//! The lines of an RCU CPU stall warning.
//!
//! In Linux: `kernel/rcu/tree_stall.h`.

use crate::dmesg::message::Message;
use crate::dmesg::scan::Scan;

/// What such a line says.
pub(super) fn read(scan: Scan<'_>) -> Option<Message> {
    stall(scan).or_else(|| stalled_cpu(scan)).or_else(|| starved(scan))
}

fn stall(mut scan: Scan<'_>) -> Option<Message> {
    _ = scan.tag("rcu: ");
    scan.tag("INFO: rcu")?;
    scan.until(" ")?;
    let self_detected = scan.tag("self-detected stall").is_some();
    let others = ["detected stalls on CPUs/tasks", "detected expedited stalls on CPUs/tasks"];
    (self_detected || scan.any(&others).is_some()).then_some(Message::RcuStall { self_detected })
}

/// `rcu: \t1-...!: (5229 ticks this GP)`, `(1 GPs behind)`: a number and the four flags behind it.
fn stalled_cpu(mut scan: Scan<'_>) -> Option<Message> {
    scan.tag("rcu: ")?;
    scan.blanks();
    let cpu = scan.cpu()?;
    scan.tag("-")?;
    let flags = scan.until(": (")?;
    let is_flag = |flag: char| "Oo.N?!".contains(flag) || flag.is_ascii_digit();
    scan.decimal::<u64>()?;
    let what = scan.any(&[" ticks this GP)", " GPs behind)"]);
    (what.is_some() && flags.chars().all(is_flag)).then_some(Message::RcuStallCpu { cpu })
}

fn starved(mut scan: Scan<'_>) -> Option<Message> {
    _ = scan.tag("rcu: ");
    scan.tag("rcu_")?;
    scan.until(" kthread starved for ")?;
    scan.decimal::<u64>()?;
    scan.tag(" jiffies!")?;
    let cpu = scan.until("->cpu=").and_then(|_| scan.cpu());
    Some(Message::RcuKthreadStarved { cpu })
}
