//! Which class a line belongs to.

use crate::dmesg::line::Line;
use crate::dmesg::{
    boot, csd, fault, flags, headline, lockup, rcu, regs, state, task, trace, usage, work,
};

/// Reads one class of lines.
struct Reader {
    /// Whether a line can be of the class: most lines are of none, and the sooner that is known, the better.
    begins: fn(&str) -> bool,
    read: fn(&str) -> Option<Line>,
}

const READERS: [Reader; 11] = [
    Reader { begins: regs::begins, read: regs::read },
    Reader { begins: |text| lockup::BEGINS.fits(text), read: lockup::read },
    Reader { begins: |text| csd::BEGINS.fits(text), read: csd::read },
    Reader { begins: |text| fault::BEGINS.fits(text), read: fault::read },
    Reader { begins: |text| headline::BEGINS.fits(text), read: headline::read },
    Reader { begins: |text| usage::BEGINS.fits(text), read: usage::read },
    Reader { begins: |text| boot::BEGINS.fits(text), read: boot::read },
    Reader { begins: rcu::begins, read: rcu::read },
    Reader { begins: |text| state::BEGINS.fits(text), read: state::read },
    Reader { begins: |text| flags::BEGINS.fits(text), read: flags::read },
    Reader { begins: |text| trace::BEGINS.fits(text), read: trace::read },
];

/// What the text of a line says. No line is of two classes.
pub(super) fn classify(text: &str) -> Line {
    work::looks(text.len());
    let fits = |reader: &&Reader| (reader.begins)(text);
    trace::frame(text)
        .or_else(|| READERS.iter().filter(fits).find_map(|reader| (reader.read)(text)))
        .or_else(|| task::read(text))
        .or_else(|| lockup::behind_words(text))
        .unwrap_or(Line::Unknown)
}

/// Whether a line that says nothing can be the beginning of one that does.
pub(super) fn may_go_on(text: &str) -> bool {
    let is_frame = text.starts_with('[') || !text.contains(' ');
    is_frame || READERS.iter().any(|reader| (reader.begins)(text))
}
