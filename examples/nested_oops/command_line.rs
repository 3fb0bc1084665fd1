//! From a command line to an exit code: what is wrong is said in one line.

use std::io;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use super::stderr;

/// The user asked for something that cannot be: one line, exit code 2.
const USAGE: u8 = 2;

/// Reads the command line of the program `name`, runs it, and says what went wrong.
pub(crate) fn run<Args: Parser>(
    name: &str,
    run: impl FnOnce(&Args) -> Result<(), String>,
) -> ExitCode {
    let outcome = parse().and_then(|args| match args {
        Some(args) => run(&args),
        None => Ok(()), // --help, --version
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            stderr::say(format_args!("{name}: {message}"));
            ExitCode::from(USAGE)
        }
    }
}

/// Reads the command line. `None` if it asked for help or the version, which is printed by then.
///
/// # Errors
/// What is wrong with it, in one line.
fn parse<Args: Parser>() -> Result<Option<Args>, String> {
    match Args::try_parse() {
        Ok(args) => Ok(Some(args)),
        Err(error)
            if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) =>
        {
            match error.print() {
                // A pager that was closed has shown enough.
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    Err(format!("standard output: {error}"))
                }
                Ok(()) | Err(_) => Ok(None),
            }
        }
        Err(error) => {
            // clap's first paragraph says what is wrong; the others repeat the usage.
            let text = error.render().to_string();
            let lines = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
            let line = lines.collect::<Vec<_>>().join(" ");
            Err(format!("{} (see --help)", line.trim_start_matches("error: ")))
        }
    }
}
