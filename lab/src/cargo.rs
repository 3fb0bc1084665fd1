//! One cargo call, read as JSON: what was built, or what the compiler says about the learner's file.

use std::env;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use serde::Deserialize;

use crate::stop::Stop;

/// What to build.
#[derive(Debug)]
pub(crate) struct Build<'build> {
    /// The workspace of the checks.
    pub(crate) workspace: &'build Path,
    /// Where to.
    pub(crate) target: &'build Path,
    /// The binary.
    pub(crate) bin: &'build str,
    /// Its features.
    pub(crate) features: &'build str,
    /// `dev`, or `test`: built in less time, and slower.
    pub(crate) profile: &'static str,
    /// The learner's folder. What the compiler says about other files is the course's own.
    pub(crate) learner: Option<&'build Path>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// A binary.
    Built(Built),
    /// The compiler's errors.
    Refused(Errors),
}

/// A binary.
#[derive(Debug)]
pub(crate) struct Built {
    /// Where it is.
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

#[derive(Deserialize)]
#[serde(tag = "reason")]
enum Message {
    #[serde(rename = "compiler-message")]
    Diagnosed { target: Target, message: Diagnostic },
    #[serde(rename = "compiler-artifact")]
    Made { target: Target, fresh: bool, executable: Option<PathBuf> },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    src_path: PathBuf,
}

#[derive(Deserialize)]
struct Diagnostic {
    level: String,
    message: String,
    rendered: Option<String>,
}

/// Builds. Nothing is printed.
///
/// # Errors
/// Cargo failed, and not because of an answer.
pub(crate) fn build(build: &Build<'_>) -> Result<Outcome, Stop> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--quiet", "--message-format", "json-diagnostic-rendered-ansi"])
        .args(["--bin", build.bin, "--features", build.features, "--profile", build.profile])
        .arg("--target-dir")
        .arg(build.target)
        .current_dir(build.workspace)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|error| Stop::grader(format!("cargo cannot be started: {error}")))?;
    let stderr = child.stderr.take().map(|mut stderr| {
        thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            text
        })
    });
    let mut stdout = String::new();
    if let Some(mut out) = child.stdout.take() {
        out.read_to_string(&mut stdout).map_err(Stop::grader)?;
    }
    let status = child.wait().map_err(Stop::grader)?;
    let stderr = stderr.and_then(|thread| thread.join().ok()).unwrap_or_default();

    let read = read(&stdout, build);
    match read.program {
        Some(program) if status.success() => Ok(Outcome::Built(Built {
            program,
            learner_is_fresh: read.learner_is_fresh,
            warnings: read.warnings,
        })),
        _ if !read.errors.learner.is_empty() || !read.errors.course.is_empty() => {
            Ok(Outcome::Refused(read.errors))
        }
        _ => Err(Stop::grader(format!("cargo could not build the checks: {}", first(&stderr)))),
    }
}

#[derive(Default)]
struct Messages {
    program: Option<PathBuf>,
    learner_is_fresh: bool,
    warnings: usize,
    errors: Errors,
}

fn read(stdout: &str, build: &Build<'_>) -> Messages {
    let learner = build.learner.and_then(|folder| folder.canonicalize().ok());
    let is_learners = |target: &Target| match (&learner, target.src_path.canonicalize()) {
        (Some(learner), Ok(path)) => path.starts_with(learner),
        _ => false,
    };
    let mut read = Messages { learner_is_fresh: true, ..Messages::default() };
    for message in stdout.lines().filter_map(|line| serde_json::from_str(line).ok()) {
        match message {
            Message::Diagnosed { target, message } => {
                let (ours, is_error) = (!is_learners(&target), message.level.starts_with("error"));
                match (ours, is_error) {
                    (false, true) if !message.message.starts_with("aborting due to") => {
                        let rendered = message.rendered.unwrap_or(message.message);
                        read.errors.learner.push(rendered);
                    }
                    (true, true) if !message.message.starts_with("aborting due to") => {
                        read.errors.course.push(message.message);
                    }
                    (false, false) if message.level == "warning" => read.warnings += 1,
                    _ => {}
                }
            }
            Message::Made { target, fresh, executable } => {
                if is_learners(&target) {
                    read.learner_is_fresh &= fresh;
                }
                if target.name == build.bin && executable.is_some() {
                    read.program = executable;
                }
            }
            Message::Other => {}
        }
    }
    read
}

/// The first paragraph of what cargo says, in one line.
fn first(stderr: &str) -> String {
    let lines = stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let text: Vec<_> = lines.take(4).collect();
    text.join(" ").trim_start_matches("error: ").to_owned()
}
