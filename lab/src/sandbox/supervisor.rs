//! The process that stands between `lab` and the program: it adopts what the program leaves behind, looks how far it
//! is, and does not end before everything below it has.
//!
//! That nothing is left is not hoped but known: every orphan becomes a child of this process, and the kernel says when
//! there is no child any more.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::ended::{Ended, How};
use super::judge::{Judge, Limits, Seen};
use super::process;

/// The name that this process is started under.
pub(super) const NAME: &str = "sandbox-supervisor";

/// How often it looks.
const LOOK: Duration = Duration::from_millis(50);

/// How often it looks whether the host's threads multiply: a program that forks in a loop doubles in less than [`LOOK`],
/// and thousands of processes take long to look at.
const GLANCE: Duration = Duration::from_millis(5);

/// How long it waits for killed processes to go. One in the middle of a disk access takes a moment.
const BURY: Duration = Duration::from_secs(3);

/// `sandbox-supervisor ENDED REPORT LIMITS PROGRAM [ARG…]`
pub(super) fn main(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    let (Some(ended), Some(report)) = (args.next(), args.next()) else { return ExitCode::from(2) };
    let limits = args.next().and_then(|text| serde_json::from_str(text.to_str()?).ok());
    let (Some(limits), Some(program)) = (limits, args.next()) else { return ExitCode::from(2) };
    let parent = parent();
    let how = supervise(limits, &PathBuf::from(report), program, args);
    if parent != self::parent() {
        clean_up(Path::new(&ended)); // `lab` was killed: nothing else will
        return ExitCode::SUCCESS;
    }
    match serde_json::to_vec(&how).map(|text| fs::write(ended, text)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        _ => ExitCode::from(3),
    }
}

/// The process that started this one; another one if that is gone.
fn parent() -> u32 {
    #[cfg(unix)]
    let parent = std::os::unix::process::parent_id();
    #[cfg(not(unix))]
    let parent = 0;
    parent
}

/// Removes what `lab` made for this run: the file that nothing will read, and the folder.
fn clean_up(ended: &Path) {
    let _ = fs::remove_file(ended);
    let here = std::env::current_dir().unwrap_or_default();
    let is_home = |folder: &&Path| {
        folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with("lab-run-"))
    };
    if let Some(home) = here.ancestors().find(is_home) {
        let _ = fs::remove_dir_all(home);
    }
}

/// What wakes the supervisor.
pub(super) enum Wake {
    /// A child has ended: the program, or an adopted one.
    Buried { pid: u32, how: How },
    /// There is no child any more.
    Alone,
    /// The leash broke.
    Leash,
}

fn supervise(
    limits: Limits,
    report: &Path,
    program: OsString,
    args: impl Iterator<Item = OsString>,
) -> Ended {
    process::adopt();
    let begun = Instant::now();
    let crowd = process::tasks_of_the_host() + limits.tasks;
    let child = match start(limits, program, args) {
        Ok(child) => child,
        Err(error) => return Ended { how: How::NotStarted(error.to_string()), ..Ended::unknown() },
    };
    let pid = child.id();
    let (wake, woken) = mpsc::channel();
    thread::spawn({
        let wake = wake.clone();
        move || follow_leash(&wake)
    });
    thread::spawn(move || bury(child, &wake));

    let mut judge = Judge::new(limits);
    let mut ended = Ended::unknown();
    let mut tally = |ended: &mut Ended| {
        let below = process::look(&process::below());
        let cpu_ms = below.cpu_ms.map(|cpu| cpu + process::cpu_ms_of_the_dead());
        let seen = Seen {
            wall_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            cpu_ms,
            report: fs::metadata(report).map_or(0, |file| file.len()),
            tasks: below.threads,
            asleep: below.asleep,
        };
        let stuck = judge.look(&seen);
        ended.wall_ms = seen.wall_ms;
        ended.cpu_ms = ended.cpu_ms.max(cpu_ms.unwrap_or(0));
        ended.cpu_since_report_ms = judge.cpu_since_report(ended.cpu_ms);
        ended.sleeps_in = seen.asleep.map(|(_, sleeps_in)| sleeps_in);
        (stuck, below.alive)
    };
    let mut looked = Instant::now();
    ended.how = loop {
        match woken.recv_timeout(GLANCE) {
            Ok(Wake::Buried { pid: buried, how }) if buried == pid => {
                let (_, alive) = tally(&mut ended);
                ended.left_behind = if cfg!(target_os = "linux") { alive } else { 0 };
                break how;
            }
            Ok(Wake::Buried { .. }) => {}
            Ok(Wake::Leash) => break How::Stopped,
            Err(RecvTimeoutError::Timeout) => {
                let is_crowded = process::tasks_of_the_host() > crowd;
                if !is_crowded && looked.elapsed() < LOOK {
                    continue;
                }
                if is_crowded {
                    process::freeze_group(pid, true);
                }
                let (stuck, _) = tally(&mut ended);
                looked = Instant::now();
                if let Some(stuck) = stuck {
                    break stuck;
                }
                if is_crowded {
                    process::freeze_group(pid, false); // the crowd was another program's
                }
            }
            Ok(Wake::Alone) | Err(RecvTimeoutError::Disconnected) => break How::Unknown,
        }
    };
    kill_all(pid, &woken);
    ended
}

/// Kills until no child is left.
pub(super) fn kill_all(pid: u32, woken: &Receiver<Wake>) {
    let deadline = Instant::now() + BURY;
    // Most programs leave nothing: then this is known at once, and no process is looked at.
    while !is_alone(woken) && Instant::now() < deadline {
        process::kill_group(pid); // the program leads a group of its own
        process::kill(&process::below());
    }
}

/// Whether the last child has ended, or ends in a moment.
fn is_alone(woken: &Receiver<Wake>) -> bool {
    loop {
        match woken.recv_timeout(Duration::from_millis(2)) {
            Ok(Wake::Alone) | Err(RecvTimeoutError::Disconnected) => return true,
            Ok(Wake::Buried { .. } | Wake::Leash) => {}
            Err(RecvTimeoutError::Timeout) => return false,
        }
    }
}

fn start(
    limits: Limits,
    program: OsString,
    args: impl Iterator<Item = OsString>,
) -> std::io::Result<Child> {
    #[cfg(unix)]
    let mut command = {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new(super::myself()?);
        command.arg(super::entrance::NAME).arg(serde_json::to_string(&limits)?).arg(program);
        command.process_group(0);
        command
    };
    #[cfg(not(unix))]
    let mut command = {
        let _ = limits;
        Command::new(program)
    };
    command.args(args).stdin(Stdio::null()).spawn()
}

/// Nothing is ever written to the leash: it is read until it breaks.
pub(super) fn follow_leash(wake: &Sender<Wake>) {
    let mut byte = [0];
    while let Ok(1..) = std::io::stdin().read(&mut byte) {}
    let _ = wake.send(Wake::Leash); // the receiver may be gone: then all is over anyway
}

/// Waits for every child there is or will be.
#[cfg(unix)]
pub(super) fn bury(child: Child, wake: &Sender<Wake>) {
    use rustix::io::Errno;
    use rustix::process::{WaitOptions, wait};
    drop(child); // it is waited for by number, like the adopted ones
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) => {
                let how = match (status.exit_status(), status.terminating_signal()) {
                    (Some(code), _) => How::Exited(code),
                    (None, Some(signal)) => How::Signaled(signal),
                    (None, None) => continue,
                };
                let pid = pid.as_raw_nonzero().get().cast_unsigned();
                let _ = wake.send(Wake::Buried { pid, how });
            }
            Ok(None) | Err(Errno::INTR) => {}
            Err(_) => break, // ECHILD
        }
    }
    let _ = wake.send(Wake::Alone);
}

#[cfg(not(unix))]
pub(super) fn bury(mut child: Child, wake: &Sender<Wake>) {
    let pid = child.id();
    let how = match child.wait() {
        Ok(status) => How::Exited(status.code().unwrap_or(-1)),
        Err(_) => How::Unknown,
    };
    let _ = wake.send(Wake::Buried { pid, how });
    let _ = wake.send(Wake::Alone);
}
