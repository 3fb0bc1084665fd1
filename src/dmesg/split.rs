//! Where one record ends and the next begins, on a line that holds several: a console that lost its line ends, a paste
//! that joined lines.

use crate::dmesg::clock::{self, Clock};
use crate::dmesg::scan::Scan;
use crate::dmesg::stamp::stamp;
use crate::dmesg::work;

/// Longer than a date and a host's name.
const MAX_HOST: usize = 100;

/// What a syslog puts before the kernel's words.
const KERNEL: &str = "kernel:";

/// Searches a line from left to right, each part of it once.
pub(super) struct Split<'a> {
    line: &'a str,
    stamp: Ahead,
    host: Ahead,
}

/// What a search has found ahead of where it was asked for.
#[derive(Clone, Copy)]
enum Ahead {
    /// The search has not begun.
    Unknown,
    /// The first one.
    At(usize),
    /// None in the rest of the line.
    Nowhere,
}

impl<'a> Split<'a> {
    pub(super) fn new(line: &'a str, has_hosts: bool) -> Self {
        let host = if has_hosts { Ahead::Unknown } else { Ahead::Nowhere };
        Split { line, stamp: Ahead::Unknown, host }
    }

    /// Where the next record begins: at its stamp, or at the date and the host before it.
    pub(super) fn next(&mut self, from: usize) -> Option<usize> {
        let stamp = self.stamp.next(self.line, from, next_stamp);
        let host = self.host.next(self.line, from, next_host);
        stamp.into_iter().chain(host).min()
    }
}

impl Ahead {
    fn next(
        &mut self,
        line: &str,
        from: usize,
        find: fn(&str, usize) -> Option<usize>,
    ) -> Option<usize> {
        match *self {
            Ahead::At(at) if at >= from => return Some(at),
            Ahead::Nowhere => return None,
            Ahead::At(_) | Ahead::Unknown => {}
        }
        let found = find(line, from);
        work::looks(found.unwrap_or(line.len()) - from);
        *self = found.map_or(Ahead::Nowhere, Ahead::At);
        found
    }
}

/// A stamp with six places.
fn next_stamp(line: &str, from: usize) -> Option<usize> {
    line[from..].match_indices('[').map(|(at, _)| from + at).find(|&at| {
        let mut scan = Scan(&line[at + 1..]);
        stamp(&mut scan).is_some_and(|(_, places)| places == 6)
    })
}

/// `Jan 23 23:39:43 worker0 kernel:`, `2025-05-12T22:29:52+02:00 worker0 kernel:`.
fn next_host(line: &str, from: usize) -> Option<usize> {
    let mut searched = from;
    let colons = line[from..].match_indices(':').map(|(at, _)| from + at + 1);
    let ends = colons.filter(|&end| line[..end].ends_with(KERNEL));
    ends.map(|end| end - KERNEL.len()).filter(|&at| at >= from).find_map(|at| {
        let starts = searched.max(at.saturating_sub(MAX_HOST))..at;
        searched = at + KERNEL.len();
        starts.filter(|&start| line.is_char_boundary(start)).find(|&start| {
            let mut scan = Scan(&line[start..]);
            let begins = start == 0 || !line.as_bytes()[start - 1].is_ascii_digit();
            begins && host_prefix(&mut scan).is_some() && line.len() - scan.0.len() == searched
        })
    })
}

/// Takes a logger's clock, a host's name and `kernel:`.
pub(super) fn host_prefix(scan: &mut Scan<'_>) -> Option<Clock> {
    let mut ahead = *scan;
    let clock = match clock::of_a_calendar(&mut ahead) {
        Some(clock) => clock,
        None => {
            ahead = *scan;
            clock::iso(&mut ahead)?
        }
    };
    *scan = ahead;
    host(scan).map(|()| clock)
}

/// Takes a host's name, or none, and `kernel:`.
pub(super) fn host(scan: &mut Scan<'_>) -> Option<()> {
    scan.tag(" ")?;
    scan.blanks();
    if scan.0.starts_with(KERNEL) {
        return scan.tag(KERNEL);
    }
    let name = scan.take(|b| b.is_ascii_alphanumeric() || b".:-_".contains(&b));
    scan.tag(" ").filter(|()| name.len() <= MAX_HOST)?;
    scan.blanks();
    scan.tag(KERNEL)
}

/// Whether this is what a shell or a getty left on the line before the kernel printed.
pub(super) fn is_prompt(text: &str) -> bool {
    text.trim_end().ends_with("login:") || text.trim_end().ends_with(['#', '$', '>'])
}
