//! What is printed while `watch` runs.

use std::io::{IsTerminal, stdout};

use super::{LONG, Watching};
use crate::cargo::Crates;
use crate::course::Exercise;
use crate::grade::Graded;
use crate::show;
use crate::stop::Stop;
use crate::terminal::{NEXT, Ticker, bar, line, paint, say, width};

impl Watching {
    /// How far a build is.
    pub(super) fn count(&mut self, what: &str) {
        self.ticker.get_or_insert_with(Ticker::new).count(what);
    }

    /// The model checkers are built while nothing else is done, or while this is all that is waited for.
    pub(super) fn checkers(&mut self, crates: Option<Crates>) {
        match crates {
            Some(crates) if self.running.is_none() || self.so_far.is_some() => {
                self.count(&format!("the model checkers are being built ({crates})"));
            }
            Some(_) => {}
            None if self.so_far.is_none() => self.ticker = None,
            None => {}
        }
    }

    pub(super) fn show_so_far(&mut self) -> Result<(), Stop> {
        if let Some((since, exercise, graded)) = &mut self.so_far
            && since.take_if(|since| since.elapsed() > LONG).is_some()
        {
            let (exercise, graded) = (exercise.clone(), graded.clone());
            self.show(&exercise, &graded)?;
        }
        Ok(())
    }

    pub(super) fn show(&mut self, exercise: &Exercise, graded: &Graded) -> Result<(), Stop> {
        self.ticker = None;
        self.desk.store.update(|progress| graded.record(&self.desk.course, exercise, progress))?;
        if stdout().is_terminal() && exercise.id == self.at.id {
            line("\u{1b}[2J\u{1b}[H");
        }
        show::verdict(&self.desk, &self.desk.store.load()?, exercise, graded);
        line("");
        Ok(())
    }

    pub(super) fn footer(&self) -> Result<(), Stop> {
        let progress = self.desk.store.load()?;
        let all = &self.desk.course.exercises;
        let done: u32 = all.iter().map(|exercise| self.desk.points(&progress, exercise)).sum();
        let of: u32 = all.iter().map(|exercise| exercise.points).sum();
        say!("{} {done} of {of} points", bar(done, of, width() / 3));
        if self.has_keys {
            say!("{}", paint(NEXT, "h hint   n next   c check all   r replay   q quit"));
        }
        Ok(())
    }
}
