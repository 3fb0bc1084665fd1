//! What one line of a console can say.

use crate::dmesg::message::Message;

/// What one line says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Something by itself.
    Says(Message),
    /// Several things at once, never none.
    Several(Vec<Message>),
    /// Whether the fault before it was a write.
    Access(bool),
    /// The interrupt priority mask, `true` if it masks: belongs to the pstate before it.
    Pmr(bool),
    /// powerpc's `SOFTE`, whose sense depends on the kernel: see [`super::flags::softe`].
    Softe(u8),
    /// Registers of s390 without their names: they follow on those of the line before.
    Row(Vec<u64>),
    /// A place in a call trace.
    Frame {
        /// The function; `None` for a guess, an address or a marker alone.
        symbol: Option<String>,
        /// A marker before it says that an interrupt, an NMI or an exception came in here.
        interrupted: bool,
    },
    /// Nothing known.
    Unknown,
}
