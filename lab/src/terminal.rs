//! What is printed, and how: in colour on a terminal that wants it, plain in a pipe, wrapped to the terminal's width.

use std::borrow::Cow;
use std::io::{IsTerminal, Write, stdout};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};

/// What went well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// What did not.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What to do next.
pub(crate) const NEXT: Style = AnsiColor::Cyan.on_default();
/// A heading.
pub(crate) const HEAD: Style = Style::new().bold();
/// What matters less.
pub(crate) const DIM: Style = Style::new().dimmed();

/// Prints a line. A reader that has gone (`| head`) is no error.
macro_rules! say {
    ($($arg:tt)*) => { $crate::terminal::line(&format!($($arg)*)) };
}
pub(crate) use say;

/// See [`say`].
pub(crate) fn line(text: &str) {
    let _ = writeln!(anstream::stdout(), "{text}");
}

/// `text` in `style`.
pub(crate) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// The terminal's width; in a pipe, a page's.
pub(crate) fn width() -> usize {
    terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0)).clamp(20, 120)
}

/// The whole width of a terminal, for columns; in a pipe a page's.
pub(crate) fn full_width() -> usize {
    terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0))
}

/// `text` wrapped and indented. Its own line ends stay.
pub(crate) fn wrap(text: &str, indent: usize) -> String {
    let spaces = " ".repeat(indent);
    let options = textwrap::Options::new(width().max(indent + 20))
        .initial_indent(&spaces)
        .subsequent_indent(&spaces)
        .break_words(false);
    textwrap::fill(text.trim_end(), options)
}

/// `text` indented, and not wrapped: columns, consoles.
pub(crate) fn verbatim(text: &str, indent: usize) -> String {
    let spaces = " ".repeat(indent);
    let lines = text.trim_end().lines().map(|line| format!("{spaces}{line}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Text from outside, without what could move the cursor or change a colour.
pub(crate) fn harmless(text: &str) -> String {
    let tame = |char: char| !char.is_control() || matches!(char, '\n' | '\t');
    text.chars().filter(|char| tame(*char)).collect()
}

/// `[######----]`, `width` characters long.
pub(crate) fn bar(done: u32, all: u32, width: usize) -> String {
    let inner = width.saturating_sub(2).max(4);
    let filled = (inner * done as usize).checked_div(all as usize).unwrap_or(0).min(inner);
    format!("[{}{}]", "#".repeat(filled), "-".repeat(inner - filled))
}

/// What takes longer is told in a pipe too.
const LONG: Duration = Duration::from_secs(2);

/// A line that says what is going on and goes again. In a pipe there is none: what takes long is told once, on standard
/// error.
#[derive(Debug)]
pub(crate) struct Ticker {
    bar: ProgressBar,
    notice: Sender<String>,
}

impl Ticker {
    /// Begins it.
    pub(crate) fn new() -> Self {
        let (notice, heard) = mpsc::channel();
        let bar = if stdout().is_terminal() {
            ProgressBar::new_spinner()
        } else {
            thread::spawn(move || {
                if let Some(what) = long(&heard, LONG) {
                    eprintln!("lab: {what}: this takes a while");
                }
            });
            ProgressBar::hidden()
        };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar, notice }
    }

    /// What is going on now.
    pub(crate) fn tell(&self, what: &str) {
        self.bar.set_message(Cow::Owned(what.to_owned()));
        let _ = self.notice.send(what.to_owned()); // on a terminal, or after the notice, it is not heard
    }

    /// How far that is.
    pub(crate) fn count(&self, what: &str) {
        self.bar.set_message(Cow::Owned(what.to_owned()));
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The first thing that was told and that nothing followed for so long; none if all was over before.
fn long(heard: &Receiver<String>, long: Duration) -> Option<String> {
    let mut what = heard.recv().ok()?;
    loop {
        match heard.recv_timeout(long) {
            Ok(next) => what = next,
            Err(RecvTimeoutError::Timeout) => return Some(what),
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_long_is_told_and_what_is_over_is_not() {
        let (notice, heard) = mpsc::channel();
        notice.send("building".to_owned()).unwrap();
        notice.send("checking".to_owned()).unwrap();
        assert_eq!(long(&heard, Duration::from_millis(1)).as_deref(), Some("checking"));
        notice.send("building".to_owned()).unwrap();
        drop(notice);
        assert_eq!(long(&heard, Duration::MAX), None);
    }
}
