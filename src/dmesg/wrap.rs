//! Lines that a terminal, a mailer or a syslog broke in two.

use crate::dmesg::classify::classify;
use crate::dmesg::line::Line;
use crate::dmesg::message::Message;
use crate::dmesg::open::{Open, Place};
use crate::dmesg::prefix::Record;
use crate::dmesg::trace;

/// Wrapped lines are shorter.
pub(super) const MAX_WRAPPED: usize = 512;

/// The line just read, which is the last entry, if it may go on in the next line.
pub(super) struct Cut {
    /// Its text, unless the entry has it.
    pub(super) head: Option<String>,
    pub(super) place: Place,
    /// Its kind is known, though the end of it is missing.
    pub(super) is_headline: bool,
    /// What was open before it.
    pub(super) before: Open,
}

impl Cut {
    /// The line before and this one as one line, with what that line says, if it makes sense. The rest of a line has no
    /// stamp and no caller, or the same as its beginning, where what broke it was a logger.
    pub(super) fn join(
        &self,
        head: &str,
        record: &Record<'_>,
        line: &Line,
    ) -> Option<(String, Line)> {
        let is_rest = (record.time.is_none() || record.time == self.place.time)
            && (record.caller.is_none() || record.caller == self.place.caller);
        if !is_rest || record.text.len() > MAX_WRAPPED {
            return None;
        }
        let joined = || [head, record.text.trim()].concat();
        match line {
            Line::Unknown => {
                let mut joined = joined();
                for _ in 0..2 {
                    let line = classify(&joined);
                    if line != Line::Unknown && (is_whole(&line) || !self.is_headline) {
                        return Some((joined, line));
                    }
                    // The blank at which it was broken may be gone.
                    joined.insert(head.len(), ' ');
                }
                None
            }
            // `smp_call_f` and `unction_many+0x308/0x370`.
            Line::Frame { symbol: Some(_), .. }
                if self.before.trace.is_some() && !record.is_indented =>
            {
                let joined = joined();
                let line = classify(&joined);
                let is_frame = matches!(line, Line::Frame { symbol: Some(_), .. });
                (is_frame && trace::is_symbol(head)).then_some((joined, line))
            }
            _ => None,
        }
    }
}

/// Whether nothing is missing at its end.
fn is_whole(line: &Line) -> bool {
    !matches!(line, Line::Says(Message::SoftLockup { comm: None, .. }))
}
