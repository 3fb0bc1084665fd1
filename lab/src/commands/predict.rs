//! `predict`: say what the machine will show, before it does. The first answer counts; none blocks anything.

use super::Desk;
use crate::cli::Predict;
use crate::predictions::{self, Asks, Prediction};
use crate::progress::{Predicted, Progress};
use crate::stop::{NOT_YET, PASSED, Stop};
use crate::terminal::{BAD, DIM, GOOD, HEAD, NEXT, line, paint, say, wrap};

/// `cargo lab predict [ID [VALUE]]`
pub(crate) fn run(desk: &Desk, args: &Predict) -> Result<u8, Stop> {
    let progress = desk.store.load()?;
    let value = (!args.value.is_empty()).then(|| args.value.join(" ")); // a choice may be of several words
    let Some(id) = &args.id else {
        list(desk, &progress);
        return Ok(PASSED);
    };
    let Some(prediction) = desk.predictions.iter().find(|prediction| prediction.id == *id) else {
        let found = of(desk, id);
        return match (found.as_slice(), value) {
            ([], _) => Err(unknown(desk, id)),
            (_, Some(_)) => Err(Stop::usage(format!(
                "{id} asks more than one thing: name the prediction (`cargo lab predict {id}` lists them)"
            ))),
            (found, None) => {
                found.iter().for_each(|prediction| show(prediction, &progress));
                Ok(PASSED)
            }
        };
    };
    let Some(value) = value else {
        show(prediction, &progress);
        return Ok(PASSED);
    };
    let code = answer(desk, prediction, &value)?;
    if let Some(first) = progress.predicted(id) {
        let was = if first.right { "right" } else { "wrong" };
        say!("  Your first answer counts: {}, which was {was}.", first.answer);
        return Ok(if first.right { PASSED } else { NOT_YET });
    }
    Ok(code)
}

/// What an exercise or a chapter of this name asks.
fn of<'desk>(desk: &'desk Desk, name: &str) -> Vec<&'desk Prediction> {
    match desk.course.exercise(name) {
        Ok(exercise) => predictions::of(&desk.predictions, exercise).collect(),
        Err(_) => predictions::of_chapter(&desk.predictions, name).collect(),
    }
}

fn unknown(desk: &Desk, id: &str) -> Stop {
    if desk.predictions.is_empty() {
        return Stop::usage("this course has no predictions");
    }
    if let Ok(exercise) = desk.course.exercise(id) {
        return Stop::usage(format!("there is nothing to predict in {}", exercise.id));
    }
    Stop::usage(format!("there is no prediction {id:?}: `cargo lab predict` lists them"))
}

fn answer(desk: &Desk, prediction: &Prediction, value: &str) -> Result<u8, Stop> {
    let right = prediction.is_right(value)?;
    let points = if right { prediction.points() } else { 0 };
    desk.store.update(|progress| {
        progress.predict(&prediction.id, Predicted { answer: value.to_owned(), right, points });
    })?;
    if right && prediction.is(value) {
        say!("{}", paint(GOOD, "Right."));
    } else if right {
        say!("{}  It is {}: near enough.", paint(GOOD, "Right."), prediction.answer);
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

/// Every prediction in a line, below the exercise or the chapter that asks it.
fn list(desk: &Desk, progress: &Progress) {
    let mut head = None;
    for prediction in &desk.predictions {
        let asks = prediction.asked_by();
        if head.replace(asks) != Some(asks) {
            say!("{}", paint(HEAD, title(desk, asks)));
        }
        let points = prediction.points();
        let state = match progress.predicted(&prediction.id) {
            Some(before) if before.right && points > 0 => paint(GOOD, format!("right, +{points}")),
            Some(before) if before.right => paint(GOOD, "right"),
            Some(before) => paint(BAD, format!("wrong: you said {}", before.answer)),
            None if points > 0 => paint(NEXT, format!("open, worth {points}")),
            None => paint(NEXT, "open"),
        };
        say!("  {:<18} {state}", prediction.id);
    }
    if desk.predictions.is_empty() {
        say!("This course has no predictions.");
    } else {
        let how = "The first answer counts.";
        line(&wrap(
            &format!("`cargo lab predict ID` asks, `cargo lab predict ID VALUE` answers. {how}"),
            0,
        ));
    }
}

fn title(desk: &Desk, asks: Asks<'_>) -> String {
    match asks {
        Asks::Exercise(name) => match desk.course.exercise(name) {
            Ok(exercise) => format!("{}  {}", exercise.id, exercise.title),
            Err(_) => name.to_owned(),
        },
        Asks::Chapter(chapter) => format!("{chapter}  a chapter of the book: no points"),
        Asks::Unclear => "others".to_owned(),
    }
}

fn show(prediction: &Prediction, progress: &Progress) {
    say!("{}", paint(HEAD, &prediction.id));
    line(&wrap(&prediction.question, 2));
    for choice in &prediction.choices {
        say!("    {choice}");
    }
    if let Some(before) = progress.predicted(&prediction.id) {
        let how = if before.right { "right" } else { "wrong" };
        let given = format!("you answered {}: {how}. It is {}.", before.answer, prediction.answer);
        say!("  {}", paint(DIM, given));
        line(&wrap(&prediction.why, 2));
        return;
    }
    say!("  {}", paint(NEXT, format!("cargo lab predict {} VALUE", prediction.id)));
    let worth = match prediction.points() {
        0 => "It brings no points".to_owned(),
        1 => "It is worth 1 point".to_owned(),
        points => format!("It is worth {points} points"),
    };
    say!("  {worth}. Your first answer counts.");
}
