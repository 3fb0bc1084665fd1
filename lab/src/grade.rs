//! Grades one exercise: build, run, and if all is well the model checkers.

mod graded;

use std::fs;
use std::time::Instant;

use crate::cargo::{self, Build, Crates, Outcome};
use crate::course::{Course, Exercise};
use crate::examine::examine;
use crate::made_from;
use crate::sandbox::Cancel;
use crate::source::hash_of;
use crate::stop::Stop;
pub(crate) use graded::{Graded, GradedEnd};

/// The checks that need no model checker.
pub(crate) const WITHOUT_MODELS: &str = "contract,oracle,replay";

/// Which of the two builds of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Without the model checkers, which take a minute or two to compile.
    Plain,
    /// With them: the machine is compiled for them too, in a target folder of its own.
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

/// The build to use: once the model checkers are there, theirs serves every exercise, and the other one nothing.
pub(crate) fn lane(course: &Course) -> Lane {
    let notes = made_from::notes(&course.checks().join(Lane::Models.target()));
    if notes.exists() { Lane::Models } else { Lane::Plain }
}

/// Whether these will not be graded without the model checkers, as far as one can see before: one of them has models, and
/// its file is not as it was handed out.
pub(crate) fn need_models(course: &Course, exercises: &[&Exercise]) -> bool {
    exercises.iter().filter(|exercise| exercise.models).any(|exercise| {
        hash_of(&course.file(exercise)).ok() != hash_of(&course.handed_out(exercise)).ok()
    })
}

/// Grades an exercise. One who would wait for the model checkers anyway is `patient`: then one build serves all.
pub(crate) fn grade(
    course: &Course,
    exercise: &Exercise,
    patient: bool,
    cancel: &Cancel,
    tell: &(dyn Fn(Told<'_>) + Sync),
) -> Result<Graded, Stop> {
    let begun = Instant::now();
    let id = &exercise.id;
    let doing = |what| tell(Told::Doing(format!("{id}: {what}")));
    doing("building");
    let building = |crates| tell(Told::Counting(format!("{id}: building ({crates})")));
    let lane = if patient { Lane::Models } else { lane(course) };
    let (outcome, source) = build(course, exercise, lane, cancel, &building)?;
    let mut graded = Graded::nothing(source);
    let Some(mut program) = graded.built(outcome) else { return Ok(graded.after(begun)) };
    doing("checking");
    graded.add(examine(&program, &["--only", WITHOUT_MODELS], id, cancel)?);
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
            return grade(course, exercise, patient, cancel, tell); // saved in between
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
