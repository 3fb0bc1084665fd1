//! No command: how far you are, and what is next.

use super::{Desk, State};
use crate::predictions;
use crate::progress::Progress;
use crate::stop::{PASSED, Stop};
use crate::terminal::{DIM, GOOD, HEAD, NEXT, bar, line, paint, say, width, wrap};

/// `cargo lab`
pub(crate) fn run(desk: &Desk) -> Result<u8, Stop> {
    let progress = desk.store.load()?;
    totals(desk, &progress);
    line("");
    next(desk, &progress);
    Ok(PASSED)
}

fn totals(desk: &Desk, progress: &Progress) {
    let exercises = &desk.course.exercises;
    let all: u32 = exercises.iter().map(|exercise| exercise.points).sum();
    let done: u32 = exercises.iter().map(|exercise| desk.points(progress, exercise)).sum();
    let passed = exercises.iter().filter(|exercise| progress.entry(exercise).passed.is_some());
    let score = format!("{done} of {all} points");
    say!("{}  {score}", paint(GOOD, bar(done, all, (width() / 2).min(42))));
    say!("{} of {} exercises passed", passed.count(), exercises.len());
    line("");
    let mut questions: Vec<&str> = exercises.iter().map(|one| one.question.as_str()).collect();
    questions.dedup();
    for question in questions {
        let of_it = || exercises.iter().filter(|exercise| exercise.question == question);
        let done: u32 = of_it().map(|exercise| desk.points(progress, exercise)).sum();
        let all: u32 = of_it().map(|exercise| exercise.points).sum();
        let name = match question {
            "all" => "all of it".to_owned(),
            number => format!("question {number}"),
        };
        let marks: Vec<_> = of_it().map(|exercise| mark(desk, progress, exercise)).collect();
        say!("  {name:<11} {done:>3} of {all:<3}  {}", marks.join(" "));
    }
    let key = "exNN passed, exNN* passed and changed since, exNN… begun, (exNN) not begun";
    line(&paint(DIM, wrap(key, 2)));
}

fn mark(desk: &Desk, progress: &Progress, exercise: &crate::course::Exercise) -> String {
    match desk.state(progress, exercise) {
        State::Passed => paint(GOOD, &exercise.id),
        State::PassedBefore => paint(GOOD, format!("{}*", exercise.id)),
        State::Begun => paint(NEXT, format!("{}…", exercise.id)),
        State::Untouched => paint(DIM, format!("({})", exercise.id)),
    }
}

fn next(desk: &Desk, progress: &Progress) {
    let Some(exercise) = desk.next(progress) else {
        say!("{}", paint(GOOD, "You have passed every exercise."));
        return;
    };
    say!("Next: {}  {}", paint(HEAD, &exercise.id), paint(HEAD, &exercise.title));
    say!("  {}", desk.course.short(&desk.course.file(exercise)));
    let open = predictions::of(&desk.predictions, exercise)
        .find(|prediction| progress.predicted(&prediction.id).is_none());
    if let Some(prediction) = open {
        line(&wrap(&format!("First predict: {}", prediction.question), 2));
        say!("  {}", paint(NEXT, format!("cargo lab predict {} VALUE", prediction.id)));
        say!("  (worth {}; your first answer counts)", prediction.points());
    }
    say!("  {}", paint(NEXT, "cargo lab watch"));
    if progress.is_empty() && desk.course.exercises.iter().any(|exercise| is_edited(desk, exercise))
    {
        let what =
            "Some files differ from those that were handed out, and nothing is known of them.";
        line(&wrap(&format!("{what} `cargo lab check --all` finds out what you have passed."), 0));
    }
}

fn is_edited(desk: &Desk, exercise: &crate::course::Exercise) -> bool {
    let hash = crate::source::hash_of;
    let handed_out = hash(&desk.course.handed_out(exercise)).ok();
    handed_out.is_some() && handed_out != hash(&desk.course.file(exercise)).ok()
}
