//! Runs a program that is not trusted: it may hang, flood, fork, eat memory or end at any moment.
//!
//! ```text
//! lab ──leash──▶ supervisor ──▶ entrance ──exec──▶ the program
//!  ▲               │ adopts what the program leaves behind, watches, kills
//!  └── ended.json ─┘
//! ```
//!
//! The supervisor and the entrance are this program again, started under other names. So nothing here is done between
//! `fork` and `exec`, and there is no `unsafe`: a process sets its own limits and then becomes the program.
//!
//! The *leash* is the supervisor's standard input. Whatever ends this program, the leash breaks, and the supervisor ends
//! everything below it. Cargo, which is trusted, runs on a leash too: `keeper`.

mod capture;
mod ended;
mod entrance;
mod judge;
mod keeper;
mod process;
mod supervisor;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{fs, thread};

pub(crate) use capture::Captured;
pub(crate) use ended::{Ended, How, SleepsIn};
pub(crate) use judge::Limits;
pub(crate) use keeper::keep;

/// What a new save, or `q`, does to a run that is under way.
#[derive(Debug, Default)]
pub(crate) struct Cancel(AtomicBool);

impl Cancel {
    /// Ends the run. It answers [`How::Stopped`].
    pub(crate) fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed); // a flag alone: nothing else is read because of it
    }

    /// Whether it was ended.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What this host does not let the sandbox do, if anything.
pub(crate) const LACKS: Option<&str> = if cfg!(target_os = "linux") {
    None
} else if cfg!(unix) {
    Some("only on Linux are deadlocks told from loops, and processes found that leave their group")
} else {
    Some("only on Linux are deadlocks told from loops, and memory and files limited")
};

/// A program to run.
#[derive(Debug)]
pub(crate) struct Job<'job> {
    /// The program.
    pub(crate) program: &'job Path,
    /// Its arguments.
    pub(crate) args: Vec<OsString>,
    /// A file that grows while the program gets somewhere.
    pub(crate) report: &'job Path,
    /// An empty folder of its own: the program is started there, and told to put temporary files there.
    pub(crate) folder: &'job Path,
    /// How much of each of its outputs is kept.
    pub(crate) keep: usize,
    /// What it may use.
    pub(crate) limits: Limits,
}

/// How a run ended, and what the program printed.
#[derive(Debug)]
pub(crate) struct Run {
    /// How it ended.
    pub(crate) ended: Ended,
    /// Its standard output.
    pub(crate) stdout: Captured,
    /// Its standard error.
    pub(crate) stderr: Captured,
}

/// If this process was started as a supervisor or an entrance, does that.
pub(crate) fn other_name() -> Option<ExitCode> {
    let mut args = std::env::args_os().skip(1);
    match args.next()?.to_str()? {
        supervisor::NAME => Some(supervisor::main(args)),
        entrance::NAME => Some(entrance::main(args)),
        keeper::NAME => Some(keeper::main(args)),
        _ => None,
    }
}

/// Runs a program to its end. When this returns, neither it nor anything that it started is left.
pub(crate) fn run(job: &Job<'_>, cancel: &Cancel) -> io::Result<Run> {
    process::adopt();
    let verdict = tempfile::Builder::new().prefix("lab-ended-").tempfile()?;
    let mut supervisor = Command::new(myself()?);
    supervisor
        .arg(supervisor::NAME)
        .arg(verdict.path())
        .arg(job.report)
        .arg(serde_json::to_string(&job.limits)?)
        .arg(job.program)
        .args(&job.args)
        .current_dir(job.folder)
        .env("TMPDIR", job.folder)
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("LOOM_") || text.starts_with("SHUTTLE_") {
            supervisor.env_remove(&name); // they change how far a model checker looks, and so a verdict
        }
    }
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut supervisor, 0); // Ctrl-C goes to `lab` alone
    let mut child = supervisor.spawn()?;
    let leash = child.stdin.take();
    let stdout = capture::start(child.stdout.take(), job.keep);
    let stderr = capture::start(child.stderr.take(), job.keep);
    wait(&mut child, leash, cancel, job.limits.wall())?;
    let ended = fs::read(verdict.path()).ok().and_then(|text| serde_json::from_slice(&text).ok());
    if ended.is_none() {
        process::kill_adopted(); // the program has killed its supervisor
    }
    Ok(Run {
        ended: ended.unwrap_or_else(Ended::unknown),
        stdout: stdout.finish(),
        stderr: stderr.finish(),
    })
}

/// Waits for the supervisor. It keeps the limits; this is for the case that the program killed it.
fn wait(
    child: &mut std::process::Child,
    leash: Option<std::process::ChildStdin>,
    cancel: &Cancel,
    wall: Duration,
) -> io::Result<()> {
    let begun = std::time::Instant::now();
    let mut leash = leash;
    let mut nap = Duration::from_micros(200);
    while child.try_wait()?.is_none() {
        if cancel.is_cancelled() {
            leash = None;
        }
        if begun.elapsed() > wall + Duration::from_secs(5) {
            child.kill()?;
        }
        thread::sleep(nap);
        nap = (nap * 2).min(Duration::from_millis(5));
    }
    drop(leash);
    process::kill_group(child.id()); // empty by now, unless something killed the supervisor
    Ok(())
}

/// This program, even if a build has replaced its file meanwhile.
fn myself() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { std::env::current_exe() }
}
