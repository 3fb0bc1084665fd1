//! What a soft lockup's CPU did with its time.
//!
//! In Linux: `print_cpustat` and `print_irq_counts` of `kernel/watchdog.c`, with `CONFIG_SOFTLOCKUP_DETECTOR_INTR_STORM`.

use crate::dmesg::begins::Begins;
use crate::dmesg::line::Line;
use crate::dmesg::message::Message;
use crate::dmesg::scan::Scan;

/// What such a line begins with: `#1`, `watchdog`, `CPU`.
pub(super) const BEGINS: Begins = Begins::with("#1 #2 #3 #4 #5 wa CP");

/// What such a line says.
pub(super) fn read(text: &str) -> Option<Line> {
    row(Scan(text)).or_else(|| head(Scan(text))).map(Line::Says)
}

/// `#1: …`
fn row(mut scan: Scan<'_>) -> Option<Message> {
    scan.tag("#")?;
    scan.decimal::<u32>()?;
    scan.tag(":")?;
    scan.blanks();
    shares(scan).or_else(|| irq(scan))
}

fn head(mut scan: Scan<'_>) -> Option<Message> {
    _ = scan.tag("watchdog: ");
    scan.tag("CPU#")?;
    let cpu = scan.cpu()?;
    if scan.tag(" Detect HardIRQ Time exceeds ").is_some() {
        let percent = scan.decimal()?;
        return scan.tag("%").map(|()| Message::HardIrqStorm { cpu, percent });
    }
    scan.tag(" Utilization every ")?;
    let period: u64 = scan.decimal()?;
    let is_ms = scan.tag("ms").is_some();
    let period_ms = if is_ms { period } else { scan.tag("s").and(period.checked_mul(1_000))? };
    scan.tag(" during lockup").map(|()| Message::Utilization { cpu, period_ms })
}

/// `0% system, 0% softirq, 101% hardirq, 0% idle`, with any blanks between.
fn shares(mut scan: Scan<'_>) -> Option<Message> {
    let mut share = |name: &str| {
        scan.blanks();
        let percent = scan.decimal()?;
        scan.tag("%")?;
        scan.blanks();
        scan.tag(name)?;
        Some(percent)
    };
    let (system, softirq) = (share("system,")?, share("softirq,")?);
    let (hardirq, idle) = (share("hardirq,")?, share("idle")?);
    Some(Message::UtilizationRow { system, softirq, hardirq, idle })
}

/// `330985 irq#7(IPI)`.
fn irq(mut scan: Scan<'_>) -> Option<Message> {
    let count = scan.decimal()?;
    scan.blanks();
    scan.tag("irq#")?;
    Some(Message::HardIrq { count, irq: scan.decimal()? })
}
