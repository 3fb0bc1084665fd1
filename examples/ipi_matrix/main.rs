//! Measures how far every two host cores are apart: `cargo run --release --example ipi_matrix`. Prints what a call
//! costs a CPU of the machine, beside the least that the host can do, and the ratio of the two.

mod args;
#[path = "../nested_oops/command_line.rs"]
mod command_line;
mod export;
#[path = "../nested_oops/files.rs"]
mod files;
mod heat;
mod matrix;
mod measure;
mod pair;
#[path = "../nested_oops/stderr.rs"]
mod stderr;
mod svg;
mod table;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use args::{Args, ColorArg};
use files::Destination;
use matrix::{Matrix, Quantity};
use softlockup_measure::cores;
use softlockup_measure::host::Host;
use svg::Picture;
use table::Table;

fn main() -> ExitCode {
    command_line::run("ipi_matrix", run)
}

fn run(args: &Args) -> Result<(), String> {
    let outputs = Outputs::open(args)?;
    let cores = args.cores(cores::usable())?;
    if cfg!(debug_assertions) {
        stderr::note("built without --release: this measures the compiler's laziness, too");
    }
    let mut host = Host::describe(&cores);
    let matrix = measure::measure(&host, args.slices)?;
    host.note_load_after();
    note_disturbance(&matrix);
    outputs.write(&host, &matrix, args.color)
}

fn note_disturbance(matrix: &Matrix) {
    if let Some(times) = matrix.disturbed() {
        let slices = matrix.nr_slices();
        stderr::note(format_args!(
            "the host was busy: its threads were preempted {times} times in {slices} slices, \
             and its numbers may be too high"
        ));
    }
}

/// Where everything goes: what cannot be written is found out before anything is measured.
struct Outputs {
    /// For the picture, CSV and JSON.
    files: [Destination; 3],
    /// Which of those has standard output for itself. Without it, the tables have.
    on_stdout: Option<usize>,
}

impl Outputs {
    fn open(args: &Args) -> Result<Self, String> {
        let stdout = Path::new("-");
        let paths = [&args.svg, &args.csv, &args.json].map(|path| path.as_deref());
        for (i, path) in paths.iter().enumerate() {
            if path.is_some() && paths[..i].contains(path) {
                return Err("--svg, --csv and --json cannot be one file".to_owned());
            }
        }
        let [svg, csv, json] = paths.map(|path| path.filter(|path| *path != stdout));
        let (svg, csv) = (Destination::open(svg)?, Destination::open(csv)?);
        Ok(Outputs {
            files: [svg, csv, Destination::open(json)?],
            on_stdout: paths.iter().position(|path| *path == Some(stdout)),
        })
    }

    fn write(self, host: &Host, matrix: &Matrix, color: ColorArg) -> Result<(), String> {
        let picture = Picture { matrix, host }.to_string();
        let texts = [picture, export::csv(matrix), export::json(host, matrix)?];
        for (file, text) in self.files.into_iter().zip(&texts) {
            file.write(|out| out.write_all(text.as_bytes()))?;
        }
        let stdout = io::stdout();
        let choice = match color {
            ColorArg::Auto => AutoStream::choice(&stdout),
            ColorArg::Always => ColorChoice::Always,
            ColorArg::Never => ColorChoice::Never,
        };
        let tables = || tables(host, matrix, choice != ColorChoice::Never);
        let text = self.on_stdout.map_or_else(tables, |i| texts[i].clone());
        let mut out = AutoStream::new(stdout.lock(), choice);
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            // A pager that closes the pipe has seen enough.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(format!("standard output: {error}"))
            }
            _ => Ok(()),
        }
    }
}

/// What a reader in a terminal sees: the host, the three tables, and whether the threads were left in peace.
fn tables(host: &Host, matrix: &Matrix, colored: bool) -> String {
    let mut text = host.to_string();
    for quantity in Quantity::ALL {
        text.push_str(&format!("\n{}", Table { matrix, quantity, colored }));
    }
    let preempted = matrix.suffered(|fate| fate.preempted);
    let migrated = matrix.suffered(|fate| fate.migrated);
    text + &format!("\nmeasuring threads: preempted {preempted}; migrated {migrated}\n")
}
