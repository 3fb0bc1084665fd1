//! Runs one checks binary in the sandbox and reads its report.

use std::ffi::OsString;
use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;

use crate::channel::{Check, Report, Status};
use crate::sandbox::{self, Cancel, Captured, How, Job, Limits, Run};
use crate::stop::Stop;
use crate::words;

/// How much of what an answer prints is kept.
const KEEP: usize = 64 * 1024;

/// What became of one run.
#[derive(Debug)]
pub(crate) struct Examined {
    /// Every check that ended or had to be ended, in order.
    pub(crate) checks: Vec<Check>,
    /// How the run as a whole ended.
    pub(crate) end: End,
    /// What it printed.
    pub(crate) stdout: Captured,
    /// The same, on the other output.
    pub(crate) stderr: Captured,
    /// Processes that outlived it, and were ended.
    pub(crate) left_behind: usize,
}

/// How a run as a whole ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// Every check passed, and the run is complete.
    Passed,
    /// The last check in the list failed.
    Failed,
    /// The run is not complete, and no check was under way: why, in words.
    Incomplete(String),
    /// The host is to blame: why, in words.
    Undecided(String),
    /// A new save, or `q`.
    Stopped,
}

/// Runs `program` with `args`, `--report` and `--nonce`.
pub(crate) fn examine(
    program: &Path,
    args: &[&str],
    exercise: &str,
    cancel: &Cancel,
) -> Result<Examined, Stop> {
    let home = tempfile::Builder::new().prefix("lab-run-").tempdir().map_err(Stop::grader)?;
    let (report, folder) = (home.path().join("report.jsonl"), home.path().join("work"));
    fs::create_dir(&folder).map_err(Stop::file("cannot make", &folder))?;
    let nonce = nonce();
    let mut all: Vec<OsString> = args.iter().map(OsString::from).collect();
    all.extend(["--report".into(), report.clone().into(), "--nonce".into(), (&nonce).into()]);
    let job = Job {
        program,
        args: all,
        report: &report,
        folder: &folder,
        keep: KEEP,
        limits: Limits::GRADING,
    };
    let run = sandbox::run(&job, cancel)
        .map_err(|error| Stop::grader(format!("the sandbox failed: {error}")))?;
    let report = Report::read(&report, exercise, &nonce);
    let (checks, end) = conclude(report, &run);
    let left_behind = run.ended.left_behind;
    Ok(Examined { checks, end, stdout: run.stdout, stderr: run.stderr, left_behind })
}

/// From what the binary wrote and how it ended to what is to be told.
fn conclude(report: Report, run: &Run) -> (Vec<Check>, End) {
    let mut checks = report.checks;
    if run.ended.how == How::Stopped {
        return (checks, End::Stopped);
    }
    let failed = checks.iter().any(|check| check.status == Status::Fail);
    if report.done {
        return (checks, if failed { End::Failed } else { End::Passed });
    }
    let words = words::of(run);
    if words::is_undecided(&run.ended) {
        return (checks, End::Undecided(words));
    }
    if let Some(nonsense) = report.nonsense {
        let what = format!("a line that the checks did not write is in their report: {nonsense}");
        return (checks, End::Incomplete(what));
    }
    if let Some(mut open) = report.open {
        open.message = Some(if words.starts_with("it is not written yet") {
            format!("As it stands, {words}.")
        } else {
            format!("While it was checked that {}: {words}.", open.rule)
        });
        checks.push(open);
        return (checks, End::Failed);
    }
    let when = match (report.started, checks.is_empty(), failed) {
        (_, _, true) => return (checks, End::Failed),
        (false, ..) => "before the checks began",
        (true, true, _) => "before the first check",
        (true, false, _) => "between two checks, or after the last",
    };
    (checks, End::Incomplete(format!("{when}: {words}")))
}

/// What a run must know to be believed. The keys of the standard library's hash maps are random.
fn nonce() -> String {
    let half = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", half(), half())
}
