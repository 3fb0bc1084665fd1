//! What a checks binary does: it runs the checks one after another, and writes what became of each into its report.
//!
//! The report is a channel of its own: nothing that the learner's code prints gets into it. Each line is one JSON
//! object, written at once, so that a reader knows what was running when the program ended.

use std::fs::File;
use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::check::{Check, Tier};

/// The version of the channel.
const VERSION: u32 = 1;

/// The whole of a checks binary. `BIN --report FILE --nonce HEX [--only contract,replay]` grades; `BIN --replay` prints
/// what `replay` gives.
///
/// Nothing here is generic, so that it is compiled with the checks, and not with each save of an answer.
pub fn main_of(exercise: &str, checks: Vec<Check>, replay: fn() -> String) -> ExitCode {
    main_with(exercise, checks, replay, std::env::args().skip(1).collect())
}

/// The same with these `arguments`.
pub fn main_with(
    exercise: &str,
    checks: Vec<Check>,
    replay: fn() -> String,
    arguments: Vec<String>,
) -> ExitCode {
    match Arguments::read(arguments.into_iter()) {
        Ok(Arguments::Replay) => {
            print!("{}", replay());
            ExitCode::SUCCESS
        }
        Ok(Arguments::Grade { report, nonce, only }) => {
            let wanted =
                |check: &Check| only.as_ref().is_none_or(|only| only.contains(check.tier.name()));
            let checks = checks.into_iter().filter(wanted).collect();
            match File::create(&report).and_then(|file| grade(exercise, checks, &nonce, file)) {
                Ok(true) => ExitCode::SUCCESS,
                Ok(false) => ExitCode::from(1),
                Err(error) => usage(&format!("{report}: {error}")),
            }
        }
        Err(message) => usage(&message),
    }
}

fn usage(message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::from(2)
}

enum Arguments {
    Replay,
    Grade { report: String, nonce: String, only: Option<String> },
}

impl Arguments {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut report, mut nonce, mut only) = (None, None, None);
        while let Some(argument) = arguments.next() {
            let place = match &*argument {
                "--replay" => return Ok(Arguments::Replay),
                "--report" => &mut report,
                "--nonce" => &mut nonce,
                "--only" => &mut only,
                other => {
                    return Err(format!(
                        "no such flag: {other}; this program is started by `cargo lab`"
                    ));
                }
            };
            *place = Some(arguments.next().ok_or_else(|| format!("{argument} takes a value"))?);
        }
        match (report, nonce) {
            (Some(report), Some(nonce)) => Ok(Arguments::Grade { report, nonce, only }),
            _ => Err("it takes --report FILE --nonce HEX; `cargo lab check` starts it".to_owned()),
        }
    }
}

/// Runs `checks` up to the first that fails. Returns whether all passed.
///
/// # Errors
/// Of the report's file.
pub fn grade(
    exercise: &str,
    checks: Vec<Check>,
    nonce: &str,
    mut report: impl Write,
) -> io::Result<bool> {
    let mut say = |line: Value| {
        writeln!(report, "{line}")?;
        report.flush()
    };
    say(json!({"line": "start", "nonce": nonce, "exercise": exercise, "version": VERSION}))?;
    let mut passed = true;
    for check in checks {
        let Check { id, tier, rule, points, .. } = check;
        say(
            json!({"line": "begin", "check": id, "tier": Tier::name(tier), "rule": rule, "points": points}),
        )?;
        match check.run() {
            Ok(()) => say(json!({"line": "end", "check": id, "status": "pass"}))?,
            Err(failure) => {
                say(
                    json!({"line": "end", "check": id, "status": "fail", "message": failure.message,
                    "detail": failure.detail, "mistake": failure.mistake}),
                )?;
                passed = false;
                break;
            }
        }
    }
    say(json!({"line": "done", "nonce": nonce}))?;
    Ok(passed)
}
