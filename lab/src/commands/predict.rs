//! `predict`: say what the machine will show, before it does. The first answer counts; none blocks anything.

use super::Desk;
use crate::cli::Predict;
use crate::predictions::{self, Prediction};
use crate::progress::{Predicted, Progress};
use crate::stop::{NOT_YET, PASSED, Stop};
use crate::terminal::{BAD, DIM, GOOD, HEAD, NEXT, line, paint, say, wrap};

/// `cargo lab predict [ID [VALUE]]`
pub(crate) fn run(desk: &Desk, args: &Predict) -> Result<u8, Stop> {
    let progress = desk.store.load()?;
    let Some(id) = &args.id else { return show_of(desk, &progress, None) };
    let Some(prediction) = desk.predictions.iter().find(|prediction| prediction.id == *id) else {
        if args.value.is_none() && desk.course.exercise(id).is_ok() {
            return show_of(desk, &progress, Some(id));
        }
        let known: Vec<_> = desk.predictions.iter().map(|known| known.id.as_str()).collect();
        return Err(Stop::usage(match known.as_slice() {
            [] => "this course has no predictions".to_owned(),
            known => format!("there is no prediction {id:?}; there are {}", known.join(", ")),
        }));
    };
    let Some(value) = &args.value else {
        show(prediction, &progress);
        return Ok(PASSED);
    };
    if let Some(before) = progress.predicted(id) {
        say!("You answered {} before, and the first answer counts.", before.answer);
    }
    answer(desk, prediction, value)
}

fn answer(desk: &Desk, prediction: &Prediction, value: &str) -> Result<u8, Stop> {
    let right = prediction.is_right(value)?;
    let points = if right { prediction.points } else { 0 };
    desk.store.update(|progress| {
        progress.predict(&prediction.id, Predicted { answer: value.to_owned(), right, points });
    })?;
    if right {
        say!("{}", paint(GOOD, "Right."));
    } else {
        say!("{}  It is {}.", paint(BAD, "Wrong."), prediction.answer);
        if let Some(reply) = prediction.reply(value) {
            line(&wrap(reply, 2));
        }
    }
    if !prediction.why.is_empty() {
        line(&wrap(&prediction.why, 2));
    }
    Ok(if right { PASSED } else { NOT_YET })
}

fn show_of(desk: &Desk, progress: &Progress, name: Option<&str>) -> Result<u8, Stop> {
    let of: Vec<&Prediction> = match (name, desk.next(progress)) {
        (Some(name), _) => {
            predictions::of(&desk.predictions, desk.course.exercise(name)?).collect()
        }
        (None, Some(next)) => predictions::of(&desk.predictions, next).collect(),
        (None, None) => desk.predictions.iter().collect(),
    };
    for prediction in &of {
        show(prediction, progress);
    }
    if of.is_empty() {
        say!("There is nothing to predict here.");
    }
    Ok(PASSED)
}

fn show(prediction: &Prediction, progress: &Progress) {
    say!("{}", paint(HEAD, &prediction.id));
    line(&wrap(&prediction.question, 2));
    for choice in &prediction.choices {
        say!("    {choice}");
    }
    match progress.predicted(&prediction.id) {
        Some(before) => {
            let how = if before.right { "right" } else { "wrong" };
            say!("  {}", paint(DIM, format!("you answered {}: {how}", before.answer)));
        }
        None => {
            say!("  {}", paint(NEXT, format!("cargo lab predict {} VALUE", prediction.id)));
            say!("  Your first answer counts, {} of the points.", prediction.points);
        }
    }
}
