//! What loggers put before a kernel's words: stamps, caller ids, levels, host names.
//!
//! In Linux: `print_prefix`, `info_print_ext_header` (`kernel/printk/printk.c`); `dmesg` and `syslogd` for the rest.

use std::borrow::Cow;

use crate::dmesg::scan::Scan;
use crate::time::{KernelTime, NSEC_PER_SEC};

/// A line of the kernel's, or what is left of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Record<'a> {
    pub(super) time: Option<KernelTime>,
    /// `C7` or `T3731890`; empty if the log does not say.
    pub(super) caller: &'a str,
    pub(super) text: &'a str,
    /// The line began with a blank: it is a line of a dump, and not the rest of another line.
    pub(super) is_indented: bool,
}

/// More prefixes than any logger stacks.
const MAX_PREFIXES: usize = 8;

/// Longer than any stamp or id in brackets.
const MAX_BRACKET: usize = 40;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

const FACILITIES: [&str; 4] = ["kern", "user", "daemon", "syslog"];

const LEVELS: [&str; 8] = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];

/// Calls `out` for each record on a line; there is none on an empty line.
pub(super) fn records(line: &str, out: &mut impl FnMut(Record<'_>)) {
    let line = without_escapes(line);
    let mut record = strip(&line);
    loop {
        let next = next_stamp(record.text);
        let text = next.map_or(record.text, |at| &record.text[..at]);
        let is_prompt = next.is_some() && record.time.is_none() && is_prompt(text);
        if !text.trim().is_empty() && !is_prompt {
            out(Record { text, ..record });
        }
        let Some(at) = next else { return };
        record = strip(&record.text[at..]);
    }
}

/// Without what moves a terminal's cursor or colours its text.
fn without_escapes(line: &str) -> Cow<'_, str> {
    const ESCAPE: char = '\x1b';
    if !line.contains([ESCAPE, '\0']) {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\0' => {}
            ESCAPE => {
                if chars.next() == Some('[') {
                    _ = chars.find(|c| ('@'..='~').contains(c));
                }
            }
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Where the next record begins, on a line that holds several.
fn next_stamp(text: &str) -> Option<usize> {
    text.match_indices('[').map(|(at, _)| at).find(|&at| {
        let mut scan = Scan(&text[at..]);
        scan.tag("[").and_then(|()| stamp(&mut scan)).is_some_and(|(_, places)| places == 6)
    })
}

/// Whether this is what a shell or a getty left on the line before the kernel printed.
fn is_prompt(text: &str) -> bool {
    text.trim_end().ends_with("login:") || text.trim_end().ends_with(['#', '$', '>'])
}

/// Takes what is before a record's text.
fn strip(line: &str) -> Record<'_> {
    let mut record = Record { text: line, ..Record::default() };
    record.is_indented = line.starts_with([' ', '\t']);
    for _ in 0..MAX_PREFIXES {
        let mut scan = Scan(record.text);
        scan.blanks();
        let is_stamped = record.time.is_some() || !record.caller.is_empty();
        let taken = if is_stamped {
            // The blanks behind a stamp are the text's.
            scan = Scan(record.text);
            caller(&mut scan, &mut record)
        } else {
            stamped(&mut scan, &mut record)
                .or_else(|| caller(&mut scan, &mut record))
                .or_else(|| kmsg(&mut scan, &mut record))
                .or_else(|| of_a_logger(&mut scan))
        };
        if taken.is_none() {
            break;
        }
        record.text = scan.0;
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
fn stamped<'a>(scan: &mut Scan<'a>, record: &mut Record<'a>) -> Option<()> {
    let (time, _) = whole(scan, |scan| {
        let has_bracket = scan.tag("[").is_some();
        stamp(scan).filter(|&(_, places)| has_bracket || places == 6)
    })?;
    record.time = Some(time);
    Some(())
}

/// The rest of a stamp, and how many decimal places it has.
fn stamp(scan: &mut Scan<'_>) -> Option<(KernelTime, u32)> {
    scan.blanks();
    let secs: u64 = scan.decimal()?;
    scan.tag(".")?;
    let digits = scan.take(|c| c.is_ascii_digit());
    scan.tag("]")?;
    let places = u32::try_from(digits.len()).ok().filter(|places| (1..=9).contains(places))?;
    let fraction = digits.parse::<u64>().ok()? * 10_u64.pow(9 - places);
    let ns = secs.checked_mul(NSEC_PER_SEC)?.checked_add(fraction)?;
    Some((KernelTime::from_ns(ns), places))
}

/// `[    C7]`, `[T3731890]`.
fn caller<'a>(scan: &mut Scan<'a>, record: &mut Record<'a>) -> Option<()> {
    if !record.caller.is_empty() {
        return None;
    }
    record.caller = whole(scan, |scan| {
        let id = bracket(scan)?.trim_start();
        let number = id.strip_prefix(['C', 'T'])?;
        (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then_some(id)
    })?;
    Some(())
}

/// `4,5014,12915314503,-;` of `/dev/kmsg`, microseconds the third; netconsole adds `,caller=T16`.
fn kmsg<'a>(scan: &mut Scan<'a>, record: &mut Record<'a>) -> Option<()> {
    let (micros, fields) = whole(scan, |scan| {
        scan.decimal::<u32>()?;
        scan.tag(",")?;
        scan.decimal::<u64>()?;
        scan.tag(",")?;
        let micros: u64 = scan.decimal()?;
        scan.tag(",")?;
        let fields = scan.take(|c| c.is_ascii_alphanumeric() || "-+,=/".contains(c));
        scan.tag(";")?;
        Some((micros.checked_mul(1_000)?, fields))
    })?;
    record.time = Some(KernelTime::from_ns(micros));
    record.caller = fields.split(',').find_map(|f| f.strip_prefix("caller=")).unwrap_or("");
    Some(())
}

/// Takes a prefix that says nothing about the kernel's time.
fn of_a_logger(scan: &mut Scan<'_>) -> Option<()> {
    whole(scan, |scan| scan.any(&["| ", "> ", ">>> ", "kernel:"]))
        .or_else(|| whole(scan, level))
        .or_else(|| whole(scan, facility))
        .or_else(|| whole(scan, calendar))
        .or_else(|| whole(scan, syslog))
        .or_else(|| whole(scan, clock))
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

/// `[Thu Oct 30 06:21:23 2025]`, `[Nov 3 13:15]`, `[ +0.000003]`, of `dmesg -T` and `-e`.
fn calendar(scan: &mut Scan<'_>) -> Option<()> {
    let inside = bracket(scan)?.trim_start();
    let is_delta = inside.strip_prefix('+').is_some_and(|rest| {
        rest.contains('.') && rest.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    });
    let is_date = |names: &[&str]| {
        names.iter().any(|&name| inside.strip_prefix(name).is_some_and(|r| r.starts_with(' ')))
    };
    (is_delta || is_date(&MONTHS) || is_date(&WEEKDAYS)).then_some(())
}

/// `2024-10-19`, `09:03:34.391`, `2025-05-12T22:29:52.686659+02:00`: with a blank behind it, and a syslog's host.
fn clock(scan: &mut Scan<'_>) -> Option<()> {
    let token = scan.take(|c| c.is_ascii_digit() || ":.,+-TZ".contains(c));
    let has_shape = |shape: &str| {
        token.len() >= shape.len()
            && shape.bytes().zip(token.bytes()).all(|(want, is)| match want {
                b'0' => is.is_ascii_digit(),
                _ => is == want,
            })
    };
    let is_date = has_shape("0000-00-00") && (token.len() == 10 || has_shape("0000-00-00T00:00"));
    let is_time = has_shape("00:00:00") && !token[8..].starts_with(':');
    (is_date || is_time).then_some(())?;
    scan.tag(" ")?;
    _ = whole(scan, |scan| host(scan, 1));
    Some(())
}

/// `Jan 23 23:39:43 worker0 kernel:`.
fn syslog(scan: &mut Scan<'_>) -> Option<()> {
    MONTHS.iter().any(|month| scan.0.starts_with(month)).then_some(())?;
    host(scan, 4)
}

/// Up to `kernel:`, at most this many words.
fn host(scan: &mut Scan<'_>, most: usize) -> Option<()> {
    const LONGEST: usize = 100;
    let before = scan.until("kernel:")?;
    let words = before.split(' ').filter(|word| !word.is_empty()).count();
    let is_part = |c: char| c.is_ascii_alphanumeric() || " .:-_".contains(c);
    let is_host = before.len() <= LONGEST && before.ends_with(' ') && before.chars().all(is_part);
    (is_host && words <= most).then_some(())
}

/// What is in brackets, if it is short.
fn bracket<'a>(scan: &mut Scan<'a>) -> Option<&'a str> {
    scan.tag("[")?;
    let end = scan.0.bytes().take(MAX_BRACKET).position(|b| b == b']')?;
    let inside = &scan.0[..end];
    scan.0 = &scan.0[end + 1..];
    Some(inside)
}
