//! Grades one exercise: build, run, and if all is well the model lane.

use std::time::{Duration, Instant};

use crate::cargo::{Build, Built, Errors, Outcome};
use crate::channel::{Check, Status};
use crate::course::{Course, Exercise};
use crate::examine::{End, Examined, examine};
use crate::made_from;
use crate::progress::Progress;
use crate::sandbox::{Cancel, Captured};
use crate::source::hash_of;
use crate::stamp;
use crate::stop::Stop;

/// What is known of an exercise after it was graded.
#[derive(Debug)]
pub(crate) struct Graded {
    /// The SHA-256 of the file that was graded.
    pub(crate) source: String,
    /// Every check that was looked at.
    pub(crate) checks: Vec<Check>,
    /// How it ended.
    pub(crate) end: GradedEnd,
    /// What the learner's code printed.
    pub(crate) stdout: Captured,
    /// The same, on the other output.
    pub(crate) stderr: Captured,
    /// How many warnings the compiler has.
    pub(crate) warnings: usize,
    /// Processes that outlived the run, and were ended.
    pub(crate) left_behind: usize,
    /// From the call to the answer.
    pub(crate) took: Duration,
}

/// How it ended.
#[derive(Debug, Clone)]
pub(crate) enum GradedEnd {
    /// It ran.
    Ran(End),
    /// It does not compile.
    DoesNotCompile(Errors),
}

impl Graded {
    /// Whether the exercise is done.
    pub(crate) fn passed(&self) -> bool {
        matches!(self.end, GradedEnd::Ran(End::Passed))
    }

    /// Whether the answer says nothing about the learner's file.
    pub(crate) fn says_nothing(&self) -> bool {
        matches!(self.end, GradedEnd::Ran(End::Stopped | End::Undecided(_)))
    }

    /// The points of the checks that passed.
    pub(crate) fn score(&self) -> u32 {
        let passed = self.checks.iter().filter(|check| check.status == Status::Pass);
        passed.map(|check| check.points).sum()
    }

    /// Takes it down. A file that is as it was handed out is no try.
    pub(crate) fn record(&self, course: &Course, exercise: &Exercise, progress: &mut Progress) {
        let handed_out = hash_of(&course.handed_out(exercise));
        let is_try = handed_out.ok().as_ref() != Some(&self.source);
        if self.says_nothing() || (!is_try && progress.entry(exercise).tries == 0) {
            return;
        }
        let entry = progress.entry_mut(exercise);
        if is_try && entry.source != self.source {
            entry.tries += 1;
        }
        entry.source.clone_from(&self.source);
        entry.score = self.score();
        entry.best = entry.best.max(entry.score);
        if self.passed() {
            entry.passed.get_or_insert_with(stamp::now);
            entry.passed_source = Some(self.source.clone());
        }
    }
}

/// Which of the two builds of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// What every answer runs through.
    Plain,
    /// The model checker: the machine is compiled for it, in a target folder of its own.
    Models,
}

/// Builds the checks of an exercise with the learner's file.
pub(crate) fn build(
    course: &Course,
    exercise: &Exercise,
    lane: Lane,
) -> Result<(Outcome, String), Stop> {
    let workspace = course.checks();
    let (target, features) = match lane {
        Lane::Plain => ("target", exercise.id.clone()),
        Lane::Models => ("target-models", format!("{},models", exercise.id)),
    };
    let build = Build {
        workspace: &workspace,
        target: &workspace.join(target),
        bin: &exercise.id,
        features: &features,
        profile: "dev",
        learner: Some(&course.folder(exercise)),
    };
    let (mut outcome, source) = made_from::build(&build, &course.file(exercise))?;
    if let Outcome::Refused(errors) = &mut outcome {
        for error in errors.learner.iter_mut().chain(&mut errors.course) {
            *error = course.shorten(error);
        }
    }
    Ok((outcome, source))
}

/// Grades an exercise. `tell` hears what is going on, for a line that is overwritten.
pub(crate) fn grade(
    course: &Course,
    exercise: &Exercise,
    cancel: &Cancel,
    tell: &dyn Fn(&str),
) -> Result<Graded, Stop> {
    let begun = Instant::now();
    tell(&format!("{}: building", exercise.id));
    let (outcome, source) = build(course, exercise, Lane::Plain)?;
    let built = match outcome {
        Outcome::Built(built) => built,
        Outcome::Refused(errors) => return Ok(refused(errors, source, begun.elapsed())),
    };
    if cancel.is_cancelled() {
        return Ok(ran(Examined::stopped(), &built, source, begun.elapsed()));
    }
    tell(&format!("{}: checking", exercise.id));
    let mut examined = examine(&built.program, &[], &exercise.id, cancel)?;
    if exercise.models && examined.end == End::Passed && !cancel.is_cancelled() {
        tell(&format!("{}: building the model checkers", exercise.id));
        if !course.checks().join("target-models/made-from").exists() {
            eprintln!("lab: building the model checkers for the first time: a minute or two");
        }
        let (outcome, models_source) = build(course, exercise, Lane::Models)?;
        let models = match outcome {
            Outcome::Built(models) => models,
            Outcome::Refused(errors) => return Ok(refused(errors, source, begun.elapsed())),
        };
        if models_source != source {
            return grade(course, exercise, cancel, tell); // saved in between
        }
        tell(&format!("{}: checking every interleaving", exercise.id));
        let more = examine(&models.program, &["--only", "model"], &exercise.id, cancel)?;
        examined.checks.extend(more.checks);
        examined.left_behind += more.left_behind;
        (examined.end, examined.stderr) = (more.end, more.stderr);
    }
    Ok(ran(examined, &built, source, begun.elapsed()))
}

fn ran(examined: Examined, built: &Built, source: String, took: Duration) -> Graded {
    Graded {
        source,
        checks: examined.checks,
        end: GradedEnd::Ran(examined.end),
        stdout: examined.stdout,
        stderr: examined.stderr,
        warnings: built.warnings,
        left_behind: examined.left_behind,
        took,
    }
}

fn refused(errors: Errors, source: String, took: Duration) -> Graded {
    Graded {
        source,
        checks: Vec::new(),
        end: GradedEnd::DoesNotCompile(errors),
        stdout: Captured::default(),
        stderr: Captured::default(),
        warnings: 0,
        left_behind: 0,
        took,
    }
}
