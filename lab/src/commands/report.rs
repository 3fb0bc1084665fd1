//! `report`: grades, and writes what came of it for CI and classrooms.

mod classroom;
mod json;
mod junit;

use std::io::Write;
use std::path::Path;

use super::Desk;
use super::check::grade_and_record;
use crate::channel::Status;
use crate::cli::Report;
use crate::course::Exercise;
use crate::examine::End;
use crate::grade::{Graded, GradedEnd, need_models};
use crate::source::write_atomically;
use crate::stop::{NOT_YET, PASSED, Stop};

/// An exercise with its grade.
type Row<'desk> = (&'desk Exercise, Graded);

/// `cargo lab report --json FILE --junit FILE [EX…]`, or `cargo lab report --classroom DIR…`
pub(crate) fn run(desk: &Desk, args: &Report) -> Result<u8, Stop> {
    if !args.form.classroom.is_empty() {
        return classroom::run(&desk.course, &args.form.classroom);
    }
    let exercises = if args.exercises.is_empty() {
        desk.course.exercises.iter().collect()
    } else {
        desk.course.select(&args.exercises)?
    };
    let patient = need_models(&desk.course, &exercises);
    let mut failed = None;
    let mut grade = |exercise: &Exercise| match grade_and_record(desk, exercise, patient) {
        Ok((graded, _)) => graded,
        // One exercise that cannot be graded is no reason to report none.
        Err(stop) => {
            eprintln!("lab: {}: {}", exercise.id, stop.message());
            failed = failed.max(Some(stop.exit_code()));
            Graded::undecided(stop.message())
        }
    };
    let rows: Vec<Row<'_>> =
        exercises.into_iter().map(|exercise| (exercise, grade(exercise))).collect();
    let progress = desk.store.load()?;
    let points: u32 = rows.iter().map(|(exercise, _)| desk.points(&progress, exercise)).sum();
    let of: u32 = rows.iter().map(|(exercise, _)| exercise.points).sum();
    let what = format!("{points} of {of} points");
    if let Some(path) = &args.form.json {
        write(path, &desk.course.shorten(&json::render(desk, &rows)?), &what)?;
    }
    if let Some(path) = &args.form.junit {
        write(path, &desk.course.shorten(&junit::render(&rows)?), &what)?;
    }
    let all_passed = rows.iter().all(|(_, graded)| graded.passed());
    Ok(failed.unwrap_or(if all_passed { PASSED } else { NOT_YET }))
}

/// Writes a form, and says so on standard error: standard output may be the form itself.
fn write(path: &Path, text: &str, what: &str) -> Result<(), Stop> {
    if path == Path::new("-") {
        let _ = writeln!(std::io::stdout(), "{text}");
        return Ok(());
    }
    let written = write_atomically(path, text.as_bytes());
    written.map_err(|error| Stop::usage(format!("cannot write {}: {error}", path.display())))?;
    eprintln!("lab: wrote {}: {what}", path.display());
    Ok(())
}

/// What went wrong with a run as a whole, beside its checks: the compiler's errors, a run that is not complete.
fn trouble(graded: &Graded) -> Option<(&'static str, String)> {
    match &graded.end {
        GradedEnd::DoesNotCompile(errors) => {
            let all: Vec<_> = errors.learner.iter().chain(&errors.course).cloned().collect();
            let text = anstream::adapter::strip_str(&all.join("\n")).to_string();
            Some(("compiles", text))
        }
        GradedEnd::Ran(End::Incomplete(why)) => Some(("runs to its end", why.clone())),
        GradedEnd::Ran(End::Undecided(why)) => Some(("is decided", why.clone())),
        GradedEnd::Ran(End::Stopped) | GradedEnd::SoFar => {
            Some(("is decided", "it was stopped".to_owned()))
        }
        GradedEnd::Ran(End::Passed | End::Failed) => None,
    }
}

/// What an answer printed, as far as it was kept.
fn printed(graded: &Graded) -> Option<String> {
    let text = crate::terminal::harmless(&(graded.stdout.head() + &graded.stderr.head()));
    (!text.is_empty()).then_some(text)
}

/// Whether the check is one of those that were looked at.
fn is_counted(status: Status) -> bool {
    status != Status::Skip
}
