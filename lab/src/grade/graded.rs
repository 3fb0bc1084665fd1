//! What is known of an exercise after it was graded.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::cargo::{Errors, Outcome};
use crate::channel::{Check, Status};
use crate::course::{Course, Exercise};
use crate::examine::{End, Examined};
use crate::progress::Progress;
use crate::sandbox::Captured;
use crate::source::hash_of;
use crate::stamp;

/// See above.
#[derive(Debug, Clone)]
pub(crate) struct Graded {
    /// The SHA-256 of the file that was graded.
    pub(crate) source: String,
    /// Every check that was looked at.
    pub(crate) checks: Vec<Check>,
    /// How it ended.
    pub(crate) end: GradedEnd,
    /// What the learner's code printed.
    pub(crate) stdout: Captured,
    /// The same, on the other output.
    pub(crate) stderr: Captured,
    /// How many warnings the compiler has.
    pub(crate) warnings: usize,
    /// Processes that outlived the run, and were ended.
    pub(crate) left_behind: usize,
    /// From the call to the answer.
    pub(crate) took: Duration,
}

/// How it ended.
#[derive(Debug, Clone)]
pub(crate) enum GradedEnd {
    /// It ran.
    Ran(End),
    /// It does not compile.
    DoesNotCompile(Errors),
    /// All has passed so far, and the model checkers have not looked yet. It is no grade.
    SoFar,
}

impl Graded {
    /// Whether the exercise is done.
    pub(crate) fn passed(&self) -> bool {
        matches!(self.end, GradedEnd::Ran(End::Passed))
    }

    /// Whether the answer says nothing about the learner's file.
    pub(crate) fn says_nothing(&self) -> bool {
        matches!(self.end, GradedEnd::Ran(End::Stopped | End::Undecided(_)) | GradedEnd::SoFar)
    }

    /// The points of the checks that passed.
    pub(crate) fn score(&self) -> u32 {
        let passed = self.checks.iter().filter(|check| check.status == Status::Pass);
        passed.map(|check| check.points).sum()
    }

    /// Takes it down. A file that is as it was handed out is no try.
    pub(crate) fn record(&self, course: &Course, exercise: &Exercise, progress: &mut Progress) {
        let handed_out = hash_of(&course.handed_out(exercise));
        let is_try = handed_out.ok().as_ref() != Some(&self.source);
        if self.says_nothing() || (!is_try && progress.entry(exercise).tries == 0) {
            return;
        }
        let entry = progress.entry_mut(exercise);
        if is_try && entry.source != self.source {
            entry.tries += 1;
        }
        entry.source.clone_from(&self.source);
        entry.score = self.score();
        entry.best = entry.best.max(entry.score);
        if self.passed() {
            entry.passed.get_or_insert_with(stamp::now);
            entry.passed_source = Some(self.source.clone());
        }
    }
}

impl Graded {
    /// Before anything is known of this source.
    pub(super) fn nothing(source: String) -> Self {
        Self {
            source,
            checks: Vec::new(),
            end: GradedEnd::Ran(End::Stopped),
            stdout: Captured::default(),
            stderr: Captured::default(),
            warnings: 0,
            left_behind: 0,
            took: Duration::ZERO,
        }
    }

    /// It cannot be graded: why.
    pub(crate) fn undecided(why: &str) -> Self {
        Self { end: GradedEnd::Ran(End::Undecided(why.to_owned())), ..Self::nothing(String::new()) }
    }

    /// Takes down what a build says of the answer. Returns the program, if there is one.
    pub(super) fn built(&mut self, outcome: Outcome) -> Option<PathBuf> {
        match outcome {
            Outcome::Built(built) => {
                self.warnings = built.warnings;
                return Some(built.program);
            }
            Outcome::Refused(errors) => self.end = GradedEnd::DoesNotCompile(errors),
            Outcome::Stopped => self.end = GradedEnd::Ran(End::Stopped),
        }
        None
    }

    /// Adds what a run has shown.
    pub(super) fn add(&mut self, examined: Examined) {
        self.checks.extend(examined.checks);
        self.end = GradedEnd::Ran(examined.end);
        self.left_behind += examined.left_behind;
        if self.stdout.length == 0 {
            self.stdout = examined.stdout;
        }
        self.stderr = examined.stderr;
    }

    pub(super) fn after(self, begun: Instant) -> Self {
        Self { took: begun.elapsed(), ..self }
    }
}
