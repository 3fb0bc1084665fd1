//! What mdBook lets pass. `check` builds both editions and says everything that is wrong with them, one line each.

mod blocks;
mod exercises;
mod pages;
mod parity;

use std::path::Path;

use anyhow::{Result, bail};

use crate::book::{Edition, Workshop};
use crate::chapters::Chapters;
use crate::{predictions, typed};

/// Builds the book into `out` and checks it.
///
/// # Errors
/// All that is wrong, one line each.
pub(crate) fn check(workshop: &Workshop, out: &Path) -> Result<()> {
    let mut faults = sources(workshop)?;
    match workshop.build(out) {
        Ok(()) => faults.extend(pages::faults(out)?),
        Err(why) => faults.extend(format!("{why:#}").lines().map(str::to_owned)),
    }
    if !faults.is_empty() {
        bail!("{} faults in the book:\n{}", faults.len(), faults.join("\n"));
    }
    Ok(())
}

/// What is wrong with the chapters as they are written.
fn sources(workshop: &Workshop) -> Result<Vec<String>> {
    let root = &workshop.root;
    let mut faults = Vec::new();
    for prediction in predictions::load(root)? {
        faults.extend(prediction.verify(workshop.runs()).err().map(|why| format!("{why:#}")));
    }
    let english = Chapters::read(&root.join("book").join(Edition::English.src()))?;
    faults.extend(exercises::faults(root, &english)?);
    faults.extend(blocks::faults(root, &english)?);
    for edition in Edition::BOTH.into_iter().filter(|edition| workshop.has(*edition)) {
        let chapters = Chapters::read(&root.join("book").join(edition.src()))?;
        for (name, text) in &chapters.0 {
            let place = format!("{}/{name}.md", edition.src());
            match typed::faults(text, workshop.runs()) {
                Ok(typed) => {
                    faults
                        .extend(typed.iter().map(|(line, what)| format!("{place}:{line}: {what}")));
                }
                Err(why) => faults.push(format!("{place}: {why:#}")),
            }
        }
        if edition == Edition::Chinese {
            faults.extend(parity::faults(&english, &chapters));
            for name in parity::stale(&english, &chapters) {
                println!(
                    "note: src-zh/{name}.md translates an older src/{name}.md: bring it up to date, then \
                     `cargo lab book stamp {name}`"
                );
            }
        }
    }
    Ok(faults)
}
