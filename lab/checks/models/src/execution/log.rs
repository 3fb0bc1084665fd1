//! What an execution did, step by step.

use std::fmt;

use softlockup::sync::{Ordering, Site};

/// One step of one CPU.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The CPU.
    pub(crate) cpu: usize,
    /// Where in the source.
    pub(crate) at: Site,
    /// What it did.
    pub(crate) what: What,
}

/// What a CPU did.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// An operation on an atomic.
    Access(Access),
    /// It waited.
    Relax,
    /// It called the part.
    Call(&'static str),
    /// The part returned this; empty for `()`.
    Return(String),
    /// A remark of the model.
    Note(String),
    /// It broke a rule, and so the execution ended.
    Fail(String),
    /// It touched data, unordered with another CPU's access; so the execution ended.
    Race(Race),
}

/// An operation on an atomic.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    /// The method's name.
    pub(crate) name: &'static str,
    /// The order that applied: of a `compare_exchange` that failed, the second.
    pub(crate) order: Ordering,
    /// What it read.
    pub(crate) read: Option<Read>,
    /// What it wrote.
    pub(crate) wrote: Option<u64>,
}

/// What an operation read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read {
    /// The value.
    pub(crate) value: u64,
    /// The step that stored it, if the log has that.
    pub(crate) from: Option<usize>,
    /// If a newer store exists: its value, which may be the same.
    pub(crate) newest: Option<u64>,
}

/// Two accesses to data, and nothing orders them.
#[derive(Clone, Debug)]
pub(crate) struct Race {
    /// The second access, in words.
    pub(crate) does: String,
    /// The step of the first, if the log has that.
    pub(crate) other: Option<usize>,
}

/// How an execution went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Race,
    Broken,
    WaitsForEver,
    Spins,
    Panics,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Race => "RACE",
            Kind::Broken => "BROKEN",
            Kind::WaitsForEver => "WAITS FOR EVER",
            Kind::Spins => "SPINS",
            Kind::Panics => "PANIC",
        })
    }
}

/// Whether a load with this order takes what was handed on.
pub(crate) fn acquires(order: Ordering) -> bool {
    matches!(order, Ordering::Acquire | Ordering::AcqRel | Ordering::SeqCst)
}

/// Whether a store with this order hands on what came before it.
pub(crate) fn releases(order: Ordering) -> bool {
    matches!(order, Ordering::Release | Ordering::AcqRel | Ordering::SeqCst)
}
