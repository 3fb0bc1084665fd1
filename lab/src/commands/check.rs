//! `check`: grades once.

use super::Desk;
use crate::cli::Check;
use crate::course::Exercise;
use crate::grade::{Graded, grade};
use crate::sandbox::{Cancel, LACKS};
use crate::show;
use crate::stop::{NOT_YET, PASSED, Stop};
use crate::terminal::{GOOD, NEXT, Ticker, line, paint, say};

/// `cargo lab check [EX…] [--all]`
pub(crate) fn run(desk: &Desk, args: &Check) -> Result<u8, Stop> {
    let exercises = if args.all {
        desk.course.exercises.iter().collect()
    } else if args.exercises.is_empty() {
        match desk.next(&desk.store.load()?) {
            Some(next) => vec![next],
            None => {
                say!("{}", paint(GOOD, "You have passed every exercise."));
                return Ok(PASSED);
            }
        }
    } else {
        desk.course.select(&args.exercises)?
    };
    if let Some(lacks) = LACKS {
        eprintln!("lab: note: {lacks}. Here a hang is ended by the clock.");
    }
    let (mut passed, mut failed) = (0, None);
    for (index, exercise) in exercises.iter().enumerate() {
        if index > 0 {
            line("");
        }
        match grade_and_record(desk, exercise, &Cancel::default()) {
            Ok(graded) => {
                show::verdict(desk, &desk.store.load()?, exercise, &graded);
                passed += usize::from(graded.passed());
            }
            // One exercise that cannot be graded is no reason not to grade the others.
            Err(stop) => {
                eprintln!("lab: {}: {}", exercise.id, stop.message());
                failed = Some(stop.exit_code());
            }
        }
    }
    if exercises.len() > 1 {
        line("");
        say!("{passed} of {} exercises pass", exercises.len());
    } else if passed == 1
        && let Some(next) = desk.next(&desk.store.load()?)
    {
        say!("  {}", paint(NEXT, format!("Next: {}, {}", next.id, next.title)));
    }
    Ok(match failed {
        Some(code) => code,
        None if passed == exercises.len() => PASSED,
        None => NOT_YET,
    })
}

/// Grades an exercise and takes down what came of it.
pub(crate) fn grade_and_record(
    desk: &Desk,
    exercise: &Exercise,
    cancel: &Cancel,
) -> Result<Graded, Stop> {
    let graded = {
        let ticker = Ticker::new();
        grade(&desk.course, exercise, cancel, &|what| ticker.tell(what))?
    };
    desk.store.update(|progress| graded.record(&desk.course, exercise, progress))?;
    Ok(graded)
}
