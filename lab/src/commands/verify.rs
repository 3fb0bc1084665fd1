//! `verify`: grades the course itself. What a learner's answer is to the checks, the checks are to the variants.
//!
//! Of each exercise: as it was handed out it gets no point and does not hang; the solution gets all; each mutant is
//! refused, by the check that was named and with the words that were named; each alternative is accepted. And what needs
//! no run: see [`paper`].

mod paper;
mod variants;

use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use super::Desk;
use crate::cli::Verify;
use crate::course::Exercise;
use crate::examine::End;
use crate::grade::{GradedEnd, grade};
use crate::predictions::{self, Prediction};
use crate::sandbox::Cancel;
use crate::source::write_atomically;
use crate::stop::{NOT_YET, PASSED, Stop};
use crate::terminal::{BAD, GOOD, Ticker, line, paint, say, wrap};
use variants::{Binaries, Kind, Variant};

/// What is wrong with the course: the exercise, and what.
type Complaint = (String, String);

/// `cargo lab verify [EX…] [--jobs N] [--no-models]`
pub(crate) fn run(desk: &Desk, args: &Verify) -> Result<u8, Stop> {
    let begun = Instant::now();
    let exercises: Vec<&Exercise> = if args.exercises.is_empty() {
        desk.course.exercises.iter().collect()
    } else {
        desk.course.select(&args.exercises)?
    };
    if args.bless {
        exercises.iter().try_for_each(|exercise| bless(desk, exercise))?;
    }
    let mut complaints = paper::look(desk, &exercises);

    let ticker = Ticker::new();
    ticker.tell("building the variants");
    let binaries = Binaries::build(&desk.course, &exercises, !args.no_models)?;
    let variants = binaries.list(&exercises)?;
    for exercise in &exercises {
        ticker.tell(&format!("{} as it was handed out", exercise.id));
        complaints.extend(handed_out(desk, exercise)?);
    }
    let jobs = args.jobs.or(thread::available_parallelism().ok().map(Into::into)).unwrap_or(1);
    let total = variants.len();
    let tell = |done: usize| ticker.tell(&format!("{done} of {total} variants graded"));
    complaints.extend(grade_all(desk, &binaries, &variants, jobs, &tell)?);
    drop(ticker);

    for (exercise, complaint) in &complaints {
        say!("{}  {exercise}", paint(BAD, "WRONG"));
        line(&wrap(complaint, 7));
    }
    let count = |kind| variants.iter().filter(|variant| variant.kind == kind).count();
    say!(
        "{} exercises, {} solutions, {} mutants, {} alternatives in {:.1} s",
        exercises.len(),
        count(Kind::Solution),
        count(Kind::Mutant),
        count(Kind::Alternative),
        begun.elapsed().as_secs_f32()
    );
    if complaints.is_empty() {
        say!("{}", paint(GOOD, "The course is right."));
        return Ok(PASSED);
    }
    say!("{}", paint(BAD, format!("{} things are wrong.", complaints.len())));
    Ok(NOT_YET)
}

/// Makes the copy that `reset` puts back.
fn bless(desk: &Desk, exercise: &Exercise) -> Result<(), Stop> {
    let (from, to) = (desk.course.file(exercise), desk.course.handed_out(exercise));
    let text = fs::read(&from).map_err(Stop::file("cannot read", &from))?;
    fs::create_dir_all(to.parent().unwrap_or(&to))
        .and_then(|()| write_atomically(&to, &text))
        .map_err(Stop::file("cannot write", &to))
}

/// An exercise as it was handed out compiles, gets no point, and says so by itself.
fn handed_out(desk: &Desk, exercise: &Exercise) -> Result<Option<Complaint>, Stop> {
    let graded = grade(&desk.course, exercise, false, &Cancel::default(), &|_| {})?;
    let complaint = match &graded.end {
        GradedEnd::DoesNotCompile(errors) => {
            let first = errors.learner.first().or(errors.course.first());
            let first = anstream::adapter::strip_str(first.map_or("", String::as_str)).to_string();
            Some(format!("as it was handed out it does not compile: {first}"))
        }
        GradedEnd::Ran(_) if graded.score() > 0 => {
            Some(format!("as it was handed out it has {} points", graded.score()))
        }
        GradedEnd::Ran(_) if graded.warnings > 0 => {
            Some(format!("as it was handed out it compiles with {} warnings", graded.warnings))
        }
        GradedEnd::Ran(End::Failed) => {
            let message = graded.checks.last().and_then(|check| check.message.as_deref());
            let message = message.unwrap_or_default();
            let is_told =
                message.contains("not yet implemented") || message.contains("not written");
            (!is_told).then(|| {
                format!(
                    "as it was handed out it is refused for another reason than `todo!`: {message}"
                )
            })
        }
        GradedEnd::Ran(_) | GradedEnd::SoFar => {
            Some(format!("as it was handed out its run ends so: {:?}", graded.end))
        }
    };
    Ok(complaint.map(|complaint| (exercise.id.clone(), complaint)))
}

/// Grades every variant, `jobs` at a time.
fn grade_all(
    desk: &Desk,
    binaries: &Binaries,
    variants: &[Variant],
    jobs: usize,
    tell: &(dyn Fn(usize) + Sync),
) -> Result<Vec<Complaint>, Stop> {
    // `next` alone says which variant is whose; `done` is for the eye.
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let complaints = Mutex::new(Vec::new());
    let work = || -> Result<(), Stop> {
        while let Some(variant) = variants.get(next.fetch_add(1, Ordering::Relaxed)) {
            let exercise = desk.course.exercise(&variant.exercise)?;
            let predicted = predictions::of(&desk.predictions, exercise);
            let points = exercise.points.saturating_sub(predicted.map(Prediction::points).sum());
            let wrong = binaries.grade(exercise, variant)?.wrong(variant, points);
            if let (Some(wrong), Ok(mut complaints)) = (wrong, complaints.lock()) {
                complaints.push((format!("{} {}", variant.exercise, variant.name), wrong));
            }
            tell(done.fetch_add(1, Ordering::Relaxed) + 1);
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| {
            worker.join().map_err(|_| Stop::grader("a worker of `verify` panicked"))?
        })
    })?;
    let mut complaints = complaints.into_inner().unwrap_or_default();
    complaints.sort();
    Ok(complaints)
}
