//! Reads the built book in a real browser, as a reader would: every page of both editions, wide and narrow, light and
//! dark. Then it does what a reader does: searches, plays, predicts.

mod acts;
mod driver;
mod pages;

use std::path::{Path, PathBuf, absolute};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Parser;

use crate::driver::Browser;
use crate::pages::{Look, Page};

/// Reads the built book in chromium, and says what is wrong with it, one line each.
#[derive(Debug, Parser)]
#[command(name = "softlockup-book-browser", max_term_width = 100)]
struct Cli {
    /// The built book.
    #[arg(long, value_name = "DIR", default_value = "target/book")]
    book: PathBuf,
    /// Keep a picture of every page in this folder.
    #[arg(long, value_name = "DIR")]
    screenshots: Option<PathBuf>,
    /// Only pages whose path contains this, such as zh/night.
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("softlockup-book-browser: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<()> {
    let book = absolute(&cli.book)?;
    ensure!(
        book.join("index.html").is_file(),
        "no book in {}: build it first, `cargo lab book build`",
        book.display()
    );
    let pages: Vec<Page> =
        Page::all(&book)?.into_iter().filter(|page| page.is(&cli.only)).collect();
    ensure!(!pages.is_empty(), "no page has `{}` in its path", cli.only);
    if let Some(folder) = &cli.screenshots {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let browser = Browser::open()?;
    let mut faults = Vec::new();
    for look in Look::ALL {
        look.put_on(&browser, &pages[0])?;
        for page in &pages {
            let found = page.faults(&browser, &book)?;
            faults.extend(found.into_iter().map(|what| format!("{page}, {look}: {what}")));
            if let Some(folder) = &cli.screenshots {
                page.keep_picture(&browser, look, folder)?;
            }
        }
    }
    let acts = acts::faults(&browser, &book, &pages)?;
    println!("{} pages in {} looks; {} acts", pages.len(), Look::ALL.len(), acts.done);
    faults.extend(acts.faults);
    ensure!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    Ok(())
}

/// The address of a page of the built book.
fn address(book: &Path, path: &str) -> String {
    format!("file://{}/{path}", book.display())
}
