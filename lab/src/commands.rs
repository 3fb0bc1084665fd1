//! What a user can ask for: one file a command.

pub(crate) mod book;
pub(crate) mod check;
pub(crate) mod hint;
pub(crate) mod list;
pub(crate) mod predict;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod reset;
pub(crate) mod solution;
pub(crate) mod status;
pub(crate) mod verify;
pub(crate) mod watch;

use crate::course::{Course, Exercise};
use crate::predictions::{self, Prediction};
use crate::progress::{Progress, Store};
use crate::stop::Stop;

/// What every command works with.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    /// The course.
    pub(crate) course: Course,
    /// Its predictions.
    pub(crate) predictions: Vec<Prediction>,
    /// Where progress is kept.
    pub(crate) store: Store,
}

/// What predictions have cost an exercise, or may still bring: a line each, with the command to type.
pub(crate) fn predictions_left(
    desk: &Desk,
    progress: &Progress,
    exercise: &Exercise,
) -> Vec<String> {
    let left = |prediction: &Prediction| {
        let id = &prediction.id;
        let points = match prediction.points() {
            1 => "1 point".to_owned(),
            points => format!("{points} points"),
        };
        match progress.predicted(id) {
            None => Some(format!("{points} still open: predict with `cargo lab predict {id}`.")),
            Some(before) if !before.right => Some(format!(
                "{points} lost: you predicted {}. `cargo lab predict {id}` says why.",
                before.answer
            )),
            Some(_) => None,
        }
    };
    predictions::of(&desk.predictions, exercise).filter_map(left).collect()
}

/// How far an exercise is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Its file was never graded but as it was handed out.
    Untouched,
    /// A file of the learner's was graded.
    Begun,
    /// It passed, and the file is still the one that did.
    Passed,
    /// It passed, and the file has changed since.
    PassedBefore,
}

impl Desk {
    /// Opens a course's files.
    pub(crate) fn new(course: Course) -> Result<Self, Stop> {
        let predictions = predictions::load(&course)?;
        let store = Store::of(&course);
        Ok(Self { course, predictions, store })
    }

    /// The exercise that a user named, or the next one.
    pub(crate) fn named_or_next(&self, name: Option<&str>) -> Result<&Exercise, Stop> {
        match name {
            Some(name) => self.course.exercise(name),
            None => self.next(&self.store.load()?).ok_or_else(|| {
                Stop::usage("you have passed every exercise: name the one you mean")
            }),
        }
    }

    /// The first exercise that has not passed.
    pub(crate) fn next(&self, progress: &Progress) -> Option<&Exercise> {
        let all = &self.course.exercises;
        all.iter().find(|exercise| progress.entry(exercise).passed.is_none())
    }

    /// How far an exercise is.
    pub(crate) fn state(&self, progress: &Progress, exercise: &Exercise) -> State {
        let entry = progress.entry(exercise);
        match (entry.passed, entry.passed_source) {
            (Some(_), source) => {
                let now = crate::source::hash_of(&self.course.file(exercise)).ok();
                if source == now { State::Passed } else { State::PassedBefore }
            }
            (None, _) if entry.tries > 0 => State::Begun,
            (None, _) => State::Untouched,
        }
    }

    /// The points an exercise has: the best of its checks, and its predictions.
    pub(crate) fn points(&self, progress: &Progress, exercise: &Exercise) -> u32 {
        let predicted: u32 = predictions::of(&self.predictions, exercise)
            .filter_map(|prediction| progress.predicted(&prediction.id))
            .map(|predicted| predicted.points)
            .sum();
        (progress.entry(exercise).best + predicted).min(exercise.points)
    }
}
