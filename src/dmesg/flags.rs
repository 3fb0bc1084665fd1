//! The lines that say whether interrupts were on, each architecture in its own way.
//!
//! In Linux: `__show_regs` and `show_regs` of each architecture.

use crate::dmesg::begins::Begins;
use crate::dmesg::line::Line;
use crate::dmesg::message::Message;
use crate::dmesg::scan::Scan;

/// What such a line begins with: `pstate`, `pmr`, `RSP`, `ESP`, `EFLAGS`, `Flags`, `irq_soft_mask`, powerpc's special
/// registers, `R:`, `status`, `Status`, `PSW`, `PRMD`.
pub(super) const BEGINS: Begins =
    Begins::with("ps pm RS ES EF Fl ir CF MS DA DE IR SO R: st St PS PR");

/// What such a line says.
pub(super) fn read(text: &str) -> Option<Line> {
    let readers: [fn(&str) -> Option<Message>; 9] =
        [arm64, x86, arm, irqmask, s390, riscv, mips, parisc, loongarch];
    let message = readers.iter().find_map(|read| read(text));
    message.map(Line::Says).or_else(|| pmr(text)).or_else(|| enabled(text))
}

fn state(text: &str, irqs_off: bool) -> Message {
    Message::PState { text: text.to_owned(), irqs_off }
}

fn arm64(text: &str) -> Option<Message> {
    const PSR_I_BIT: u64 = 0x80;
    let mut scan = Scan(text);
    scan.tag("pstate: ")?;
    let irqs_off = scan.hex()? & PSR_I_BIT != 0;
    Some(state(scan.0.trim().strip_prefix('(')?.strip_suffix(')')?, irqs_off))
}

/// arm64 with pseudo-NMIs masks interrupts by priority: `GIC_PRIO_IRQON` lets them through; `GIC_PRIO_PSR_I_SET` says
/// nothing about the mask.
fn pmr(text: &str) -> Option<Line> {
    const GIC_PRIO_IRQON: u64 = 0xe0;
    const GIC_PRIO_PSR_I_SET: u64 = 0x10;
    let mut scan = Scan(text);
    scan.any(&["pmr: ", "pmr_save: "])?;
    Some(Line::Pmr(scan.hex()? & !GIC_PRIO_PSR_I_SET != GIC_PRIO_IRQON))
}

fn x86(text: &str) -> Option<Message> {
    const X86_EFLAGS_IF: u64 = 0x200;
    ["RSP: ", "ESP: ", "EFLAGS: "].iter().any(|head| text.starts_with(head)).then_some(())?;
    let mut scan = Scan(text);
    scan.until("EFLAGS: ")?;
    let digits = scan.0;
    let irqs_off = scan.hex()? & X86_EFLAGS_IF == 0;
    let digits = &digits[..digits.len() - scan.0.len()];
    Some(state(&format!("EFLAGS: {digits}"), irqs_off))
}

/// `Flags: nZCv  IRQs on  FIQs on  Mode SVC_32`.
fn arm(text: &str) -> Option<Message> {
    let flags = text.strip_prefix("Flags: ")?;
    let irqs_off = flags.contains("IRQs off");
    (irqs_off || flags.contains("IRQs on")).then(|| state(flags, irqs_off))
}

/// powerpc's `CFAR: c0000000001234 IRQMASK: 1`, and what another CPU found in the memory of one that is silent:
/// `irq_soft_mask: 0x01 in_mce: 0 in_nmi: 0`.
fn irqmask(text: &str) -> Option<Message> {
    let mut scan = Scan(text);
    if scan.tag("irq_soft_mask: ").is_some() {
        let mask = scan.hex()?;
        return Some(state(&format!("irq_soft_mask: {mask:#04x}"), mask != 0));
    }
    of_powerpc(text)?;
    scan.until("IRQMASK: ")?;
    let mask = scan.hex()?;
    Some(state(&format!("IRQMASK: {mask:x}"), mask != 0))
}

fn of_powerpc(text: &str) -> Option<()> {
    const HEADS: [&str; 5] = ["CFAR: ", "MSR: ", "DAR: ", "DEAR: ", "IRQMASK: "];
    (HEADS.iter().any(|head| text.starts_with(head)) || text.starts_with("SOFTE: ")).then_some(())
}

/// powerpc's `SOFTE: 1`.
fn enabled(text: &str) -> Option<Line> {
    of_powerpc(text)?;
    let mut scan = Scan(text);
    scan.until("SOFTE: ")?;
    scan.decimal().map(Line::Softe)
}

/// What `SOFTE` says on the kernel `release`: before 4.16 it is 1 if interrupts are enabled; 4.16 and 4.17 print the
/// mask, which is 0 then; later ones call it `IRQMASK`. Without a release nobody knows.
pub(super) fn softe(value: u8, release: Option<(u32, u32)>) -> Option<Message> {
    let release = release?;
    let irqs_off = if release < (4, 16) { value == 0 } else { value != 0 };
    Some(state(&format!("SOFTE: {value}"), irqs_off))
}

/// `R:0 T:1 IO:1 EX:1 Key:0 M:1 …`, the line below the PSW.
fn s390(text: &str) -> Option<Message> {
    let mut scan = Scan(text);
    scan.tag("R:")?;
    scan.until(" IO:")?;
    match scan.0.as_bytes().first()? {
        b'0' => Some(state("IO:0", true)),
        b'1' => Some(state("IO:1", false)),
        _ => None,
    }
}

/// `status: 0000000200000120 badaddr: 0000000000000000 cause: 8000000000000005`: at a trap, `SPIE` keeps what `SIE` was.
fn riscv(text: &str) -> Option<Message> {
    const SR_SPIE: u64 = 0x20;
    let mut scan = Scan(text);
    scan.tag("status: ")?;
    let digits = scan.0;
    let status = scan.hex()?;
    let digits = &digits[..digits.len() - scan.0.len()];
    scan.any(&[" badaddr: ", " tval: "])?;
    Some(state(&format!("status: {digits}"), status & SR_SPIE == 0))
}

/// `Status: 1000a403 KERNEL EXL IE`.
fn mips(text: &str) -> Option<Message> {
    let mut scan = Scan(text);
    scan.tag("Status: ")?;
    scan.hex()?;
    let flags = scan.0.trim();
    let has = |flag: &str| flags.split(' ').any(|is| is == flag);
    ["KERNEL", "USER", "SUPERVISOR"].iter().any(|mode| has(mode)).then_some(())?;
    Some(state(flags, !has("IE")))
}

/// `PSW: 00001000000001101111111100001111 Not tainted`: the last bit is I.
fn parisc(text: &str) -> Option<Message> {
    const BITS: usize = 32;
    let mut scan = Scan(text);
    scan.tag("PSW: ")?;
    let bits = scan.take(|b| b == b'0' || b == b'1');
    (bits.len() == BITS).then(|| state(bits, bits.ends_with('0')))
}

/// `PRMD: 00000004 (PPLV0 +PIE -PWE)`: what `CRMD` was before the exception.
fn loongarch(text: &str) -> Option<Message> {
    let mut scan = Scan(text);
    scan.tag("PRMD: ")?;
    scan.hex()?;
    let flags = scan.0.trim().strip_prefix('(')?.strip_suffix(')')?;
    let irqs_off = flags.contains("-PIE");
    (irqs_off || flags.contains("+PIE")).then(|| state(flags, irqs_off))
}
