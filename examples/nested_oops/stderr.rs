//! Standard error: what is said there is said if it can be. A full disk, or a reader that is gone, is no reason to stop;
//! `eprintln!` would panic.

use std::fmt::Display;
use std::io::{self, Write};

/// One line beside the results.
pub(crate) fn note(text: impl Display) {
    say(format_args!("note: {text}"));
}

/// One line.
pub(crate) fn say(line: impl Display) {
    show(format_args!("{line}\n"));
}

/// Text as it is, without the end of a line.
pub(crate) fn show(text: impl Display) {
    _ = io::stderr().write_all(text.to_string().as_bytes());
}
