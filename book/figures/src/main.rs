//! Writes the README's picture, the overview of the article's incident: `cargo run -p softlockup-figures`.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use softlockup::Scenario;
use softlockup::scenario::nested_oops::NestedOops;
use softlockup_figures::{Lang, standalone};

fn main() -> ExitCode {
    match write() {
        Ok(file) => {
            println!("wrote {}", file.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("the picture was not written: {error}");
            ExitCode::from(2)
        }
    }
}

/// Where it goes: the first argument, or `book/overview.svg`.
fn write() -> Result<PathBuf, Box<dyn Error>> {
    let of_the_book = concat!(env!("CARGO_MANIFEST_DIR"), "/../overview.svg");
    let file = std::env::args_os().nth(1).map_or_else(|| PathBuf::from(of_the_book), PathBuf::from);
    let incident = NestedOops::default().machine()?.run()?.incident;
    std::fs::write(&file, standalone(&incident, Lang::En))?;
    Ok(file)
}
