//! Runs a program that is trusted, such as cargo, and ends it together with what started it: when the leash breaks,
//! nothing is left of the program, nor of what it has started.

use std::ffi::OsString;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::{io, thread};

use super::ended::How;
use super::process;
use super::supervisor::{Wake, bury, follow_leash, kill_all};

/// The name that this process is started under.
pub(super) const NAME: &str = "sandbox-keeper";

/// A program under a keeper. Without its leash, `child.stdin`, it ends.
pub(crate) fn keep(command: &Command, gently: bool) -> io::Result<Child> {
    let mut keeper = Command::new(super::myself()?);
    keeper
        .arg(NAME)
        .arg(if gently { "gently" } else { "at-once" })
        .arg(command.get_program())
        .args(command.get_args())
        .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(folder) = command.get_current_dir() {
        keeper.current_dir(folder);
    }
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut keeper, 0); // Ctrl-C goes to `lab` alone
    keeper.spawn()
}

/// `sandbox-keeper gently|at-once PROGRAM [ARG…]`
pub(super) fn main(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    let (Some(how), Some(program)) = (args.next(), args.next()) else { return ExitCode::from(2) };
    #[cfg(unix)]
    if how == "gently" {
        let _ = rustix::process::nice(10); // it is no harm if this is not allowed
    }
    process::adopt();
    let mut command = Command::new(&program);
    command.args(args).stdin(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            eprintln!("error: {} cannot be started: {error}", program.display());
            return ExitCode::from(126);
        }
    };
    let pid = child.id();
    let (wake, woken) = mpsc::channel();
    thread::spawn({
        let wake = wake.clone();
        move || follow_leash(&wake)
    });
    thread::spawn(move || bury(child, &wake));
    let code = loop {
        match woken.recv() {
            Ok(Wake::Buried { pid: buried, how }) if buried == pid => break code(&how),
            Ok(Wake::Buried { .. }) => {}
            Ok(Wake::Leash | Wake::Alone) | Err(_) => break 1,
        }
    };
    kill_all(pid, &woken);
    ExitCode::from(code)
}

fn code(how: &How) -> u8 {
    match how {
        How::Exited(code) => u8::try_from(*code).unwrap_or(1),
        _ => 1,
    }
}
