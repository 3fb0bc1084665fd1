//! The model checkers are compiled in the background, while the first exercises are done. A save does not end it, and the
//! exercises that need no model checker do not wait for it.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Event;
use crate::cargo::Outcome;
use crate::course::Course;
use crate::grade::build_model_checkers;
use crate::sandbox::Cancel;

/// How long it may take until cargo and its compilers are gone.
pub(super) const END: Duration = Duration::from_secs(3);

/// The build, once it was started.
#[derive(Debug, Default)]
pub(super) struct Checkers(Option<(Arc<Cancel>, JoinHandle<()>)>);

impl Checkers {
    /// Starts the build, if it was not, and if the course has models.
    pub(super) fn start(&mut self, course: &Course, sender: &Sender<Event>) {
        if self.0.is_some() || !course.exercises.iter().any(|exercise| exercise.models) {
            return;
        }
        let cancel = Arc::new(Cancel::default());
        let (course, sender) = (course.clone(), sender.clone());
        let building = thread::spawn({
            let cancel = cancel.clone();
            move || {
                let tell = |crates| {
                    let _ = sender.send(Event::Checkers(Some(crates)));
                };
                // What is wrong with them is said when an exercise needs them: its own build says it.
                let is_over = build_model_checkers(&course, &cancel, &tell);
                if !matches!(is_over, Ok(Outcome::Stopped)) {
                    let _ = sender.send(Event::Checkers(None)); // without a receiver all is over
                }
            }
        });
        self.0 = Some((cancel, building));
    }

    /// Ends it, and waits until nothing of it runs.
    pub(super) fn end(self) {
        let Some((cancel, building)) = self.0 else { return };
        cancel.cancel();
        let deadline = Instant::now() + END;
        while !building.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
    }
}
