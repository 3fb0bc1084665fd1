//! Builds the book, checks it, and serves it while it is written: `cargo lab book`.
//!
//! mdBook renders; what a chapter asks for in `{{#…}}` comes from the machine, run while the book is built.

// The example's own parser: what the book shows as a command is what a reader can type.
#[path = "../../examples/nested_oops/args.rs"]
mod args;
mod book;
mod chapter;
mod chapters;
mod check;
mod directives;
mod exercises;
mod facts;
mod figures;
mod html;
mod pick;
mod predicted;
mod predictions;
mod runs;
#[path = "../../examples/nested_oops/scenario.rs"]
mod scenario;
mod serve;
mod source;
mod stamp;
mod terms;
mod typed;
#[path = "../../examples/nested_oops/values.rs"]
mod values;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use crate::book::Workshop;

/// Builds the book of this workspace.
#[derive(Debug, Parser)]
#[command(name = "softlockup-book", max_term_width = 100)]
struct Cli {
    /// The workspace [default: found upward from the current folder].
    #[arg(long, global = true, value_name = "DIR")]
    root: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build both editions.
    Build {
        /// Where to [default: target/book].
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Build both editions, serve them on this machine, and build again after each edit.
    Serve {
        /// Open no browser.
        #[arg(long)]
        no_open: bool,
        /// Where to serve; 0 is any port that is free.
        #[arg(long, value_name = "PORT", default_value_t = 3000)]
        port: u16,
    },
    /// Build both editions and say everything that is wrong with them.
    Check {
        /// Where to build [default: target/book].
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Note in the Chinese chapters which English text they translate.
    Stamp {
        /// Which, such as why-22 [default: all].
        chapters: Vec<String>,
    },
    /// What mdBook calls: a book comes in on standard input and goes out on standard output, its directives expanded.
    Preprocess {
        #[command(subcommand)]
        question: Option<Question>,
    },
}

#[derive(Debug, Subcommand)]
enum Question {
    /// Can chapters be expanded for this renderer? For each.
    Supports {
        /// Its name.
        renderer: String,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("softlockup-book: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    if let Command::Preprocess { question: Some(Question::Supports { .. }) } = cli.command {
        return Ok(());
    }
    let root = match &cli.root {
        Some(root) => root.clone(),
        None => find_root(&std::env::current_dir()?)?,
    };
    let workshop = Workshop::open(&root)?;
    match cli.command {
        Command::Build { out } => workshop.build(&out.unwrap_or_else(|| root.join("target/book"))),
        Command::Serve { no_open, port } => serve::serve(&workshop, port, !no_open),
        Command::Check { out } => {
            check::check(&workshop, &out.unwrap_or_else(|| root.join("target/book")))
        }
        Command::Stamp { chapters } => stamp::stamp(&root, &chapters),
        Command::Preprocess { .. } => workshop.preprocess(io::stdin(), io::stdout()),
    }
}

fn find_root(here: &Path) -> Result<PathBuf> {
    let root = here.ancestors().find(|folder| folder.join("book/book.toml").is_file());
    root.map(Path::to_owned)
        .with_context(|| format!("no book/book.toml above {}: say --root DIR", here.display()))
}
