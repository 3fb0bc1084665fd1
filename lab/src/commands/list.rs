//! `list`: every exercise in a line.

use super::{Desk, State};
use crate::stop::{PASSED, Stop};
use crate::terminal::{DIM, GOOD, HEAD, NEXT, line, paint, say, wrap};

/// `cargo lab list`
pub(crate) fn run(desk: &Desk) -> Result<u8, Stop> {
    let progress = desk.store.load()?;
    say!("{}", paint(HEAD, "       question  points    state    exercise"));
    for exercise in &desk.course.exercises {
        let points = desk.points(&progress, exercise);
        let (style, word) = match desk.state(&progress, exercise) {
            State::Passed => (GOOD, "passed"),
            State::PassedBefore => (GOOD, "passed*"),
            State::Begun => (NEXT, "begun"),
            State::Untouched => (DIM, "-"),
        };
        let (id, question, of) = (&exercise.id, &exercise.question, exercise.points);
        let state = paint(style, format!("{word:<7}"));
        say!("{id:<6} {question:^8} {points:>3} of {of:<3}  {state}  {}", exercise.title);
    }
    let key = "passed: all its checks passed; passed*: they did, and its file has changed since; begun: a file of \
               yours was graded; -: not begun. Points include those of predictions.";
    line(&paint(DIM, wrap(key, 0)));
    Ok(PASSED)
}
