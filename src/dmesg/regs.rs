//! The lines of registers.
//!
//! In Linux: `__show_regs` and `show_regs` of each architecture.

use crate::dmesg::begins::Begins;
use crate::dmesg::line::Line;
use crate::dmesg::message::Message;
use crate::dmesg::registers::Registers;
use crate::dmesg::scan::Scan;

/// What such a line begins with, if it is no register's name.
const BEGINS: Begins = Begins::with("Kr GP $  $1 $2");

/// Whether a line can be such a one.
pub(super) fn begins(text: &str) -> bool {
    let name = Scan(text).take(|b| b.is_ascii_alphanumeric());
    let is_value = matches!(name.len(), 8 | 16);
    is_value || is_register(name) || name == "pc" || BEGINS.fits(text)
}

/// What such a line says.
pub(super) fn read(text: &str) -> Option<Line> {
    let regs = named(Scan(text)).or_else(|| numbered(Scan(text))).or_else(|| bare(Scan(text)));
    regs.map(|regs| Line::Says(Message::Regs(regs))).or_else(|| row(Scan(text)).map(Line::Row))
}

/// The name of a general register by its number.
pub(super) fn general(number: usize) -> String {
    format!("r{number}")
}

/// `x5 : 0000000000000000 x4 : fffffff7ffffffff`, `RAX: 0000000000000000 RBX: …`, `GS:ffff8bc47ec00000(0000)`.
fn named(mut scan: Scan<'_>) -> Option<Registers> {
    let mut regs = Registers::default();
    loop {
        let name = scan.take(|b| b.is_ascii_alphanumeric());
        is_register(name).then_some(())?;
        scan.blanks();
        scan.tag(":")?;
        scan.blanks();
        regs.push(name, scan.hex()?);
        _ = scan.tag("(").and_then(|()| scan.until(")"));
        if scan.0.trim().is_empty() {
            return Some(regs);
        }
        scan.tag(" ")?;
        scan.blanks();
    }
}

/// arm64's `x29`, arm's `r10`, x86's `RAX`, `R10`, `CR2`, `knlGS`, riscv's `a0`, powerpc's `NIP`.
fn is_register(name: &str) -> bool {
    let is_number = |digits: &str| {
        (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
    };
    match name {
        "sp" | "ip" | "fp" | "FS" | "GS" | "knlGS" | "CS" | "DS" | "ES" | "SS" | "PKRU" => true,
        "epc" | "ra" | "gp" | "tp" | "NIP" | "LR" | "CTR" => true,
        _ if name.strip_prefix(['x', 'r', 'a', 's', 't']).is_some_and(is_number) => true,
        _ if ["CR", "DR", "R"].iter().any(|p| name.strip_prefix(p).is_some_and(is_number)) => true,
        _ => matches!(
            name.strip_prefix(['R', 'E']),
            Some("AX" | "BX" | "CX" | "DX" | "SI" | "DI" | "BP" | "SP" | "FLAGS")
        ),
    }
}

/// powerpc's `GPR04: … … … …`, mips's `$ 4   : …`, s390's `Krnl GPRS: …`, parisc's `r04-07  …`.
fn numbered(mut scan: Scan<'_>) -> Option<Registers> {
    let first: usize = if scan.tag("Krnl GPRS:").is_some() {
        0
    } else if scan.tag("GPR").is_some() {
        let first = scan.decimal()?;
        scan.tag(":")?;
        first
    } else if scan.tag("$").is_some() {
        scan.blanks();
        let first = scan.decimal()?;
        scan.blanks();
        scan.tag(":")?;
        first
    } else {
        scan.tag("r")?;
        let first = scan.decimal()?;
        scan.tag("-")?;
        scan.decimal::<usize>()?;
        first
    };
    let values = row(scan)?;
    let names = (first..).map(general);
    let mut regs = Registers::default();
    names.zip(values).for_each(|(name, value)| regs.push(&name, value));
    Some(regs)
}

/// loongarch's `a0 9000000006a45388 a1 0000000000000000`, without colons.
fn bare(mut scan: Scan<'_>) -> Option<Registers> {
    const DIGITS: usize = 16;
    let mut regs = Registers::default();
    loop {
        let name = scan.take(|b| b.is_ascii_alphanumeric());
        (is_register(name) || matches!(name, "pc" | "u0")).then_some(())?;
        scan.tag(" ")?;
        let before = scan.0.len();
        let value = scan.hex()?;
        (before - scan.0.len() == DIGITS).then_some(())?;
        regs.push(name, value);
        scan.blanks();
        if scan.0.is_empty() {
            return Some(regs);
        }
    }
}

/// One to four values, and nothing else.
fn row(scan: Scan<'_>) -> Option<Vec<u64>> {
    const MOST: usize = 4;
    let value = |word: &str| {
        let is_hex = matches!(word.len(), 8 | 16) && word.bytes().all(|b| b.is_ascii_hexdigit());
        is_hex.then(|| Scan(word).hex())?
    };
    // A word more than allowed, so that longer lines are refused.
    let values: Option<Vec<u64>> = scan.0.split_whitespace().take(MOST + 1).map(value).collect();
    values.filter(|values| (1..=MOST).contains(&values.len()))
}
