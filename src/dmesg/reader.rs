//! From bytes to entries.

use std::io::BufRead;

use crate::dmesg::assemble::Assembly;
use crate::dmesg::entry::Entry;

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

    /// The next line, with what ends it.
    fn next_line(&mut self) -> &'a [u8] {
        let longest = &self.rest[..MAX_LINE.min(self.rest.len())];
        let mut after = longest;
        let len = after.skip_until(b'\n').unwrap_or(longest.len());
        let (line, rest) = self.rest.split_at(len);
        self.rest = rest;
        line
    }
}

impl Iterator for Entries<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        while !self.assembly.entries.is_full() && !self.rest.is_empty() {
            let line = self.next_line();
            match str::from_utf8(line) {
                Ok(text) => self.assembly.line(self.line, text),
                Err(_) => self.assembly.line(self.line, &String::from_utf8_lossy(line)),
            }
            self.line += usize::from(line.ends_with(b"\n"));
        }
        if self.rest.is_empty() {
            self.assembly.finish();
        }
        self.assembly.entries.give()
    }
}

impl std::fmt::Debug for Entries<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entries").field("line", &self.line).finish_non_exhaustive()
    }
}
