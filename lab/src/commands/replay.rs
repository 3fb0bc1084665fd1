//! `replay`: the whole incident with the learner's part in the machine, beside the stock one.

use std::ffi::OsString;
use std::path::Path;

use super::Desk;
use crate::beside::Beside;
use crate::cargo::Outcome;
use crate::channel::Status;
use crate::course::{Course, Exercise};
use crate::examine::{End, Examined, examine};
use crate::grade::{WITHOUT_MODELS, build, lane};
use crate::sandbox::{self, Cancel, How, Job, Limits, Run};
use crate::source::hash_of;
use crate::stop::{NOT_YET, PASSED, Stop};
use crate::terminal::{BAD, DIM, HEAD, NEXT, Ticker, full_width, harmless, line, paint, say, wrap};
use crate::words;

/// A console of ten minutes is long.
const KEEP: usize = 4 << 20;

/// `cargo lab replay [EX]`. It has succeeded if the incident was told to its end and the part keeps the rules.
pub(crate) fn run(desk: &Desk, name: Option<&str>) -> Result<u8, Stop> {
    let exercise = desk.named_or_next(name)?;
    replay(&desk.course, exercise, &Cancel::default())
}

/// Builds the checks and lets them tell the incident.
pub(crate) fn replay(course: &Course, exercise: &Exercise, cancel: &Cancel) -> Result<u8, Stop> {
    let title = format!("{}  {}", exercise.id, exercise.title);
    say!("{}  your part in the machine, beside the stock one", paint(HEAD, title));
    let (file, handed_out) = (course.file(exercise), course.handed_out(exercise));
    if let (Ok(now), Ok(then)) = (hash_of(&file), hash_of(&handed_out))
        && now == then
    {
        let what = format!("{} is as it was handed out", course.short(&file));
        line(&wrap(&format!("{what}: nothing is written yet, so there is no part to replay."), 2));
        say!("  {}", paint(NEXT, "cargo lab watch"));
        return Ok(NOT_YET);
    }
    let ticker = Ticker::new();
    ticker.tell(&format!("{}: building", exercise.id));
    let building = |crates| ticker.tell(&format!("{}: building ({crates})", exercise.id));
    let built = match build(course, exercise, lane(course), cancel, &building)?.0 {
        Outcome::Built(built) => built,
        Outcome::Refused(errors) => {
            drop(ticker);
            for error in errors.learner.iter().chain(&errors.course) {
                line(error.trim_end());
            }
            say!("  {}", paint(BAD, "It does not compile yet."));
            return Ok(NOT_YET);
        }
        Outcome::Stopped => return Ok(NOT_YET),
    };
    ticker.tell(&format!("{}: replaying", exercise.id));
    let run = start(&built.program, cancel)?;
    drop(ticker);
    let text = run.stdout.head();
    let told: Vec<_> = text.lines().filter(|line| !line.is_empty()).map(told).collect();
    for told in &told {
        let text = match told {
            Told::Beside(beside) => beside.tell(full_width()),
            Told::Text(text) => harmless_but_coloured(text),
        };
        line(&text);
    }
    match run.ended.how {
        How::Exited(0) if !told.is_empty() => {}
        How::Exited(0) => {
            line(&wrap("The code ended the program before the incident was told.", 0));
            return Ok(NOT_YET);
        }
        How::Stopped => {
            say!("  {}", paint(DIM, "Stopped."));
            return Ok(NOT_YET);
        }
        _ => {
            line(&wrap(&format!("The replay broke off: {}.", words::of(&run)), 0));
            return Ok(NOT_YET);
        }
    }
    let besides: Vec<_> = told.iter().filter_map(Told::beside).collect();
    if besides.iter().any(|beside| !beside.is_whole()) {
        return Ok(NOT_YET);
    }
    if !besides.is_empty() {
        let is_equal = besides.iter().all(|beside| beside.is_equal());
        let examined = examine(&built.program, &["--only", WITHOUT_MODELS], &exercise.id, cancel)?;
        line("");
        line(&wrap(&rule(exercise, &examined, is_equal), 0));
        say!("{}", paint(NEXT, format!("The verdict: `cargo lab check {}`", exercise.id)));
        if examined.end != End::Passed {
            return Ok(NOT_YET);
        }
    }
    Ok(PASSED)
}

/// What a line of a replay is.
enum Told {
    Beside(Beside),
    Text(String),
}

impl Told {
    fn beside(&self) -> Option<&Beside> {
        match self {
            Self::Beside(beside) => Some(beside),
            Self::Text(_) => None,
        }
    }
}

fn told(line: &str) -> Told {
    if let Some(beside) = Beside::read(line) {
        return Told::Beside(beside);
    }
    Told::Text(match line.starts_with("{\"beside\":") {
        true => "The console is too long to be compared.".to_owned(),
        false => line.to_owned(),
    })
}

/// The rule behind what was seen: the first one that the part breaks.
fn rule(exercise: &Exercise, examined: &Examined, is_equal: bool) -> String {
    let broken = examined.checks.iter().find(|check| check.status == Status::Fail);
    let models = if exercise.models {
        ". The model checkers, which look closer, do not run here"
    } else {
        ""
    };
    if let (None, End::Incomplete(why) | End::Undecided(why)) = (broken, &examined.end) {
        return format!("Whether your part keeps the rules is not known: {why}.");
    }
    match (broken, is_equal) {
        (Some(check), false) => {
            format!("The rule behind it, which your part breaks: {}.", check.rule)
        }
        (Some(check), true) => format!(
            "One incident proves little: your part breaks a rule that this one does not show: {}.",
            check.rule
        ),
        (None, true) => format!("Your part keeps the rules{models}."),
        (None, false) => {
            format!("Your part keeps the rules, so this difference is one that they allow{models}.")
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
