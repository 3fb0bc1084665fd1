//! What a thread does while keys and saves are answered.

use std::sync::mpsc::Sender;

use super::super::{Desk, replay};
use super::Event;
use crate::course::Exercise;
use crate::grade::{Told, grade};
use crate::sandbox::Cancel;
use crate::stop::Stop;

/// A thing to do.
#[derive(Debug)]
pub(super) enum Job {
    /// Exercises, one after the other.
    Grade(Vec<Exercise>),
    /// The incident with an answer in it.
    Replay(Exercise),
}

/// Does a job. The verdicts go to the one who shows them.
pub(super) fn work(
    desk: &Desk,
    job: &Job,
    number: u32,
    cancel: &Cancel,
    sender: &Sender<Event>,
) -> Result<(), Stop> {
    match job {
        Job::Grade(exercises) => {
            let mut failed = None;
            for exercise in exercises {
                if cancel.is_cancelled() {
                    break;
                }
                let tell = |told: Told<'_>| {
                    let _ = sender.send(match told {
                        Told::Doing(what) => Event::Tells(number, what),
                        Told::Counting(what) => Event::Counts(number, what),
                        Told::SoFar(graded) => {
                            Event::SoFar(number, exercise.clone(), Box::new(graded.clone()))
                        }
                    });
                };
                // One exercise that cannot be graded is no reason not to grade the others.
                match grade(&desk.course, exercise, false, cancel, &tell) {
                    Ok(graded) => {
                        let graded = Event::Graded(number, exercise.clone(), Box::new(graded));
                        let _ = sender.send(graded);
                    }
                    Err(stop) => failed = Some(stop),
                }
            }
            failed.map_or(Ok(()), Err)
        }
        Job::Replay(_) if cancel.is_cancelled() => Ok(()),
        Job::Replay(exercise) => replay::replay(&desk.course, exercise, cancel).map(drop),
    }
}
