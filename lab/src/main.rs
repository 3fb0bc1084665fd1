//! `cargo lab`: grades the exercises of the course.
//!
//! ```text
//! cli ─▶ commands ─▶ grade ─▶ made_from ─▶ cargo      build the checks with the learner's file
//!            │         └────▶ examine  ─▶ sandbox    run them where they can do no harm
//!            │                   └──────▶ channel    read what they report
//!            ├─▶ progress, predictions, course       what is kept, asked, taught
//!            └─▶ show, beside, terminal              what the learner reads
//! ```
//!
//! Whatever an answer does, a verdict comes within 15 seconds, says in words what happened, and leaves no process
//! behind. `sandbox` says how; `channel` says what a checks binary must write to be believed.

mod beside;
mod cargo;
mod channel;
mod cli;
mod commands;
mod course;
mod examine;
mod grade;
mod made_from;
mod predictions;
mod progress;
mod sandbox;
mod show;
mod source;
mod stamp;
mod stop;
mod terminal;
mod words;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use cli::{Cli, Command};
use course::Course;
use stop::Stop;

fn main() -> ExitCode {
    if let Some(code) = sandbox::other_name() {
        return code;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    match run(&cli) {
        Ok(code) => ExitCode::from(code),
        Err(stop) => {
            eprintln!("lab: {}", stop.message());
            ExitCode::from(stop.exit_code())
        }
    }
}

fn run(cli: &Cli) -> Result<u8, Stop> {
    if let Some(Command::Completions { shell }) = cli.command {
        let mut command = Cli::command();
        clap_complete::generate(shell, &mut command, "lab", &mut std::io::stdout());
        return Ok(stop::PASSED);
    }
    let course = Course::open(cli.course.as_deref())?;
    let desk = commands::Desk::new(course)?;
    match &cli.command {
        None => commands::status::run(&desk),
        Some(Command::Watch(args)) => commands::watch::run(&desk, args),
        Some(Command::Check(args)) => commands::check::run(&desk, args),
        Some(Command::Hint(args)) => commands::hint::run(&desk, args.exercise.as_deref()),
        Some(Command::Predict(args)) => commands::predict::run(&desk, args),
        Some(Command::Replay(args)) => commands::replay::run(&desk, args.exercise.as_deref()),
        Some(Command::Reset(args)) => commands::reset::run(&desk, args),
        Some(Command::Solution(args)) => commands::solution::run(&desk, args),
        Some(Command::Book(args)) => commands::book::run(&desk, args),
        Some(Command::List) => commands::list::run(&desk),
        Some(Command::Report(args)) => commands::report::run(&desk, args),
        Some(Command::Verify(args)) => commands::verify::run(&desk, args),
        Some(Command::Completions { .. }) => Ok(stop::PASSED),
    }
}

/// Help goes to standard output; what is wrong with a command line is said in one line.
fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let text = error.render().to_string();
    let lines = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
    let line = lines.collect::<Vec<_>>().join(" ");
    eprintln!("lab: {} (see `cargo lab --help`)", line.trim_start_matches("error: "));
    ExitCode::from(2)
}
