//! What one line of a console can say.

use crate::cpumask::CpuId;
use crate::dmesg::message::Message;

/// What one line says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Something by itself.
    Says(Message),
    /// A hard lockup of several CPUs.
    HardLockups(Vec<CpuId>, CpuId),
    /// Whether the fault before it was a write.
    Access(bool),
    /// The interrupt priority mask, `true` if it masks: belongs to the pstate before it.
    Pmr(bool),
    /// A place in a call trace, `None` for one to leave out.
    Frame(Option<String>),
    /// Nothing known.
    Unknown,
}
