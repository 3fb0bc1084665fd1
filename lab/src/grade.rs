//! Grades one exercise: build, run, and if all is well the model lane.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::cargo::{self, Build, Crates, Errors, Outcome};
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
#[derive(Debug, Clone)]
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
    /// All has passed so far, and the model checkers have not looked yet. It is no grade.
    SoFar,
}

impl Graded {
    /// Whether the exercise is done.
    pub(crate) fn passed(&self) -> bool {
        matches!(self.end, GradedEnd::Ran(End::Passed))
    }

    /// Whether the answer says nothing about the learner's file.
    pub(crate) fn says_nothing(&self) -> bool {
        matches!(self.end, GradedEnd::Ran(End::Stopped | End::Undecided(_)) | GradedEnd::SoFar)
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

impl Lane {
    fn target(self) -> &'static str {
        match self {
            Self::Plain => "target",
            Self::Models => "target-models",
        }
    }
}

/// What is heard of a grading that is under way.
#[derive(Debug)]
pub(crate) enum Told<'told> {
    /// What is going on, for a line that is overwritten.
    Doing(String),
    /// How far that is.
    Counting(String),
    /// What is known before the model checkers have looked.
    SoFar(&'told Graded),
}

/// Builds the checks of an exercise with the learner's file.
pub(crate) fn build(
    course: &Course,
    exercise: &Exercise,
    lane: Lane,
    cancel: &Cancel,
    tell: &(dyn Fn(Crates) + Sync),
) -> Result<(Outcome, String), Stop> {
    let workspace = course.checks();
    let features = match lane {
        Lane::Plain => exercise.id.clone(),
        Lane::Models => format!("{},models", exercise.id),
    };
    let build = Build {
        workspace: &workspace,
        target: &workspace.join(lane.target()),
        package: "answers",
        bin: Some(&exercise.id),
        features: &features,
        profile: "dev",
        learner: Some(&course.folder(exercise)),
        gently: false,
    };
    let (mut outcome, source) =
        made_from::build(&build, &exercise.id, &course.file(exercise), cancel, tell)?;
    if let Outcome::Refused(errors) = &mut outcome {
        for error in errors.learner.iter_mut().chain(&mut errors.course) {
            *error = course.shorten(error);
        }
    }
    Ok((outcome, source))
}

/// Builds what the model checkers need whichever exercise they look at, while other things go on.
pub(crate) fn build_model_checkers(
    course: &Course,
    cancel: &Cancel,
    tell: &(dyn Fn(Crates) + Sync),
) -> Result<Outcome, Stop> {
    let workspace = course.checks();
    let build = Build {
        workspace: &workspace,
        target: &workspace.join(Lane::Models.target()),
        package: "checks",
        bin: None,
        features: "models",
        profile: "dev",
        learner: None,
        gently: true,
    };
    cargo::build(&build, cancel, tell)
}

/// Grades an exercise.
pub(crate) fn grade(
    course: &Course,
    exercise: &Exercise,
    cancel: &Cancel,
    tell: &(dyn Fn(Told<'_>) + Sync),
) -> Result<Graded, Stop> {
    let begun = Instant::now();
    let id = &exercise.id;
    let doing = |what| tell(Told::Doing(format!("{id}: {what}")));
    doing("building");
    let building = |crates| tell(Told::Counting(format!("{id}: building ({crates})")));
    let (outcome, source) = build(course, exercise, Lane::Plain, cancel, &building)?;
    let mut graded = Graded::nothing(source);
    let program = match graded.built(outcome) {
        Some(program) if !cancel.is_cancelled() => program,
        _ => return Ok(graded.after(begun)),
    };
    doing("checking");
    graded.add(examine(&program, &[], &exercise.id, cancel)?);
    if !exercise.models || !graded.passed() || cancel.is_cancelled() {
        return Ok(graded.after(begun));
    }

    graded.end = GradedEnd::SoFar;
    tell(Told::SoFar(&graded));
    let what = "the model checkers are being built";
    doing(what);
    let building = |crates| tell(Told::Counting(format!("{id}: {what} ({crates})")));
    let (outcome, source) = build(course, exercise, Lane::Models, cancel, &building)?;
    if source != graded.source {
        return grade(course, exercise, cancel, tell); // saved in between
    }
    if let Some(program) = graded.built(outcome) {
        doing("checking every interleaving");
        graded.add(examine(&program, &["--only", "model"], &exercise.id, cancel)?);
    }
    Ok(graded.after(begun))
}

impl Graded {
    /// Before anything is known of this source.
    fn nothing(source: String) -> Self {
        Self {
            source,
            checks: Vec::new(),
            end: GradedEnd::Ran(End::Stopped),
            stdout: Captured::default(),
            stderr: Captured::default(),
            warnings: 0,
            left_behind: 0,
            took: Duration::ZERO,
        }
    }

    /// Takes down what a build says of the answer. Returns the program, if there is one.
    fn built(&mut self, outcome: Outcome) -> Option<PathBuf> {
        match outcome {
            Outcome::Built(built) => {
                self.warnings = built.warnings;
                return Some(built.program);
            }
            Outcome::Refused(errors) => self.end = GradedEnd::DoesNotCompile(errors),
            Outcome::Stopped => self.end = GradedEnd::Ran(End::Stopped),
        }
        None
    }

    /// Adds what a run has shown.
    fn add(&mut self, examined: Examined) {
        self.checks.extend(examined.checks);
        self.end = GradedEnd::Ran(examined.end);
        self.left_behind += examined.left_behind;
        if self.stdout.length == 0 {
            self.stdout = examined.stdout;
        }
        self.stderr = examined.stderr;
    }

    fn after(self, begun: Instant) -> Self {
        Self { took: begun.elapsed(), ..self }
    }
}
