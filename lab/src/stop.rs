//! Why a command ends without an answer, and the exit codes.

use std::fmt::Display;
use std::io;
use std::path::Path;

/// Everything that was asked for passed.
pub(crate) const PASSED: u8 = 0;
/// Something that was asked for has not passed yet.
pub(crate) const NOT_YET: u8 = 1;

/// A command could not do what it was asked. One line that says what to do about it.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The user asked for something that cannot be.
    Usage(String),
    /// The grader itself failed: neither the user nor the answer is to blame.
    Grader(String),
}

impl Stop {
    /// What a user mends by asking differently.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::Usage(message.to_string())
    }

    /// What a user cannot mend by asking differently.
    pub(crate) fn grader(message: impl Display) -> Self {
        Self::Grader(message.to_string())
    }

    /// Names the file that an error is about: `map_err(Stop::file("cannot read", path))`.
    pub(crate) fn file(what: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let what = format!("{what} {}", path.display());
        move |error| Self::Grader(format!("{what}: {error}"))
    }

    /// The exit code: 2 or 3.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Grader(_) => 3,
        }
    }

    /// The line to print.
    pub(crate) fn message(&self) -> &str {
        match self {
            Self::Usage(message) | Self::Grader(message) => message,
        }
    }
}
