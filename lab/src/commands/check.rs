//! `check`: grades once.

use std::io::{IsTerminal, stdout};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::Desk;
use crate::cli::Check;
use crate::course::Exercise;
use crate::grade::{Graded, Told, grade, need_models};
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
    let as_it_comes = !args.all && stdout().is_terminal();
    let patient = !as_it_comes && need_models(&desk.course, &exercises);
    let (mut passed, mut failed) = (0, None);
    for (index, exercise) in exercises.iter().enumerate() {
        if index > 0 {
            line("");
        }
        match grade_and_record(desk, exercise, patient) {
            Ok((graded, shown)) => {
                let progress = desk.store.load()?;
                match shown {
                    Some(shown) if shown.source == graded.source => {
                        show::rest(desk, &progress, exercise, &graded, shown.checks.len());
                    }
                    _ => show::verdict(desk, &progress, exercise, &graded),
                }
                passed += usize::from(graded.passed());
            }
            // One exercise that cannot be graded is no reason not to grade the others.
            Err(stop) => {
                eprintln!("lab: {}: {}", exercise.id, stop.message());
                failed = failed.max(Some(stop.exit_code()));
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

/// What the model checkers take longer for is worth a word before: they are being built.
const LONG: Duration = Duration::from_millis(700);

/// What comes from the thread that grades.
enum Heard {
    Doing(String),
    Counting(String),
    SoFar(Box<Graded>),
}

/// Grades an exercise and takes down what came of it. One who is not `patient` sees what is known before the model checkers
/// are built; it is returned too.
pub(crate) fn grade_and_record(
    desk: &Desk,
    exercise: &Exercise,
    patient: bool,
) -> Result<(Graded, Option<Box<Graded>>), Stop> {
    let (sender, heard) = mpsc::channel();
    let tell = move |told: Told<'_>| {
        let _ = sender.send(match told {
            Told::Doing(what) => Heard::Doing(what),
            Told::Counting(what) => Heard::Counting(what),
            Told::SoFar(graded) => Heard::SoFar(Box::new(graded.clone())),
        }); // the receiver may have failed
    };
    let mut ticker = Some(Ticker::new());
    let (mut so_far, mut shown) = (None, None);
    let graded = thread::scope(|scope| {
        let grading =
            scope.spawn(move || grade(&desk.course, exercise, patient, &Cancel::default(), &tell));
        loop {
            match heard.recv_timeout(LONG / 4) {
                Ok(Heard::Doing(what)) => ticker.iter().for_each(|ticker| ticker.tell(&what)),
                Ok(Heard::Counting(what)) => ticker.iter().for_each(|ticker| ticker.count(&what)),
                Ok(Heard::SoFar(graded)) => so_far = Some((Instant::now(), graded)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if let Some((_, graded)) = so_far.take_if(|(since, _)| since.elapsed() > LONG) {
                ticker = None; // its line is cleared
                show::verdict(desk, &desk.store.load()?, exercise, &graded);
                shown = Some(graded);
                ticker = Some(Ticker::new());
            }
        }
        grading.join().map_err(|_| Stop::grader("the grader panicked"))?
    })?;
    drop(ticker);
    desk.store.update(|progress| graded.record(&desk.course, exercise, progress))?;
    Ok((graded, shown))
}
