//! What the kernel itself puts before its words: the time, and who printed.
//!
//! In Linux: `print_time` and `print_caller` of `kernel/printk/printk.c`.

use crate::dmesg::entry::Caller;
use crate::dmesg::scan::Scan;
use crate::time::{KernelTime, NSEC_PER_SEC};

/// The rest of a stamp, and how many decimal places it has.
pub(super) fn stamp(scan: &mut Scan<'_>) -> Option<(KernelTime, u32)> {
    scan.blanks();
    let secs: u64 = scan.decimal()?;
    scan.tag(".")?;
    let digits = scan.take(|b| b.is_ascii_digit());
    if scan.tag("@").is_some() {
        scan.cpu()?; // Amlogic's kernels say on which CPU
    }
    scan.tag("]")?;
    let places = u32::try_from(digits.len()).ok().filter(|places| (1..=9).contains(places))?;
    let fraction = digits.parse::<u64>().ok()? * 10_u64.pow(9 - places);
    let ns = secs.checked_mul(NSEC_PER_SEC)?.checked_add(fraction)?;
    Some((KernelTime::from_ns(ns), places))
}

/// `C7`, `T3731890`.
pub(super) fn caller_id(id: &str) -> Option<Caller> {
    let mut scan = Scan(id);
    let is_cpu = scan.tag("C").is_some();
    is_cpu.then_some(()).or_else(|| scan.tag("T"))?;
    let id = if is_cpu { Caller::Cpu(scan.cpu()?) } else { Caller::Task(scan.decimal()?) };
    scan.0.is_empty().then_some(id)
}
