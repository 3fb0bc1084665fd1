//! A copy of the mini course, and the program run on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Longer than anything takes on a busy host.
pub(crate) const NEVER: Duration = Duration::from_secs(120);

/// A course that only one test uses.
pub(crate) struct Course {
    folder: TempDir,
}

/// What a run of `lab` gave.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Course {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("lab-test-").tempdir().unwrap();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mini"), folder.path());
        Self { folder }
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn file(&self, exercise: &str) -> PathBuf {
        self.path(&format!("exercises/{exercise}/src/lib.rs"))
    }

    /// Writes `body` as the body of `add`.
    pub(crate) fn add(&self, body: &str) {
        fs::write(self.file("ex01_add"), add(body)).unwrap();
    }

    /// Writes the course's own answer.
    pub(crate) fn solve(&self, exercise: &str) {
        let solution = self.path(&format!("solutions/{exercise}/src/lib.rs"));
        fs::copy(solution, self.file(exercise)).unwrap();
    }

    /// Makes the checks tell an incident: a first line that is equal, then one of each console.
    pub(crate) fn beside(&self, yours: &str, stock: &str) {
        let told = serde_json::json!({"beside": {
            "yours": format!("booted\n{yours}"), "stock": format!("booted\n{stock}"), "report": "-",
        }});
        let path = self.path("lab/checks/src/lib.rs");
        let checks = fs::read_to_string(&path).unwrap();
        let old = r#"println!("yours | stock\nthe whole incident of {exercise}");"#;
        assert!(checks.contains(old));
        fs::write(path, checks.replace(old, &format!("println!(\"{{}}\", r#\"{told}\"#);")))
            .unwrap();
    }

    /// A command that is marked: everything that it starts inherits the mark.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
        command
            .args(args)
            .env("LAB_ROOT", self.folder.path())
            .env("LAB_TEST_MARK", self.folder.path())
            .env_remove("NO_COLOR")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn lab(&self, args: &[&str]) -> Said {
        Said::from(self.command(args).output().unwrap())
    }

    pub(crate) fn progress(&self) -> toml::Table {
        let text = fs::read_to_string(self.path("lab-progress.toml")).unwrap();
        text.parse().unwrap()
    }

    /// The points of the checks of an exercise when it was graded last.
    pub(crate) fn score(&self, id: &str) -> i64 {
        self.progress()["exercise"][id]["score"].as_integer().unwrap()
    }

    /// The command lines of the processes that bear this course's mark.
    pub(crate) fn processes(&self) -> Vec<String> {
        let mark = format!("LAB_TEST_MARK={}", self.folder.path().display());
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        processes
            .filter(|process| {
                let environment = fs::read(process.path().join("environ")).unwrap_or_default();
                environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
            })
            .map(|process| fs::read(process.path().join("cmdline")).unwrap_or_default())
            .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
            .collect()
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Said {
    /// The text without its line breaks: it is wrapped somewhere.
    pub(crate) fn words(&self) -> String {
        self.out.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// A file whose `add` has this body.
pub(crate) fn add(body: &str) -> String {
    format!(
        "//! An answer.\n#![allow(warnings, reason = \"it is wrong anyway\")]\n\n/// The sum.\n\
         pub fn add(one: u32, other: u32) -> u32 {{\n    {body}\n}}\n"
    )
}

/// Waits until something is so.
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < NEVER, "never: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let name = entry.file_name();
        let is_built = name.to_string_lossy().starts_with("target");
        match entry.file_type().unwrap().is_dir() {
            true if is_built => {}
            true => copy(&entry.path(), &to.join(name)),
            false => {
                fs::copy(entry.path(), to.join(name)).unwrap();
            }
        }
    }
}
