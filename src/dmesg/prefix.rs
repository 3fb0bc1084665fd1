//! What loggers put before a kernel's words: stamps, caller ids, levels, host names.
//!
//! In Linux: `print_prefix`, `info_print_ext_header` (`kernel/printk/printk.c`); `dmesg` and `syslogd` for the rest.

use crate::dmesg::clock::{self, Clock};
use crate::dmesg::entry::Caller;
use crate::dmesg::scan::Scan;
use crate::dmesg::split::{self, Split};
use crate::dmesg::stamp::{caller_id, stamp};
use crate::time::KernelTime;

/// A line of the kernel's, or what is left of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Record<'a> {
    pub(super) time: Option<KernelTime>,
    pub(super) caller: Option<Caller>,
    pub(super) clock: Option<Clock>,
    pub(super) text: &'a str,
    /// The line began with a blank: it is a line of a dump, and not the rest of another line.
    pub(super) is_indented: bool,
}

/// More prefixes than any logger stacks.
const MAX_PREFIXES: usize = 8;

/// Longer than any stamp or id in brackets.
const MAX_BRACKET: usize = 40;

const FACILITIES: [&str; 4] = ["kern", "user", "daemon", "syslog"];

const LEVELS: [&str; 8] = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];

/// Calls `out` for each record on a line; there is none on an empty line.
pub(super) fn records(line: &str, out: &mut impl FnMut(Record<'_>)) {
    let mut record = strip(line);
    // Hosts are only searched for where the line begins with a logger's clock.
    let mut split = Split::new(line, record.clock.is_some());
    let mut from = 0;
    loop {
        let begins = line.len() - record.text.len();
        let next = split.next(begins).filter(|&next| next > from);
        let text = &line[begins..next.unwrap_or(line.len())];
        let is_prompt = next.is_some() && record.time.is_none() && split::is_prompt(text);
        if !text.trim().is_empty() && !is_prompt {
            out(Record { text, ..record });
        }
        let Some(next) = next else { return };
        from = next;
        record = strip(&line[from..]);
    }
}

/// Without what moves a terminal's cursor or colours its text.
pub(super) fn without_escapes(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\0' => {}
            '\x1b' => {
                if chars.next() == Some('[') {
                    _ = chars.find(|c| ('@'..='~').contains(c));
                }
            }
            _ => out.push(c),
        }
    }
    out
}

/// Takes what is before a record's text.
fn strip(line: &str) -> Record<'_> {
    let mut record = Record { text: line, ..Record::default() };
    record.is_indented = line.starts_with([' ', '\t']);
    for _ in 0..MAX_PREFIXES {
        let mut scan = Scan(record.text);
        scan.blanks();
        let is_stamped = record.time.is_some() || record.caller.is_some();
        let taken = if is_stamped {
            // The blanks behind a stamp are the text's.
            scan = Scan(record.text);
            caller(&mut scan, &mut record)
                .or_else(|| whole(&mut scan, split::host))
                .or_else(|| whole(&mut scan, of_a_vendor))
        } else {
            stamped(&mut scan, &mut record)
                .or_else(|| caller(&mut scan, &mut record))
                .or_else(|| kmsg(&mut scan, &mut record))
                .or_else(|| of_a_logger(&mut scan, &mut record))
        };
        if taken.is_none() {
            break;
        }
        record.text = scan.0;
    }
    if record.time.is_some() || record.caller.is_some() {
        // One blank belongs to the stamp.
        record.is_indented = record.text.starts_with("  ") || record.text.starts_with(" \t");
    }
    record
}

/// Takes what `read` reads, or nothing if a part of it is missing.
fn whole<'a, T>(scan: &mut Scan<'a>, read: impl FnOnce(&mut Scan<'a>) -> Option<T>) -> Option<T> {
    let mut ahead = *scan;
    let value = read(&mut ahead)?;
    *scan = ahead;
    Some(value)
}

/// `[  254.202183]`, or without the first bracket.
fn stamped(scan: &mut Scan<'_>, record: &mut Record<'_>) -> Option<()> {
    let (time, _) = whole(scan, |scan| {
        let has_bracket = scan.tag("[").is_some();
        stamp(scan).filter(|&(_, places)| has_bracket || places == 6)
    })?;
    record.time = Some(time);
    Some(())
}

/// `[    C7]`, `[T3731890]`; newer ones of `dmesg` put a blank before it.
fn caller(scan: &mut Scan<'_>, record: &mut Record<'_>) -> Option<()> {
    if record.caller.is_some() {
        return None;
    }
    record.caller = Some(whole(scan, |scan| {
        _ = scan.tag(" ");
        caller_id(bracket(scan)?.trim_start())
    })?);
    Some(())
}

/// `4,5014,12915314503,-;` of `/dev/kmsg`, microseconds the third; netconsole adds `,caller=T16`.
fn kmsg(scan: &mut Scan<'_>, record: &mut Record<'_>) -> Option<()> {
    let (micros, fields) = whole(scan, |scan| {
        scan.decimal::<u32>()?;
        scan.tag(",")?;
        scan.decimal::<u64>()?;
        scan.tag(",")?;
        let micros: u64 = scan.decimal()?;
        scan.tag(",")?;
        let fields = scan.take(|b| b.is_ascii_alphanumeric() || b"-+,=/".contains(&b));
        scan.tag(";")?;
        Some((micros.checked_mul(1_000)?, fields))
    })?;
    record.time = Some(KernelTime::from_ns(micros));
    record.caller = fields.split(',').find_map(|field| caller_id(field.strip_prefix("caller=")?));
    Some(())
}

/// Takes a prefix that says nothing about the kernel's time.
fn of_a_logger(scan: &mut Scan<'_>, record: &mut Record<'_>) -> Option<()> {
    let says_nothing = whole(scan, |scan| scan.any(&["| ", "kernel:"]))
        .or_else(|| whole(scan, quote))
        .or_else(|| whole(scan, level))
        .or_else(|| whole(scan, facility));
    if says_nothing.is_some() {
        return Some(());
    }
    let clock = whole(scan, |scan| clock::in_brackets(bracket(scan)?))
        .or_else(|| whole(scan, split::host_prefix))
        .or_else(|| whole(scan, host_of_netconsole))
        .or_else(|| whole(scan, rfc5424))
        .or_else(|| whole(scan, iso))?;
    record.clock = record.clock.or(Some(clock));
    Some(())
}

/// A clock with a blank behind it.
fn iso(scan: &mut Scan<'_>) -> Option<Clock> {
    let clock = clock::iso(scan)?;
    scan.tag(" ").map(|()| clock)
}

/// A clock and a host's name before what the extended netconsole sent: `May 25 07:29:42 worker0 4,5014,12915314503,-;`.
fn host_of_netconsole(scan: &mut Scan<'_>) -> Option<Clock> {
    let clock = clock::of_a_calendar(scan)?;
    scan.tag(" ")?;
    let name = scan.take(|b| b.is_ascii_alphanumeric() || b".:-_".contains(&b));
    (!name.is_empty()).then_some(())?;
    scan.tag(" ")?;
    kmsg(&mut { *scan }, &mut Record::default()).map(|()| clock)
}

/// `1 2025-05-12T22:29:52.686659+02:00 worker0 kernel - - - `.
fn rfc5424(scan: &mut Scan<'_>) -> Option<Clock> {
    scan.tag("1 ")?;
    let clock = clock::iso(scan)?;
    scan.tag(" ")?;
    let name = scan.take(|b| b.is_ascii_graphic());
    (!name.is_empty()).then_some(())?;
    scan.tag(" kernel - - - ").map(|()| clock)
}

/// What vendors' kernels put behind the stamp: Samsung's `[0:    kworker/0:1:  123] `, MediaTek's `(3)[77:bash]`,
/// Spreadtrum's `c0 `.
fn of_a_vendor(scan: &mut Scan<'_>) -> Option<()> {
    if scan.tag("c").is_some() {
        scan.cpu()?;
        return scan.tag(" ");
    }
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    scan.blanks();
    _ = scan.any(&["-", "I"]);
    if scan.tag("(").is_some() {
        scan.cpu()?;
        scan.tag(")")?;
        let (pid, comm) = bracket(scan)?.split_once(':')?;
        return (is_number(pid) && !comm.is_empty()).then_some(());
    }
    let (cpu, task) = bracket(scan)?.split_once(':')?;
    let (comm, pid) = task.rsplit_once(':')?;
    (is_number(cpu) && is_number(pid.trim()) && !comm.trim().is_empty()).then_some(())?;
    scan.tag(" ")
}

/// `> > `, `>>`, of a mail.
fn quote(scan: &mut Scan<'_>) -> Option<()> {
    scan.tag(">")?;
    scan.take(|b| b == b'>' || b == b' ');
    Some(())
}

/// `<4>`.
fn level(scan: &mut Scan<'_>) -> Option<()> {
    scan.tag("<")?;
    scan.decimal::<u8>()?;
    scan.tag(">")
}

/// `kern  :emerg : `, of `dmesg -x`.
fn facility(scan: &mut Scan<'_>) -> Option<()> {
    scan.any(&FACILITIES)?;
    scan.blanks();
    scan.tag(":")?;
    scan.any(&LEVELS)?;
    scan.blanks();
    scan.tag(":")
}

/// What is in brackets, if it is short.
fn bracket<'a>(scan: &mut Scan<'a>) -> Option<&'a str> {
    scan.tag("[")?;
    let end = scan.0.bytes().take(MAX_BRACKET).position(|b| b == b']')?;
    let inside = &scan.0[..end];
    scan.0 = &scan.0[end + 1..];
    Some(inside)
}
