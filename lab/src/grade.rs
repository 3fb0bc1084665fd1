//! Grades one exercise: build, run, and if all is well the model checkers.

mod graded;

use std::fs;
use std::time::Instant;

use crate::cargo::{self, Build, Crates, Outcome};
use crate::course::{Course, Exercise};
use crate::examine::examine;
use crate::made_from;
use crate::sandbox::Cancel;
use crate::stop::Stop;
pub(crate) use graded::{Graded, GradedEnd};

/// Which of the two builds of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// What every answer runs through.
    Plain,
    /// The same with the model checkers: the machine is compiled for them, in a target folder of its own.
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
    let outcome = cargo::build(&build, cancel, tell)?;
    if matches!(outcome, Outcome::Built(_)) {
        let notes = made_from::notes(build.target);
        fs::create_dir_all(&notes).map_err(Stop::file("cannot make", &notes))?;
    }
    Ok(outcome)
}

/// Whether the model checkers were built before, by themselves or for an exercise.
fn are_built(course: &Course) -> bool {
    made_from::notes(&course.checks().join(Lane::Models.target())).exists()
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
    // One build serves them all, once the model checkers are there.
    let lane = if exercise.models && are_built(course) { Lane::Models } else { Lane::Plain };
    let (outcome, source) = build(course, exercise, lane, cancel, &building)?;
    let mut graded = Graded::nothing(source);
    let Some(mut program) = graded.built(outcome) else { return Ok(graded.after(begun)) };
    doing("checking");
    graded.add(examine(&program, &["--only", "contract,oracle,replay"], id, cancel)?);
    if !exercise.models || !graded.passed() {
        return Ok(graded.after(begun));
    }

    graded.end = GradedEnd::SoFar;
    if lane == Lane::Plain {
        tell(Told::SoFar(&graded));
        let what = "the model checkers are being built";
        doing(what);
        let building = |crates| tell(Told::Counting(format!("{id}: {what} ({crates})")));
        let (outcome, source) = build(course, exercise, Lane::Models, cancel, &building)?;
        if source != graded.source {
            return grade(course, exercise, cancel, tell); // saved in between
        }
        match graded.built(outcome) {
            Some(models) => program = models,
            None => return Ok(graded.after(begun)),
        }
    }
    doing("checking every interleaving");
    graded.add(examine(&program, &["--only", "model"], id, cancel)?);
    Ok(graded.after(begun))
}
