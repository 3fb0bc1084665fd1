//! What can be wrong with what a figure is to be drawn from.

use std::error::Error;
use std::fmt;

use crate::KINDS;

/// A figure that cannot be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FigureError {
    /// There is no such kind.
    UnknownKind(String),
    /// A figure of several runs got none.
    NoRuns,
    /// The measured data cannot be read.
    Data(String),
    /// A console has no headline that could be compared.
    NoHeadline(&'static str),
}

impl fmt::Display for FigureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FigureError::UnknownKind(kind) => {
                write!(f, "no figure is called `{kind}`: say {}", KINDS.join(", "))
            }
            FigureError::NoRuns => f.write_str("no run to draw: name at least one"),
            FigureError::Data(why) => write!(f, "measured data: {why}"),
            FigureError::NoHeadline(whose) => {
                write!(f, "the {whose} console has no headline: give one with a lockup or an oops")
            }
        }
    }
}

impl Error for FigureError {}
