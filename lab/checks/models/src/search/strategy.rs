//! Which executions a search looks at, and how many.

use std::fmt;
use std::str::FromStr;

/// Executions of loom with one bound: more than any part of the course needs.
pub(crate) const LOOM_EXECUTIONS: usize = 20_000;
/// Executions of shuttle with one bound.
pub(crate) const SHUTTLE_EXECUTIONS: usize = 3_000;
/// Executions at random.
pub(crate) const RANDOM_EXECUTIONS: usize = 300;
/// After so many executions that went wrong a search ends: the shortest of them is shown.
pub(crate) const FAILURES: usize = 100;

/// A model checker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EngineName {
    Loom,
    Shuttle,
}

/// Which executions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// Each one with at most so many preemptions.
    Preemptions(usize),
    /// Some, at random from a fixed seed.
    Random,
}

impl EngineName {
    /// In the order in which they are tried. Two preemptions found every wrong part that any number found.
    pub(crate) fn strategies(self) -> &'static [Strategy] {
        use Strategy::{Preemptions, Random};
        match self {
            EngineName::Loom => &[Preemptions(0), Preemptions(1), Preemptions(2), Preemptions(3)],
            EngineName::Shuttle => &[Preemptions(0), Preemptions(1), Preemptions(2), Random],
        }
    }

    /// The most executions of one search.
    pub(crate) fn executions(self, strategy: Strategy) -> usize {
        match (self, strategy) {
            (_, Strategy::Random) => RANDOM_EXECUTIONS,
            (EngineName::Loom, _) => LOOM_EXECUTIONS,
            (EngineName::Shuttle, _) => SHUTTLE_EXECUTIONS,
        }
    }
}

impl fmt::Display for EngineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EngineName::Loom => "loom",
            EngineName::Shuttle => "shuttle",
        })
    }
}

impl FromStr for EngineName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "loom" => Ok(EngineName::Loom),
            "shuttle" => Ok(EngineName::Shuttle),
            _ => Err(()),
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Strategy::Preemptions(bound) => write!(f, "preemptions={bound}"),
            Strategy::Random => f.write_str("random"),
        }
    }
}

impl FromStr for Strategy {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.strip_prefix("preemptions=") {
            Some(bound) => bound.parse().map(Strategy::Preemptions).map_err(drop),
            None if text == "random" => Ok(Strategy::Random),
            None => Err(()),
        }
    }
}
