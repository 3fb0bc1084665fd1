//! `nested_oops`, run so that it ends.

use std::process::{Command, Output};

/// `cargo test` builds the examples beside the tests.
pub(crate) fn program() -> String {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push(format!("examples/nested_oops{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is built by `cargo test` without --test", path.display());
    path.into_os_string().into_string().unwrap()
}

/// Runs it with these arguments.
pub(crate) fn run(args: &[String]) -> Output {
    let mut command = if cfg!(target_os = "linux") {
        let mut command = Command::new("timeout");
        command.args(["-s", "KILL", "300"]).arg(program());
        command
    } else {
        Command::new(program())
    };
    command.args(args).output().unwrap()
}

/// It succeeded, or said in one line on stderr what cannot be. It never panics, and no signal ends it.
pub(crate) fn ended_well(what: &str, output: &Output) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("panicked"), "{what}: {stderr}");
    let lines: Vec<&str> = stderr.lines().filter(|line| !line.starts_with("note: ")).collect();
    match output.status.code() {
        Some(0) => assert!(lines.is_empty(), "{what}: {stderr}"),
        Some(2) => {
            assert!(lines.len() == 1 && lines[0].starts_with("nested_oops: "), "{what}: {stderr}");
        }
        other => panic!("{what} ended with {other:?}: {stderr}"),
    }
}
