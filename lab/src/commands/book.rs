//! `book`: the course's text. Its program is a package of its own, so that a build of the grader compiles no mdBook.

use std::env;
use std::ffi::OsString;
use std::process::Command;

use super::Desk;
use crate::cli::Book;
use crate::stop::Stop;

/// `cargo lab book`: hands everything on, and says `serve` if no command is named.
pub(crate) fn run(desk: &Desk, args: &Book) -> Result<u8, Stop> {
    let names_a_command =
        args.rest.first().is_some_and(|first| !first.to_string_lossy().starts_with("--"));
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let root = &desk.course.root;
    command.args(["run", "--locked", "--manifest-path"]).arg(root.join("Cargo.toml"));
    command.args(["--package", "softlockup-book", "--", "--root"]).arg(root);
    if !names_a_command && !args.asks_for_help() {
        command.arg("serve");
    }
    let status = command.args(&args.rest).status();
    let status = status.map_err(|why| Stop::grader(format!("cannot start cargo: {why}")))?;
    match status.code() {
        Some(0) => Ok(crate::stop::PASSED),
        Some(2) => Err(Stop::usage("the book's program refused that: see above")),
        _ => Err(Stop::grader("the book's program ended too early: see above")),
    }
}

impl Book {
    fn asks_for_help(&self) -> bool {
        self.rest.first() == Some(&OsString::from("--help"))
    }
}
