//! `watch`: grades on every save. Keys and new saves are answered while a check hangs: it runs in a thread of its own,
//! and a new save ends it.

mod checkers;
mod files;
mod job;
mod keys;
mod screen;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::Desk;
use crate::cargo::Crates;
use crate::cli::Watch;
use crate::course::Exercise;
use crate::grade::{Graded, Lane, lane};
use crate::sandbox::Cancel;
use crate::source::hash_of;
use crate::stop::{NOT_YET, PASSED, Stop};
use crate::terminal::{DIM, Ticker, paint, say};
use checkers::Checkers;
use job::{Job, work};

/// A save is over when nothing has happened for so long: an editor writes, renames and touches.
const QUIET: Duration = Duration::from_millis(30);

/// What takes longer is named while it goes on.
const LONG: Duration = Duration::from_millis(700);

/// What can happen.
enum Event {
    /// Something in `exercises/` is not what it was.
    Files,
    /// A key.
    Key(char),
    /// The terminal is gone.
    HungUp,
    /// What a job is doing now.
    Tells(u32, String),
    /// How far that is.
    Counts(u32, String),
    /// All has passed, and the model checkers have not looked yet.
    SoFar(u32, Exercise, Box<Graded>),
    /// A job has an answer.
    Graded(u32, Exercise, Box<Graded>),
    /// How far the build of the model checkers is; `None`: it is over.
    Checkers(Option<Crates>),
    /// A job is over.
    Over(u32, Result<(), Stop>),
}

/// `cargo lab watch [--poll]`
pub(crate) fn run(desk: &Desk, args: &Watch) -> Result<u8, Stop> {
    let (sender, events) = mpsc::channel();
    let _files = files::watch(&desk.course.root.join("exercises"), args.poll, sender.clone())?;
    let keys = keys::read(sender.clone());
    let first = desk.next(&desk.store.load()?).or(desk.course.exercises.first());
    let first = first.cloned().ok_or_else(|| Stop::grader("this course has no exercises"))?;
    let mut watch = Watching {
        desk: Arc::new(desk.clone()),
        at: first.clone(),
        seen: BTreeMap::new(),
        sender,
        turn: Arc::default(),
        job: 0,
        running: None,
        telling: None,
        so_far: None,
        owed: Vec::new(),
        ticker: None,
        checkers: Checkers::default(),
        has_keys: keys.are_read(),
    };
    watch.changed(); // takes note of what there is
    watch.start(Job::Grade(vec![first]));
    watch.follow(&events)?;
    watch.stop();
    watch.wait_for_end(&events);
    watch.checkers.end();
    let all = &desk.course.exercises;
    let progress = desk.store.load()?;
    let done = all.iter().all(|exercise| progress.entry(exercise).passed.is_some());
    Ok(if done { PASSED } else { NOT_YET })
}

struct Watching {
    desk: Arc<Desk>,
    /// The exercise that keys are about.
    at: Exercise,
    /// The hash of each exercise's file.
    seen: BTreeMap<String, Option<String>>,
    sender: Sender<Event>,
    /// One job at a time: a stopped one ends before the next begins.
    turn: Arc<Mutex<()>>,
    /// The number of the latest job. What an earlier one still says is not heard.
    job: u32,
    running: Option<Arc<Cancel>>,
    telling: Option<(Instant, String)>,
    /// What is known until the model checkers have looked. Unless they are quick it is shown, and then its time is `None`.
    so_far: Option<(Option<Instant>, Exercise, Box<Graded>)>,
    /// Whose verdict the model checkers still owe: another job came in between.
    owed: Vec<Exercise>,
    /// The line that says how far a build is. It goes before anything else is printed.
    ticker: Option<Ticker>,
    checkers: Checkers,
    has_keys: bool,
}

impl Watching {
    /// Until `q`.
    fn follow(&mut self, events: &Receiver<Event>) -> Result<(), Stop> {
        loop {
            match events.recv_timeout(LONG / 4) {
                Ok(Event::Files) => self.files(events),
                Ok(Event::Key('q' | '\u{3}' | '\u{4}') | Event::HungUp) => return Ok(()),
                Ok(Event::Key(key)) => self.key(key)?,
                Ok(Event::Tells(job, what)) if job == self.job => match self.so_far {
                    Some(_) => self.count(&what),
                    None => self.telling = Some((Instant::now(), what)),
                },
                Ok(Event::Counts(job, what)) if job == self.job => self.count(&what),
                Ok(Event::Checkers(crates)) => {
                    self.checkers(crates);
                    self.pay();
                }
                Ok(Event::SoFar(job, exercise, graded)) if job == self.job => {
                    self.so_far = Some((Some(Instant::now()), exercise, graded));
                    self.telling = None;
                }
                Ok(Event::Graded(job, exercise, graded)) if job == self.job => {
                    self.so_far = None;
                    self.owed.retain(|owed| owed.id != exercise.id);
                    self.show(&exercise, &graded)?;
                }
                Ok(Event::Over(job, outcome)) if job == self.job => {
                    (self.running, self.telling, self.so_far) = (None, None, None);
                    self.ticker = None;
                    if let Err(stop) = outcome {
                        eprintln!("lab: {}", stop.message());
                        self.owed.clear(); // or it would be tried again and again
                    }
                    self.footer()?;
                    self.checkers.start(&self.desk.course, &self.sender);
                    self.pay();
                }
                Ok(
                    Event::Tells(..)
                    | Event::Counts(..)
                    | Event::SoFar(..)
                    | Event::Graded(..)
                    | Event::Over(..),
                ) => {}
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            if let Some((_, what)) = self.telling.take_if(|(since, _)| since.elapsed() > LONG) {
                self.ticker = None;
                say!("  {}", paint(DIM, format!("{what} …")));
            }
            self.show_so_far()?;
        }
    }

    fn files(&mut self, events: &Receiver<Event>) {
        let mut later = Vec::new();
        while let Ok(event) = events.recv_timeout(QUIET) {
            if !matches!(event, Event::Files) {
                later.push(event);
            }
        }
        for event in later {
            let _ = self.sender.send(event); // its receiver is the caller
        }
        let changed = self.changed();
        let current = changed.iter().find(|exercise| exercise.id == self.at.id);
        if let Some(exercise) = current.or(changed.first()).cloned() {
            self.at = exercise.clone();
            self.start(Job::Grade(vec![exercise]));
        }
    }

    /// The exercises whose file is another one than before.
    fn changed(&mut self) -> Vec<Exercise> {
        let mut changed = Vec::new();
        for exercise in &self.desk.course.exercises {
            let now = hash_of(&self.desk.course.file(exercise)).ok();
            let before = self.seen.insert(exercise.id.clone(), now.clone());
            // A file that is not there is in the middle of being replaced.
            if now.is_some() && before.is_some_and(|before| before != now) {
                changed.push(exercise.clone());
            }
        }
        changed
    }

    fn start(&mut self, job: Job) {
        self.stop();
        self.job += 1;
        let cancel = Arc::new(Cancel::default());
        self.running = Some(cancel.clone());
        let (desk, sender, turn, number) =
            (self.desk.clone(), self.sender.clone(), self.turn.clone(), self.job);
        thread::spawn(move || {
            let _turn = turn.lock();
            let work = || work(&desk, &job, number, &cancel, &sender);
            let outcome = catch_unwind(AssertUnwindSafe(work))
                .unwrap_or_else(|_| Err(Stop::grader("the grader panicked")));
            let _ = sender.send(Event::Over(number, outcome)); // without a receiver all is over
        });
    }

    fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.cancel();
        }
        if let Some((_, exercise, _)) = self.so_far.take() {
            self.owed.retain(|owed| owed.id != exercise.id);
            self.owed.push(exercise);
        }
        (self.telling, self.ticker) = (None, None);
    }

    /// Grades what is owed, once there are model checkers and nothing else is done.
    fn pay(&mut self) {
        if self.running.is_none()
            && !self.owed.is_empty()
            && lane(&self.desk.course) == Lane::Models
        {
            self.start(Job::Grade(self.owed.clone()));
        }
    }

    /// Gives a stopped job the time to clean up behind itself, and to end its compilers.
    fn wait_for_end(&self, events: &Receiver<Event>) {
        let deadline = Instant::now() + checkers::END;
        while self.turn.try_lock().is_err() && Instant::now() < deadline {
            let _ = events.recv_timeout(Duration::from_millis(10));
        }
    }
}
