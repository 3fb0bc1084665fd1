//! The last step before a program runs: this process limits itself and then becomes the program.

use std::ffi::OsString;
use std::process::ExitCode;

/// The name that this process is started under.
pub(super) const NAME: &str = "sandbox-entrance";

/// `sandbox-entrance LIMITS PROGRAM [ARG…]`
#[cfg(unix)]
pub(super) fn main(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    use std::os::unix::process::CommandExt;
    let limits = args.next().and_then(|text| serde_json::from_str(text.to_str()?).ok());
    let (Some(limits), Some(program)) = (limits, args.next()) else { return ExitCode::from(2) };
    limit(&limits);
    let error = std::process::Command::new(program).args(args).exec();
    eprintln!("lab: the program cannot be started: {error}");
    ExitCode::from(126)
}

/// A limit that cannot be set (a lower one is in force) is no reason not to run: the supervisor watches too.
#[cfg(unix)]
fn limit(limits: &super::Limits) {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let set = |resource, value: u64| {
        let _ = setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) });
    };
    set(Resource::As, limits.memory);
    set(Resource::Cpu, limits.process_cpu_s);
    set(Resource::Fsize, limits.file);
    set(Resource::Core, 0);
    #[cfg(target_os = "linux")]
    {
        // It counts all that the user has, which is at most what the host has. For root it does not hold: then it is the
        // supervisor that counts.
        let tasks = super::process::tasks_of_the_host() + 2 * limits.tasks;
        set(Resource::Nproc, tasks as u64);
        use rustix::process::{Signal, getppid, set_parent_process_death_signal};
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
        if getppid().is_none_or(|parent| parent.is_init()) {
            std::process::exit(1); // the supervisor was gone before the line above
        }
    }
}

/// Elsewhere the supervisor starts the program itself, without limits.
#[cfg(not(unix))]
pub(super) fn main(_args: impl Iterator<Item = OsString>) -> ExitCode {
    ExitCode::from(2)
}
