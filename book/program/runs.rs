//! Runs of the example, in this process. What a page shows of a run comes from here; each command line runs once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use anyhow::{Result, anyhow, bail};
use clap::Parser;
use softlockup::incident::report::Report;
use softlockup::{Clock, Incident};

use crate::args::Args;
use crate::values::{CallQueueArg, ReportForm};

/// One run: what happened, and what is read from it.
#[derive(Debug)]
pub(crate) struct Shown {
    /// What was typed after `nested_oops --`; empty for the article's incident.
    pub(crate) args: String,
    pub(crate) incident: Incident,
    pub(crate) console: String,
    pub(crate) report: Report,
}

/// All runs so far, by their arguments; and what was made of them.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    shown: RefCell<HashMap<String, Rc<Shown>>>,
    made: RefCell<HashMap<String, String>>,
}

impl Runs {
    /// The run with these arguments, exactly as they are typed after `cargo run --example nested_oops --`.
    pub(crate) fn get(&self, args: &str) -> Result<Rc<Shown>> {
        let args = args.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(shown) = self.shown.borrow().get(&args) {
            return Ok(Rc::clone(shown));
        }
        let incident = run(&args).map_err(|why| anyhow!("{}: {why}", command(&args)))?;
        let (console, report) = (incident.console(), incident.report());
        let shown = Rc::new(Shown { args: args.clone(), incident, console, report });
        self.shown.borrow_mut().insert(args, Rc::clone(&shown));
        Ok(shown)
    }

    /// What `make` makes of runs, and of nothing else. It is made once for each `name`: when an edited book is built
    /// again, its figures need not be drawn again.
    pub(crate) fn once(&self, name: &str, make: impl FnOnce() -> Result<String>) -> Result<String> {
        if let Some(made) = self.made.borrow().get(name) {
            return Ok(made.clone());
        }
        let made = make()?;
        self.made.borrow_mut().insert(name.to_owned(), made.clone());
        Ok(made)
    }
}

/// What a reader types for this run.
pub(crate) fn command(args: &str) -> String {
    match args {
        "" => "cargo run --example nested_oops".to_owned(),
        args => format!("cargo run --example nested_oops -- {args}"),
    }
}

/// Whether the example would take these arguments.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn parse(args: &str) -> Result<Args> {
    Args::try_parse_from(std::iter::once("nested_oops").chain(args.split_whitespace()))
        .map_err(|error| anyhow!("{}", error.to_string().lines().next().unwrap_or_default()))
}

fn run(args: &str) -> Result<Incident> {
    let args = parse(args)?;
    if args.records.is_some() || args.replay.is_some() || args.trace.is_some() {
        bail!("a page reads and writes no files: leave --records, --replay and --trace away");
    }
    if !args.shows_console() || !matches!(args.report, ReportForm::Text) {
        bail!("a page picks what it shows: leave --quiet and --report away");
    }
    let scenario = args.scenario().map_err(|why| anyhow!(why))?;
    if !matches!(scenario.config().clock, Clock::Lockstep { .. }) {
        bail!("only lockstep prints the same everywhere: leave --clock away");
    }
    let parts = match args.call_queue {
        CallQueueArg::Kernel => scenario.parts(),
        CallQueueArg::Mailbox => scenario.parts().with_mailboxes(),
    };
    Ok(scenario.machine_with(parts)?.run()?.incident)
}
