//! One cargo call: what was built, or what the compiler says about the learner's file.

mod messages;
mod progress;

use std::env;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::sandbox::{Cancel, keep};
use crate::stop::Stop;
pub(crate) use progress::Crates;

/// What to build.
#[derive(Debug)]
pub(crate) struct Build<'build> {
    /// The workspace of the checks.
    pub(crate) workspace: &'build Path,
    /// Where to.
    pub(crate) target: &'build Path,
    /// The package.
    pub(crate) package: &'static str,
    /// Its binary; without it, its library.
    pub(crate) bin: Option<&'build str>,
    /// Its features.
    pub(crate) features: &'build str,
    /// `dev`, or `test`: built in less time, and slower.
    pub(crate) profile: &'static str,
    /// The learner's folder. What the compiler says about other files is the course's own.
    pub(crate) learner: Option<&'build Path>,
    /// It is not in a hurry: what else runs comes first.
    pub(crate) gently: bool,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// A binary.
    Built(Built),
    /// The compiler's errors.
    Refused(Errors),
    /// It was ended before there was either.
    Stopped,
}

/// A binary.
#[derive(Debug)]
pub(crate) struct Built {
    /// Where it is; empty for a library.
    pub(crate) program: PathBuf,
    /// Cargo saw no change in the learner's folder.
    pub(crate) learner_is_fresh: bool,
    /// How many warnings the compiler has about the learner's files.
    pub(crate) warnings: usize,
}

/// The compiler's errors, as it renders them.
#[derive(Debug, Default, Clone)]
pub(crate) struct Errors {
    /// About the learner's files, in full.
    pub(crate) learner: Vec<String>,
    /// About the course's files: the first line of each.
    pub(crate) course: Vec<String>,
}

/// Builds. Nothing is printed; `tell` hears how many crates there are and how many are done.
///
/// # Errors
/// Cargo failed, and not because of an answer.
pub(crate) fn build(
    build: &Build<'_>,
    cancel: &Cancel,
    tell: &(dyn Fn(Crates) + Sync),
) -> Result<Outcome, Stop> {
    let ran = run(build, cancel, tell)?;
    let read = messages::read(&ran.stdout, build.bin, build.learner);
    let is_there = read.program.is_some() || build.bin.is_none();
    if ran.is_success && is_there {
        return Ok(Outcome::Built(Built {
            program: read.program.unwrap_or_default(),
            learner_is_fresh: read.learner_is_fresh,
            warnings: read.warnings,
        }));
    }
    if cancel.is_cancelled() {
        return Ok(Outcome::Stopped);
    }
    if !read.errors.learner.is_empty() || !read.errors.course.is_empty() {
        return Ok(Outcome::Refused(read.errors));
    }
    Err(Stop::grader(format!("cargo could not build the checks: {}", first(&ran.stderr))))
}

/// What a cargo call left.
struct Ran {
    is_success: bool,
    stdout: String,
    stderr: String,
}

fn run(build: &Build<'_>, cancel: &Cancel, tell: &(dyn Fn(Crates) + Sync)) -> Result<Ran, Stop> {
    let mut child = keep(&command(build), build.gently)
        .map_err(|error| Stop::grader(format!("cargo cannot be started: {error}")))?;
    let mut leash = child.stdin.take();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        let stdout = scope.spawn(move || {
            let mut bytes = Vec::new();
            stdout.map_or(Ok(0), |mut stdout| stdout.read_to_end(&mut bytes)).map(|_| bytes)
        });
        let stderr = scope.spawn(move || progress::follow(stderr, tell));
        let mut nap = Duration::from_micros(500);
        let status = loop {
            if let Some(status) = child.try_wait().map_err(Stop::grader)? {
                break status;
            }
            if cancel.is_cancelled() {
                leash = None; // the keeper ends cargo, and what cargo has started, and then itself
            }
            thread::sleep(nap);
            nap = (nap * 2).min(Duration::from_millis(4));
        };
        drop(leash);
        let stdout = stdout.join().ok().and_then(Result::ok).unwrap_or_default();
        Ok(Ran {
            is_success: status.success(),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: stderr.join().unwrap_or_default(),
        })
    })
}

fn command(build: &Build<'_>) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command
        .args(["build", "--message-format", "json-diagnostic-rendered-ansi"])
        .args(["--package", build.package, "--features", build.features])
        .args(["--profile", build.profile])
        .arg("--target-dir")
        .arg(build.target)
        .current_dir(build.workspace)
        .envs(progress::SHOWN);
    match build.bin {
        Some(bin) => command.args(["--bin", bin]),
        None => command.arg("--lib"),
    };
    command
}

/// The first paragraph of what cargo says is wrong, in one line.
fn first(stderr: &str) -> String {
    let lines = || stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let from_error: Vec<_> =
        lines().skip_while(|line| !line.starts_with("error")).take(4).collect();
    let text = if from_error.is_empty() { lines().take(4).collect() } else { from_error };
    text.join(" ").trim_start_matches("error: ").to_owned()
}
