//! `solution`: the course's own answer, to compare with.

use std::fs;

use super::Desk;
use crate::cli::Solution;
use crate::stop::{PASSED, Stop};
use crate::terminal::{DIM, line, paint, say};

/// `cargo lab solution EX [--force]`
pub(crate) fn run(desk: &Desk, args: &Solution) -> Result<u8, Stop> {
    let exercise = desk.course.exercise(&args.exercise)?;
    let passed = desk.store.load()?.entry(exercise).passed.is_some();
    if !passed && !args.force {
        let id = &exercise.id;
        return Err(Stop::usage(format!(
            "{id} has not passed yet. `cargo lab hint {id}` helps; `--force` shows the solution all the same"
        )));
    }
    let path = desk.course.solution(exercise);
    let text = fs::read_to_string(&path).map_err(Stop::file("cannot read", &path))?;
    if !passed {
        desk.store.update(|progress| progress.entry_mut(exercise).solution_seen = true)?;
    }
    say!("{}", paint(DIM, format!("// {}", desk.course.short(&path))));
    line(text.trim_end());
    Ok(PASSED)
}
