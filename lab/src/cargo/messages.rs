//! What cargo says as JSON, line by line, on its standard output.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Errors;

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

#[derive(Default)]
pub(super) struct Messages {
    pub(super) program: Option<PathBuf>,
    pub(super) learner_is_fresh: bool,
    pub(super) warnings: usize,
    pub(super) errors: Errors,
}

/// Reads them: about the program `bin`, and the learner's folder.
pub(super) fn read(stdout: &str, bin: Option<&str>, learner: Option<&Path>) -> Messages {
    let learner = learner.and_then(|folder| folder.canonicalize().ok());
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
                    (false, false)
                        if message.level == "warning" && !message.message.ends_with(" emitted") =>
                    {
                        read.warnings += 1; // and not the compiler's own count of them
                    }
                    _ => {}
                }
            }
            Message::Made { target, fresh, executable } => {
                if is_learners(&target) {
                    read.learner_is_fresh &= fresh;
                }
                if Some(target.name.as_str()) == bin && executable.is_some() {
                    read.program = executable;
                }
            }
            Message::Other => {}
        }
    }
    read
}
