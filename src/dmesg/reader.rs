//! From bytes to entries.

use crate::dmesg::assemble::Assembly;
use crate::dmesg::entry::Entry;
use crate::dmesg::prefix;

/// A longer line is read as several.
const MAX_LINE: usize = 2 << 20;

/// The entries of a log, one after the other: see [`entries`](super::entries).
pub struct Entries<'a> {
    rest: &'a [u8],
    /// The number of the line that `rest` begins in, from 1.
    line: usize,
    assembly: Assembly,
}

impl<'a> Entries<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Entries { rest: bytes, line: 1, assembly: Assembly::default() }
    }

    /// The next line and its number. A lone `\r` ends a line too, but an editor does not count it.
    fn next_line(&mut self) -> Option<(usize, &'a [u8])> {
        if self.rest.is_empty() {
            return None;
        }
        let number = self.line;
        let longest = MAX_LINE.min(self.rest.len());
        let end = self.rest[..longest].iter().position(|&byte| byte == b'\n' || byte == b'\r');
        let (line, rest) = self.rest.split_at(end.unwrap_or(longest));
        self.rest = rest;
        if end.is_some() {
            self.line += usize::from(rest[0] == b'\n');
            self.rest = &rest[1..];
        }
        Some((number, line))
    }
}

impl Iterator for Entries<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        while !self.assembly.entries.is_full() {
            let Some((number, line)) = self.next_line() else { break };
            let line = String::from_utf8_lossy(line);
            prefix::records(&line, &mut |record| self.assembly.record(number, &record));
        }
        self.assembly.entries.give()
    }
}

impl std::fmt::Debug for Entries<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entries").field("line", &self.line).finish_non_exhaustive()
    }
}
