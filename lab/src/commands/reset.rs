//! `reset`: the file as it was handed out. The learner's own is kept under its date, and can come back.

use std::fs;
use std::io::{IsTerminal, stdin};
use std::path::{Path, PathBuf};

use super::Desk;
use crate::cli::Reset;
use crate::course::Exercise;
use crate::source::write_atomically;
use crate::stamp;
use crate::stop::{NOT_YET, PASSED, Stop};
use crate::terminal::say;

/// `cargo lab reset EX [--undo] [--yes]`
pub(crate) fn run(desk: &Desk, args: &Reset) -> Result<u8, Stop> {
    let exercise = desk.course.exercise(&args.exercise)?;
    let file = desk.course.file(exercise);
    let backups = desk.course.root.join("lab-backups").join(&exercise.folder);
    let from =
        if args.undo { newest(&backups, exercise)? } else { desk.course.handed_out(exercise) };
    let text = fs::read(&from).map_err(Stop::file("cannot read", &from))?;
    let current = fs::read(&file).ok();
    let (name, what) = match args.undo {
        true => {
            (desk.course.short(&file), format!("the file saved as {}", desk.course.short(&from)))
        }
        false => (desk.course.short(&file), "the file as it was handed out".to_owned()),
    };
    if current.as_ref() == Some(&text) {
        say!("{name} is {what} already: nothing was changed.");
        return Ok(PASSED);
    }
    if !args.yes && !confirm(&format!("Replace {name} by {what}?"))? {
        say!("Nothing was changed.");
        return Ok(NOT_YET);
    }
    let kept = match current {
        Some(current) => Some(keep(&backups, &current)?),
        None => None,
    };
    write_atomically(&file, &text).map_err(Stop::file("cannot write", &file))?;
    say!("{name} is now {what}.");
    if let Some(kept) = kept {
        say!("What was in it before is saved as {}.", desk.course.short(&kept));
        say!("`cargo lab reset {} --undo` puts that back.", exercise.id);
    }
    say!("Points and hints stay as they were.");
    Ok(PASSED)
}

/// Asks on a terminal. Elsewhere nothing can answer, and `--yes` says so beforehand.
fn confirm(question: &str) -> Result<bool, Stop> {
    if !stdin().is_terminal() {
        return Err(Stop::usage("there is no terminal to ask on: add `--yes`"));
    }
    say!("{question} What is in it now is saved first. [y/N]");
    let mut answer = String::new();
    stdin().read_line(&mut answer).map_err(Stop::grader)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Files of one second get a number, and nothing is ever overwritten.
fn keep(backups: &Path, text: &[u8]) -> Result<PathBuf, Stop> {
    fs::create_dir_all(backups).map_err(Stop::file("cannot make", backups))?;
    let stamp = stamp::now().replace(':', "-");
    let free = (1..).map(|number| backups.join(format!("{stamp}-{number:02}.rs")));
    let path = free.into_iter().find(|path| !path.exists()).unwrap_or_default();
    write_atomically(&path, text).map_err(Stop::file("cannot write", &path))?;
    Ok(path)
}

fn newest(backups: &Path, exercise: &Exercise) -> Result<PathBuf, Stop> {
    let entries = fs::read_dir(backups).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .max()
        .ok_or_else(|| {
            Stop::usage(format!("{} was never reset: there is nothing to undo", exercise.id))
        })
}
