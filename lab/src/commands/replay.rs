//! `replay`: the whole incident with the learner's part in the machine, beside the stock one.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

use super::Desk;
use crate::cargo::Outcome;
use crate::course::{Course, Exercise};
use crate::grade::{Lane, build};
use crate::sandbox::{self, Cancel, How, Job, Limits, Run};
use crate::stop::{NOT_YET, PASSED, Stop};
use crate::terminal::{BAD, Ticker, harmless, line, paint, say, wrap};
use crate::words;

/// A console of ten minutes is long.
const KEEP: usize = 4 << 20;

/// `cargo lab replay [EX]`
pub(crate) fn run(desk: &Desk, name: Option<&str>) -> Result<u8, Stop> {
    let exercise = desk.named_or_next(name)?;
    replay(&desk.course, exercise, &Cancel::default())
}

/// Builds the checks and lets them tell the incident.
pub(crate) fn replay(course: &Course, exercise: &Exercise, cancel: &Cancel) -> Result<u8, Stop> {
    let ticker = Ticker::new();
    ticker.tell(&format!("{}: building", exercise.id));
    let built = match build(course, exercise, Lane::Plain)?.0 {
        Outcome::Built(built) => built,
        Outcome::Refused(errors) => {
            drop(ticker);
            for error in errors.learner.iter().chain(&errors.course) {
                line(error.trim_end());
            }
            say!("  {}", paint(BAD, "It does not compile yet."));
            return Ok(NOT_YET);
        }
    };
    ticker.tell(&format!("{}: replaying", exercise.id));
    let run = start(&built.program, cancel)?;
    drop(ticker);
    let text = harmless_but_coloured(&run.stdout.head());
    let _ = anstream::stdout().write_all(text.as_bytes());
    match run.ended.how {
        How::Exited(0) => Ok(PASSED),
        How::Exited(1) | How::Stopped => Ok(NOT_YET),
        _ => {
            line(&wrap(&format!("The replay broke off: {}.", words::of(&run)), 0));
            Ok(NOT_YET)
        }
    }
}

fn start(program: &Path, cancel: &Cancel) -> Result<Run, Stop> {
    let folder = tempfile::Builder::new().prefix("lab-run-").tempdir().map_err(Stop::grader)?;
    let nowhere = folder.path().join("no-report");
    let args: Vec<OsString> = vec!["--replay".into()];
    let job = Job {
        program,
        args,
        report: &nowhere,
        folder: folder.path(),
        keep: KEEP,
        limits: Limits { cpu_ms: 10_000, ..Limits::GRADING },
    };
    sandbox::run(&job, cancel).map_err(|error| Stop::grader(format!("the sandbox failed: {error}")))
}

/// Colours may stay: `ESC [ … m`. What moves the cursor may not.
fn harmless_but_coloured(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, part) in text.split("\u{1b}[").enumerate() {
        let colour = part.find(|char: char| !char.is_ascii_digit() && char != ';');
        if index > 0 && colour.is_some_and(|end| part[end..].starts_with('m')) {
            out.push_str("\u{1b}[");
        }
        out.push_str(&harmless(part));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::harmless_but_coloured;

    #[test]
    fn colours_stay_and_the_cursor_does_not_move() {
        assert_eq!(harmless_but_coloured("a\u{1b}[1;31mb\u{1b}[0m"), "a\u{1b}[1;31mb\u{1b}[0m");
        assert_eq!(harmless_but_coloured("a\u{1b}[2Jb\rc\u{7}"), "a2Jbc");
    }
}
