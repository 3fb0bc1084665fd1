//! Says which CPU does not answer, out of a kernel's console: `cargo run --release --example diagnose -- FILE`.

mod cli;
#[path = "../nested_oops/command_line.rs"]
mod command_line;
mod input;
mod json;
mod replay;
#[expect(dead_code, reason = "this program has no notes")]
#[path = "../nested_oops/stderr.rs"]
mod stderr;
mod text;
mod wrap;

use std::cell::Cell;
use std::io::{self, Write};
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use cli::{Args, ColorArg};
use softlockup::dmesg::diagnosis::{Diagnosis, Verdict, diagnose};

/// What a verdict is to a script.
const NAMED: u8 = 0;
const NOBODY_AT_FAULT: u8 = 1;
const NOT_CONVICTED: u8 = 3;
const NO_LOCKUP: u8 = 4;

fn main() -> ExitCode {
    // Of `--help`, and of bad input, there is no verdict.
    let status = Cell::new(None);
    let code = command_line::run("diagnose", |args| run(args).map(|found| status.set(Some(found))));
    status.get().map_or(code, ExitCode::from)
}

fn run(args: &Args) -> Result<u8, String> {
    let log = input::read(&args.file)?;
    let incidents = diagnose(&log);
    let status = incidents.last().map_or(NO_LOCKUP, exit_status);
    let stdout = io::stdout();
    let choice = match args.color {
        ColorArg::Auto => AutoStream::choice(&stdout),
        ColorArg::Always => ColorChoice::Always,
        ColorArg::Never => ColorChoice::Never,
    };
    let mut text = match args.json {
        true => json::object(&incidents, status)?,
        false => text::page(&incidents, choice != ColorChoice::Never),
    };
    if args.replay {
        text.push_str(&replay::page(&log, incidents.last(), choice != ColorChoice::Never));
    }
    let mut out = AutoStream::new(stdout.lock(), choice);
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // A pager that closes the pipe has seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("standard output: {error}"))
        }
        _ => Ok(status),
    }
}

fn exit_status(incident: &Diagnosis) -> u8 {
    match incident.verdict {
        Verdict::Named { .. } => NAMED,
        Verdict::NobodyAtFault { .. } => NOBODY_AT_FAULT,
        Verdict::NoLockup => NO_LOCKUP,
        _ => NOT_CONVICTED,
    }
}
