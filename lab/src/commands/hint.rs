//! `hint`: the next of three, and after the last one all over again.

use std::fs;

use super::Desk;
use crate::course::{Course, Exercise};
use crate::stop::{PASSED, Stop};
use crate::terminal::{DIM, HEAD, line, paint, say, wrap};

/// `cargo lab hint [EX]`
pub(crate) fn run(desk: &Desk, name: Option<&str>) -> Result<u8, Stop> {
    let exercise = desk.named_or_next(name)?;
    let hints = hints(&desk.course, exercise)?;
    if hints.is_empty() {
        return Err(Stop::grader(format!("{} has no hints", exercise.id)));
    }
    let shown = desk.store.update(|progress| {
        let entry = progress.entry_mut(exercise);
        entry.hints += 1;
        entry.hints as usize - 1
    })?;
    let (index, count) = (shown % hints.len(), hints.len());
    if shown > 0 && index == 0 {
        say!("You have seen all {count} hints of {}. They begin again:", exercise.id);
    }
    let head = format!("{}  hint {} of {count}", exercise.id, index + 1);
    say!("{}", paint(HEAD, head));
    let paragraphs = hints[index].split("\n\n").map(|lines| lines.replace('\n', " "));
    line(&wrap(&paragraphs.collect::<Vec<_>>().join("\n\n"), 2));
    if index + 1 == count {
        say!(
            "{}",
            paint(DIM, "  This is the last one: the next `hint` begins again with the first.")
        );
    }
    Ok(PASSED)
}

/// The hints of an exercise: the parts of `hints.md` between lines of `---`.
pub(crate) fn hints(course: &Course, exercise: &Exercise) -> Result<Vec<String>, Stop> {
    let path = course.folder(exercise).join("hints.md");
    let text = fs::read_to_string(&path).map_err(Stop::file("cannot read", &path))?;
    let text = text.replace("\r\n", "\n");
    let parts = text.split("\n---\n").map(|part| part.trim().trim_end_matches("---").trim());
    Ok(parts.filter(|part| !part.is_empty()).map(str::to_owned).collect())
}
