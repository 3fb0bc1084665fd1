//! Where one record ends and the next begins, on a line that holds several: a console that lost its line ends, a paste
//! that joined lines.

use crate::dmesg::clock::{self, Clock};
use crate::dmesg::prefix::stamp;
use crate::dmesg::scan::Scan;

/// Longer than a date and a host's name.
const MAX_HOST: usize = 100;

/// What a syslog puts before the kernel's words.
const KERNEL: &str = "kernel:";

/// Where the next record begins: at its stamp, or at the date and the host before it.
pub(super) fn next_record(text: &str) -> Option<usize> {
    let stamped = next_stamp(text);
    let before = stamped.map_or(text, |at| &text[..at]);
    next_host(before).or(stamped)
}

/// A stamp with six places.
fn next_stamp(text: &str) -> Option<usize> {
    text.match_indices('[').map(|(at, _)| at).find(|&at| {
        let mut scan = Scan(&text[at + 1..]);
        stamp(&mut scan).is_some_and(|(_, places)| places == 6)
    })
}

/// `Jan 23 23:39:43 worker0 kernel:`, `2025-05-12T22:29:52+02:00 worker0 kernel:`.
fn next_host(text: &str) -> Option<usize> {
    let mut searched = 0;
    text.match_indices(KERNEL).find_map(|(at, _)| {
        let from = searched.max(at.saturating_sub(MAX_HOST));
        searched = at + KERNEL.len();
        (from..at).filter(|&from| text.is_char_boundary(from)).find(|&from| {
            let mut scan = Scan(&text[from..]);
            let begins = from == 0 || !text.as_bytes()[from - 1].is_ascii_digit();
            begins && host_prefix(&mut scan).is_some() && text.len() - scan.0.len() == searched
        })
    })
}

/// Takes a logger's clock, a host's name and `kernel:`.
pub(super) fn host_prefix(scan: &mut Scan<'_>) -> Option<Clock> {
    let clock = match clock::without_year(scan) {
        Some(clock) => clock,
        None => clock::iso(scan)?,
    };
    let mut end = MAX_HOST.min(scan.0.len());
    while !scan.0.is_char_boundary(end) {
        end -= 1;
    }
    let at = scan.0[..end].find(KERNEL)?;
    let host = &scan.0[..at];
    let is_part = |c: char| c.is_ascii_alphanumeric() || " .:-_".contains(c);
    let words = host.split(' ').filter(|word| !word.is_empty()).count();
    let is_host = host.starts_with(' ') && host.ends_with(' ') && host.chars().all(is_part);
    scan.0 = &scan.0[at + KERNEL.len()..];
    (is_host && words <= 1).then_some(clock)
}

/// Whether this is what a shell or a getty left on the line before the kernel printed.
pub(super) fn is_prompt(text: &str) -> bool {
    text.trim_end().ends_with("login:") || text.trim_end().ends_with(['#', '$', '>'])
}
