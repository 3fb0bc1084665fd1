//! The last entries, which later lines may still belong to.

use std::collections::VecDeque;

use crate::dmesg::entry::Entry;
use crate::dmesg::message::Message;

/// So many entries may begin between two lines of a dump.
const MAX_ENTRIES: usize = 1_024;

/// So many bytes of lines that belong to no class are held, whatever their number.
const MAX_BYTES: usize = 1 << 20;

/// Entries by their number in the log, of which the oldest are given out.
#[derive(Default)]
pub(super) struct Window {
    /// How many were given out.
    given: usize,
    entries: VecDeque<Entry>,
    /// Bytes of text in the entries.
    bytes: usize,
}

impl Window {
    /// The number that the next entry gets.
    pub(super) fn next(&self) -> usize {
        self.given + self.entries.len()
    }

    pub(super) fn push(&mut self, entry: Entry) {
        self.bytes += bytes(&entry);
        self.entries.push_back(entry);
    }

    /// Takes back the entry that was pushed last.
    pub(super) fn take_back(&mut self) {
        let entry = self.entries.pop_back();
        self.bytes -= entry.as_ref().map_or(0, bytes);
    }

    /// The text of the last entry, if that is a line that belongs to no class.
    pub(super) fn last_text(&self) -> Option<&str> {
        match &self.entries.back()?.message {
            Message::Other(text) => Some(text),
            _ => None,
        }
    }

    /// What this entry says, if it is not given out yet.
    pub(super) fn message(&mut self, number: usize) -> Option<&mut Message> {
        let index = number.checked_sub(self.given)?;
        self.entries.get_mut(index).map(|entry| &mut entry.message)
    }

    /// Whether this entry is given out.
    pub(super) fn is_given(&self, number: usize) -> bool {
        number < self.given
    }

    /// Whether an entry is to be given out before the next line is read.
    pub(super) fn is_full(&self) -> bool {
        let has_others = self.entries.len() > 1;
        self.entries.len() > MAX_ENTRIES || (self.bytes > MAX_BYTES && has_others)
    }

    /// Gives out the oldest entry.
    pub(super) fn give(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.given += 1;
        self.bytes -= bytes(&entry);
        Some(entry)
    }
}

/// The text of a line that belongs to no class: only that can be long.
fn bytes(entry: &Entry) -> usize {
    match &entry.message {
        Message::Other(text) => text.len(),
        _ => 0,
    }
}
