//! The lines of an RCU CPU stall warning.
//!
//! In Linux: `kernel/rcu/tree_stall.h`, `kernel/rcu/tree_exp.h`.

use crate::config::MAX_CPUS;
use crate::cpumask::CpuId;
use crate::dmesg::begins::Begins;
use crate::dmesg::line::Line;
use crate::dmesg::message::Message;
use crate::dmesg::scan::Scan;
use crate::record::Pid;

/// What such a line begins with, if not with a CPU's number: `rcu`, `INFO`, `(detected`, `(t=`, `Possible`, `Tasks`, `}`.
const BEGINS: Begins = Begins::with("rc IN (d (t Po Ta } ");

/// Whether a line can be such a one.
pub(super) fn begins(text: &str) -> bool {
    BEGINS.fits(text) || text.starts_with(|c: char| c.is_ascii_digit())
}

/// What such a line says.
pub(super) fn read(text: &str) -> Option<Line> {
    let mut scan = Scan(text);
    let is_rcus = scan.tag("rcu: ").is_some();
    scan.blanks();
    if let Some(says) = stall(scan) {
        return Some(Line::Several(says));
    }
    let alone = stalled_cpu(scan, is_rcus).or_else(|| end(scan, is_rcus));
    let of_kthread = alone.or_else(|| starved(scan)).or_else(|| timer(scan));
    of_kthread.or_else(|| tasks(scan)).or_else(|| braces_end(scan)).map(Line::Says)
}

/// `INFO: rcu_sched detected stalls on CPUs/tasks: { 1} (detected by 0, t=5252 jiffies)`, where all but the first words
/// may be on lines of their own.
fn stall(mut scan: Scan<'_>) -> Option<Vec<Message>> {
    scan.tag("INFO: rcu")?;
    scan.until(" ")?;
    let self_detected = scan.tag("self-detected ").is_some();
    let expedited = !self_detected && scan.tag("detected expedited ").is_some();
    _ = scan.tag("detected ");
    let mut says = vec![Message::RcuStall { self_detected, expedited }];
    scan.any(&["stalls on CPUs/tasks", "stall on CPU"])?;
    if scan.any(&[": {", " {"]).is_some() {
        braces(&mut scan, &mut says);
    }
    scan.blanks();
    says.extend(age(scan).or_else(|| end(scan, true)));
    Some(says)
}

/// What stands in the braces of `{ P850507 5-...D 7}`.
fn braces(scan: &mut Scan<'_>, says: &mut Vec<Message>) {
    let mut pids = Vec::new();
    loop {
        scan.blanks();
        let mut ahead = *scan;
        if let Some(pid) = ahead.tag("P").and_then(|()| ahead.decimal()) {
            pids.push(pid);
        } else if let Some(cpu) = ahead.cpu() {
            let flags = ahead.tag("-").map_or("", |()| ahead.take(is_flag));
            if says.len() <= MAX_CPUS as usize {
                says.push(cpu_with(cpu, flags));
            }
        } else {
            break;
        }
        *scan = ahead;
    }
    _ = scan.tag("}");
    if !pids.is_empty() {
        says.push(Message::RcuStallTasks { pids });
    }
}

/// ` 81366 jiffies s: 1361`, behind the braces.
fn age(mut scan: Scan<'_>) -> Option<Message> {
    _ = scan.tag("}");
    scan.blanks();
    let jiffies = scan.decimal()?;
    scan.tag(" jiffies").map(|()| Message::RcuStallEnd { by: None, jiffies, nr_cpus: None })
}

/// `} 2688 jiffies s: 4485 root: 0x1/.`, where a kernel printed each word in the braces as a line.
fn braces_end(mut scan: Scan<'_>) -> Option<Message> {
    scan.tag("} ")?;
    age(scan).filter(|_| scan.0.contains(" jiffies s: "))
}

/// `1-...!: (5229 ticks this GP) idle=…`, older `1: (1 GPs behind) idle=…`; or `1-...D` alone, where a kernel printed each
/// word in the braces as a line.
fn stalled_cpu(mut scan: Scan<'_>, is_rcus: bool) -> Option<Message> {
    const FLAGS: usize = 4;
    let cpu = scan.cpu()?;
    let flags = scan.tag("-").map_or("", |()| scan.take(is_flag));
    if scan.0.is_empty() && flags.len() == FLAGS {
        return Some(cpu_with(cpu, flags));
    }
    scan.tag(": (")?;
    let count = scan.decimal::<u64>()?;
    let is_new = scan.tag(" ticks this GP)").is_some();
    is_new.then_some(()).or_else(|| scan.tag(" GPs behind)"))?;
    (is_rcus || scan.0.starts_with(" idle=")).then_some(())?;
    let mut says = cpu_with(cpu, flags);
    if let Message::RcuStallCpu { gps_behind, ticks, idle, false_positive, .. } = &mut says {
        *gps_behind = Some(if is_new { 0 } else { count });
        *ticks = is_new.then_some(count);
        *false_positive = scan.0.contains("(false positive?)");
        *idle = is_idle(scan);
    }
    Some(says)
}

/// ` idle=81c/0/0x0`: a counter, how deep the CPU is in tasks and interrupts, and in interrupts and NMIs.
fn is_idle(mut scan: Scan<'_>) -> Option<bool> {
    scan.tag(" idle=")?;
    scan.until("/")?;
    let depth = scan.hex()?;
    scan.tag("/")?;
    scan.hex().map(|of_interrupts| depth == 0 && of_interrupts == 0)
}

fn is_flag(flag: u8) -> bool {
    b"Oo.N?!D".contains(&flag) || flag.is_ascii_digit()
}

/// A CPU with its flags: offline, not in the mask, not in the next mask, and whether it took an interrupt.
fn cpu_with(cpu: CpuId, flags: &str) -> Message {
    let irqs_off = match flags.as_bytes() {
        [_, _, _, b'0'..=b'9' | b'D'] => Some(true),
        [_, _, _, b'.'] => Some(false),
        _ => None,
    };
    let flags = flags.to_owned();
    let (gps_behind, ticks, idle, false_positive) = (None, None, None, false);
    Message::RcuStallCpu { cpu, flags, irqs_off, gps_behind, ticks, idle, false_positive }
}

/// `(detected by 7, t=65008 jiffies, g=…, q=… ncpus=16)`, `(t=5250 jiffies g=… q=…)`.
fn end(mut scan: Scan<'_>, is_rcus: bool) -> Option<Message> {
    scan.tag("(")?;
    let by = match scan.tag("detected by ") {
        Some(()) => {
            let by = scan.cpu()?;
            scan.tag(", ")?;
            Some(by)
        }
        None => None,
    };
    (is_rcus || by.is_some() || scan.0.contains(" q=")).then_some(())?;
    scan.tag("t=")?;
    let jiffies = scan.decimal()?;
    scan.tag(" jiffies")?;
    let nr_cpus = scan.until(" ncpus=").and_then(|_| scan.decimal());
    Some(Message::RcuStallEnd { by, jiffies, nr_cpus })
}

fn starved(mut scan: Scan<'_>) -> Option<Message> {
    const TASK_RUNNING: u64 = 0;
    scan.tag("rcu_")?;
    scan.until(" kthread starved for ")?;
    let jiffies = scan.decimal()?;
    scan.tag(" jiffies!")?;
    let state = scan.until("->state=").and_then(|_| scan.hex());
    let cpu = scan.until("->cpu=").and_then(|_| scan.cpu());
    let runnable = state.map(|state| state == TASK_RUNNING);
    Some(Message::RcuKthreadStarved { jiffies, runnable, cpu })
}

fn timer(mut scan: Scan<'_>) -> Option<Message> {
    scan.tag("Possible timer handling issue on cpu=")?;
    Some(Message::RcuTimerIssue { cpu: scan.cpu()? })
}

/// `Tasks blocked on level-0 rcu_node (CPUs 0-15): P850507 P12`.
fn tasks(mut scan: Scan<'_>) -> Option<Message> {
    scan.tag("Tasks blocked on level-")?;
    scan.until("):")?;
    let words = scan.0.split_whitespace();
    let pids: Vec<Pid> = words.map_while(|word| word.strip_prefix('P')?.parse().ok()).collect();
    (!pids.is_empty()).then_some(Message::RcuStallTasks { pids })
}
