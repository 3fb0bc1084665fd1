//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

/// Grades the exercises of the course. Without a command it shows how far you are and what is next.
///
/// EX is an exercise: ex04, 4, or die_lock. `cargo lab list` shows them all.
#[derive(Debug, Parser)]
#[command(
    name = "lab",
    bin_name = "cargo lab",
    version,
    after_help = "Exit code: 0 all that was asked for passed, 1 not yet, 2 asked wrongly, 3 the grader itself failed.\n\
                  Your progress is in lab-progress.toml, in the course's folder."
)]
pub(crate) struct Cli {
    /// The course's folder, if it is not the one around the current folder
    #[arg(long, global = true, hide = true, env = "LAB_ROOT", value_name = "DIR")]
    pub(crate) course: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Grade on every save, until you press q
    Watch(Watch),
    /// Grade exercises: the next one, those that are named, or all
    Check(Check),
    /// Show the next hint of an exercise
    Hint(One),
    /// Answer a prediction; without a value show its question, without an ID list all
    Predict(Predict),
    /// Run the whole incident with your part in the machine, and compare it with the stock machine's
    Replay(One),
    /// Put an exercise back as it was handed out; your file is kept
    Reset(Reset),
    /// Show the course's solution, once yours has passed
    Solution(Solution),
    /// List the exercises
    List,
    /// Build the course's text, serve it here and open a browser; or `book build --out DIR`
    Book(Book),
    /// Grade, and write the result for a machine to read
    Report(Report),
    /// For the maintainers: grade the course itself
    Verify(Verify),
    /// Print a completion script for your shell
    Completions {
        /// bash, elvish, fish, powershell or zsh
        shell: Shell,
    },
}

/// `watch`
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// Look at the files twice a second: for file systems that send no events
    #[arg(long)]
    pub(crate) poll: bool,
}

/// `check`
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The exercises
    #[arg(value_name = "EX")]
    pub(crate) exercises: Vec<String>,
    /// All of them
    #[arg(long, conflicts_with = "exercises")]
    pub(crate) all: bool,
}

/// A command about one exercise.
#[derive(Debug, Args)]
pub(crate) struct One {
    /// The exercise; without it, the next one
    #[arg(value_name = "EX")]
    pub(crate) exercise: Option<String>,
}

/// `predict`
#[derive(Debug, Args)]
pub(crate) struct Predict {
    /// Which prediction; or an exercise or a chapter of the book, to see what it asks
    pub(crate) id: Option<String>,
    /// Your answer, a number or a choice. The first one counts
    #[arg(allow_negative_numbers = true, num_args = 0..)]
    pub(crate) value: Vec<String>,
}

/// `book`
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Book {
    /// --no-open, --port PORT; or a command: build, check, stamp (see `cargo lab book --help`)
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    pub(crate) rest: Vec<OsString>,
}

/// `reset`
#[derive(Debug, Args)]
pub(crate) struct Reset {
    /// The exercise
    #[arg(value_name = "EX")]
    pub(crate) exercise: String,
    /// Bring back the file that the last reset put aside
    #[arg(long)]
    pub(crate) undo: bool,
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// `solution`
#[derive(Debug, Args)]
pub(crate) struct Solution {
    /// The exercise
    #[arg(value_name = "EX")]
    pub(crate) exercise: String,
    /// Before yours has passed
    #[arg(long)]
    pub(crate) force: bool,
}

/// `report`
#[derive(Debug, Args)]
#[group(required = true, multiple = true, id = "form")]
pub(crate) struct ReportForm {
    /// JSON: exercism's results, version 3, and more; `-` is standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// JUnit's XML; `-` is standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Grade nothing: print one table of the JSON reports in these folders, or of these files
    #[arg(long, value_name = "DIR", num_args = 1.., conflicts_with_all = ["json", "junit", "exercises"])]
    pub(crate) classroom: Vec<PathBuf>,
}

/// `report`
#[derive(Debug, Args)]
pub(crate) struct Report {
    #[command(flatten)]
    pub(crate) form: ReportForm,
    /// The exercises; without them, all
    #[arg(value_name = "EX")]
    pub(crate) exercises: Vec<String>,
}

/// `verify`
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The exercises; without them, all
    #[arg(value_name = "EX")]
    pub(crate) exercises: Vec<String>,
    /// How many to grade at once; without it, one a core
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<usize>,
    /// First take the exercises as they are now for what is handed out
    #[arg(long)]
    pub(crate) bless: bool,
    /// Leave out the model checkers
    #[arg(long)]
    pub(crate) no_models: bool,
}
