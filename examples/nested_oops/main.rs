//! Replays the article's incident, or another one: `cargo run --example nested_oops`. Everything about it can be
//! changed: `-- --help`.

mod args;
mod command_line;
mod effort;
mod files;
mod progress;
mod scenario;
mod stderr;
mod values;

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::Path;
use std::process::ExitCode;

use args::Args;
use files::Destination;
use progress::Progress;
use softlockup::incident::console::Console;
use softlockup::machine::HostReport;
use softlockup::{Clock, Config, Incident, Record, Scenario};
use values::{CallQueueArg, ReportForm};

fn main() -> ExitCode {
    command_line::run("nested_oops", run)
}

fn run(args: &Args) -> Result<(), String> {
    if args.records.is_some() && args.records == args.trace {
        return Err("--records and --trace cannot be one file".to_owned());
    }
    // What cannot be written is found out before the machine boots.
    let records = Destination::open(args.records.as_deref())?;
    let trace = Destination::open(args.trace.as_deref())?;
    let incident = match &args.replay {
        Some(path) => replay(args, path)?,
        None => live(args)?,
    };
    records.write(|out| incident.save(out))?;
    trace.write(|out| incident.write_trace(out))?;
    let report = incident.report();
    let text = match args.report {
        ReportForm::Text if args.shows_console() => format!("\n{report}"),
        ReportForm::Text => report.to_string(),
        ReportForm::Json => json(&report)?,
    };
    Stdout::new().write(&text)
}

fn json(report: &softlockup::incident::report::Report) -> Result<String, String> {
    serde_json::to_string_pretty(report).map(|text| text + "\n").map_err(|error| error.to_string())
}

fn replay(args: &Args, path: &Path) -> Result<Incident, String> {
    let located = |error: &dyn fmt::Display| format!("{}: {error}", path.display());
    let file = File::open(path).map_err(|error| located(&error))?;
    let incident = Incident::load(BufReader::new(file)).map_err(|error| located(&error))?;
    if args.shows_console() {
        Stdout::new().write(&incident.console())?;
    }
    Ok(incident)
}

fn live(args: &Args) -> Result<Incident, String> {
    let scenario = args.scenario()?;
    let parts = match args.call_queue {
        CallQueueArg::Kernel => scenario.parts(),
        CallQueueArg::Mailbox => scenario.parts().with_mailboxes(),
    };
    let machine = scenario.machine_with(parts).map_err(|error| error.to_string())?;
    effort::check(machine.config())?;
    note_before(&*scenario, machine.config());
    let mut printer = Printer::new(args, scenario.config());
    let run =
        machine.run_with(|record| printer.record(record)).map_err(|error| error.to_string())?;
    printer.finish()?;
    note_after(&run.host, &run.incident.config);
    for cpu in run.never_started {
        stderr::note(format_args!(
            "CPU#{cpu} was stuck or dead before it could start every task it was given"
        ));
    }
    Ok(run.incident)
}

fn note_before(scenario: &dyn Scenario, config: &Config) {
    if let Some(note) = effort::note(config) {
        stderr::note(note);
    }
    let absent = scenario.absent_cpus();
    if !absent.is_empty() {
        let cpus: Vec<_> = absent.iter().map(|cpu| format!("CPU#{cpu}")).collect();
        let (cpus, n) = (cpus.join(", "), scenario.config().nr_cpus);
        stderr::note(format_args!(
            "a machine of {n} CPUs has no {cpus}: their arrivals are dropped"
        ));
    }
}

fn note_after(host: &HostReport, config: &Config) {
    let (cpus, cores) = (config.nr_cpus, host.nr_cores);
    match config.clock {
        Clock::Wall { .. } if cpus as usize > cores => stderr::note(format_args!(
            "{cpus} CPUs shared {cores} host cores: the order of events is partly the host's"
        )),
        Clock::Lockstep { .. } if cpus as usize > cores => {
            stderr::note(format_args!(
                "{cpus} CPUs on {cores} host cores took turns, which changes no record"
            ));
        }
        _ => {}
    }
    if host.refused_pins > 0 {
        let refused = host.refused_pins;
        stderr::note(format_args!(
            "{refused} of {cpus} threads could not be pinned; only speed suffers"
        ));
    }
}

/// Prints the console while the machine runs, and how far it is if that takes long.
struct Printer {
    console: Option<Console>,
    progress: Progress,
    stdout: Stdout,
    result: Result<(), String>,
    text: String,
}

impl Printer {
    fn new(args: &Args, config: &Config) -> Self {
        let console = args.shows_console().then(|| Console::new(config));
        let progress = Progress::new(config.until);
        let text = String::new();
        Printer { console, progress, stdout: Stdout::new(), result: Ok(()), text }
    }

    fn record(&mut self, record: &Record) {
        if let Some(console) = &mut self.console {
            self.text.clear();
            console.print(record, &mut self.text);
            if !self.text.is_empty() && self.result.is_ok() {
                self.progress.clear();
                self.result = self.stdout.write(&self.text);
            }
        }
        self.progress.at(record.time);
    }

    fn finish(mut self) -> Result<(), String> {
        self.progress.clear();
        self.result
    }
}

/// Standard output. A pager that closes the pipe has seen enough: no error.
struct Stdout {
    closed: bool,
}

impl Stdout {
    fn new() -> Self {
        Stdout { closed: false }
    }

    fn write(&mut self, text: &str) -> Result<(), String> {
        if self.closed {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            Err(error) => Err(format!("standard output: {error}")),
        }
    }
}
