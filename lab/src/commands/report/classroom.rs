//! `report --classroom`: what each learner's `report --json` says, in one table.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::course::Course;
use crate::stop::{PASSED, Stop};
use crate::terminal::{HEAD, harmless, paint, say};

#[derive(Deserialize)]
struct Exercise {
    id: String,
    points: u32,
}

/// A line for each learner: a file that bears the name, or a folder with `report.json`; or a folder of those. A learner's
/// folder without a report has a line too.
pub(super) fn run(course: &Course, from: &[PathBuf]) -> Result<u8, Stop> {
    let mut files = Vec::new();
    for path in from {
        let found = reports(path);
        if found.is_empty() {
            return Err(no_report(&format!("no report in {}", path.display())));
        }
        files.extend(found);
    }
    let student = |file: &PathBuf| match file.is_file() {
        true => Ok((name(file), Some(read(file)?))),
        false => Ok((name(file), None)),
    };
    let students = files.iter().map(student);
    let students = students.collect::<Result<Vec<_>, Stop>>()?;
    let width = students.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max(7);
    let ids: String =
        course.exercises.iter().map(|exercise| format!("{:>6}", exercise.id)).collect();
    let all: u32 = course.exercises.iter().map(|exercise| exercise.points).sum();
    say!("{}", paint(HEAD, format!("{:width$}  points of {all:<3}{ids}", "student")));
    for (name, done) in &students {
        let Some(done) = done else {
            say!("{name:width$}  no report");
            continue;
        };
        let points: u32 = done.iter().map(|exercise| exercise.points).sum();
        let cell = |id: &str| match done.iter().find(|exercise| exercise.id == id) {
            Some(exercise) => format!("{:>6}", exercise.points),
            None => format!("{:>6}", "-"), // it was left out of that report
        };
        let cells: String = course.exercises.iter().map(|exercise| cell(&exercise.id)).collect();
        say!("{name:width$}  {points:>6}       {cells}");
    }
    Ok(PASSED)
}

fn reports(path: &Path) -> Vec<PathBuf> {
    let own = path.join("report.json");
    if let Some(file) = [path, &own].into_iter().find(|file| file.is_file()) {
        return vec![file.to_owned()];
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_json = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let is_hidden =
        |path: &Path| path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
    let report = |path: PathBuf| if path.is_dir() { path.join("report.json") } else { path };
    let mut found: Vec<_> =
        entries.filter(|path| !is_hidden(path)).map(report).filter(is_json).collect();
    found.sort();
    if found.iter().any(|file| file.is_file()) { found } else { Vec::new() }
}

/// The learner: the folder of a `report.json`, else the file's own name.
fn name(file: &Path) -> String {
    let full = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let stem = full.file_stem().filter(|stem| *stem != "report");
    let named = stem.or(full.parent().and_then(Path::file_name)).unwrap_or_default();
    harmless(&named.to_string_lossy())
}

fn read(file: &Path) -> Result<Vec<Exercise>, Stop> {
    let text = fs::read(file).map_err(Stop::file("cannot read", file))?;
    let mut json: Value = serde_json::from_slice(&text).unwrap_or_default();
    let exercises = json.pointer_mut("/lab/exercises").map(Value::take).unwrap_or_default();
    serde_json::from_value(exercises)
        .map_err(|_| no_report(&format!("{} is no report", file.display())))
}

fn no_report(what: &str) -> Stop {
    Stop::usage(format!("{what}: `cargo lab report --json FILE` writes one"))
}
