//! Which class a line belongs to.

use crate::dmesg::begins::Begins;
use crate::dmesg::line::Line;
use crate::dmesg::{
    boot, csd, fault, flags, headline, lockup, rcu, regs, state, task, trace, usage, work,
};

/// Reads one class of lines.
struct Reader {
    /// The first bytes that its lines can have: most lines belong to no class, and the sooner that is known, the better.
    begins: Begins,
    read: fn(&str) -> Option<Line>,
}

const READERS: [Reader; 11] = [
    Reader { begins: regs::BEGINS, read: regs::read },
    Reader { begins: lockup::BEGINS, read: lockup::read },
    Reader { begins: csd::BEGINS, read: csd::read },
    Reader { begins: fault::BEGINS, read: fault::read },
    Reader { begins: headline::BEGINS, read: headline::read },
    Reader { begins: usage::BEGINS, read: usage::read },
    Reader { begins: boot::BEGINS, read: boot::read },
    Reader { begins: rcu::BEGINS, read: rcu::read },
    Reader { begins: state::BEGINS, read: state::read },
    Reader { begins: flags::BEGINS, read: flags::read },
    Reader { begins: trace::BEGINS, read: trace::read },
];

/// What the text of a line says. No line is of two classes.
pub(super) fn classify(text: &str) -> Line {
    work::looks(text.len());
    let Some(&first) = text.as_bytes().first() else { return Line::Unknown };
    let fits = |reader: &&Reader| reader.begins.contains(first);
    trace::frame(text)
        .or_else(|| READERS.iter().filter(fits).find_map(|reader| (reader.read)(text)))
        .or_else(|| task::read(text))
        .unwrap_or(Line::Unknown)
}
