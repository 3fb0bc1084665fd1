//! What can be seen without a run: hints, handed-out files, predictions, points, prerequisites.

use std::fs;

use super::Complaint;
use crate::commands::{Desk, hint};
use crate::course::Exercise;
use crate::predictions::{self, Asks, Kind, Prediction};
use crate::source::hash_of;

/// How many hints an exercise has.
const HINTS: usize = 3;

/// The longest file that a learner is asked to edit, in lines.
const LINES: usize = 120;

/// The share of an exercise's points that predictions may have: a fifth.
const PREDICTED: u32 = 5;

/// Looks at the files of these exercises.
pub(super) fn look(desk: &Desk, exercises: &[&Exercise]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for exercise in exercises {
        let found = of_exercise(desk, exercise);
        complaints.extend(found.into_iter().map(|complaint| (exercise.id.clone(), complaint)));
    }
    let points: u32 = desk.course.exercises.iter().map(|exercise| exercise.points).sum();
    if let Some(total) = desk.course.total.filter(|total| *total != points) {
        let what = format!("the exercises are worth {points} points together, and not {total}");
        complaints.push(("course.toml".to_owned(), what));
    }
    for prediction in &desk.predictions {
        let complaint = match prediction.asked_by() {
            Asks::Exercise(name) if desk.course.exercise(name).is_ok() => None,
            Asks::Exercise(name) => Some(format!("it belongs to {name}, which is no exercise")),
            Asks::Chapter(_) => of_prediction(prediction),
            Asks::Unclear => Some("it must name an exercise or a chapter, and not both".to_owned()),
        };
        complaints.extend(complaint.map(|complaint| (prediction.id.clone(), complaint)));
    }
    complaints
}

fn of_exercise(desk: &Desk, exercise: &Exercise) -> Vec<String> {
    let mut wrong = Vec::new();
    let course = &desk.course;
    match hint::hints(course, exercise) {
        Ok(hints) if hints.len() == HINTS => {}
        Ok(hints) => wrong.push(format!("it has {} hints, and not {HINTS}", hints.len())),
        Err(stop) => wrong.push(stop.message().to_owned()),
    }
    let (file, handed_out) = (course.file(exercise), course.handed_out(exercise));
    match (hash_of(&file), hash_of(&handed_out)) {
        (Ok(one), Ok(other)) if one == other => {}
        _ => wrong.push(format!(
            "{} and {} are not equal",
            course.short(&file),
            course.short(&handed_out)
        )),
    }
    let lines = fs::read_to_string(&file).map_or(0, |text| text.lines().count());
    if lines > LINES {
        wrong.push(format!("its file has {lines} lines, and may have {LINES}"));
    }
    if !course.solution(exercise).is_file() {
        wrong.push("it has no solution".to_owned());
    }
    for needed in &exercise.prerequisites {
        if course.exercise(needed).is_err() {
            wrong.push(format!("it needs {needed}, which is no exercise"));
        }
    }
    let predictions: Vec<_> = predictions::of(&desk.predictions, exercise).collect();
    let predicted: u32 = predictions.iter().map(|prediction| prediction.points()).sum();
    if predicted > exercise.points / PREDICTED {
        wrong.push(format!(
            "its predictions are worth {predicted} points of {}: more than a fifth",
            exercise.points
        ));
    }
    wrong.extend(predictions.into_iter().filter_map(of_prediction));
    wrong
}

fn of_prediction(prediction: &Prediction) -> Option<String> {
    let (id, answer) = (&prediction.id, prediction.answer.to_string());
    if !matches!(prediction.is_right(&answer), Ok(true)) {
        return Some(format!("{id}: its own answer {answer:?} is not among its choices"));
    }
    for wrong in prediction.wrong.keys() {
        match prediction.is_right(wrong) {
            Ok(false) => {}
            Ok(true) => return Some(format!("{id}: the wrong answer {wrong:?} is right")),
            Err(_) => return Some(format!("{id}: the wrong answer {wrong:?} cannot be given")),
        }
    }
    let is_choice = prediction.kind == Kind::Choice;
    (is_choice && prediction.choices.len() < 2).then(|| format!("{id}: there is nothing to choose"))
}
