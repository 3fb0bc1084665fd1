//! The chapters of one edition, as they are written.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Their texts, by file name without `.md`: `why-22`. Without `SUMMARY`.
#[derive(Debug)]
pub(crate) struct Chapters(pub(crate) BTreeMap<String, String>);

/// One directive as it stands in a chapter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Directive {
    pub(crate) verb: String,
    pub(crate) arg: String,
}

impl Chapters {
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let mut texts = BTreeMap::new();
        for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if path.extension().is_some_and(|is| is == "md") && name != "SUMMARY" {
                let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                texts.insert(name, text);
            }
        }
        Ok(Chapters(texts))
    }

    /// The chapter's heading.
    pub(crate) fn title(&self, name: &str) -> Option<&str> {
        let line = self.0.get(name)?.lines().find_map(|line| line.strip_prefix("# "))?;
        Some(line.split(" {#").next().unwrap_or(line).trim())
    }

    /// The chapter that has the exercise `id`.
    pub(crate) fn with_exercise(&self, id: &str) -> Option<&str> {
        let has = |text: &str| {
            directives(text).iter().any(|found| found.verb == "exercise" && found.arg == id)
        };
        self.0.iter().find(|(_, text)| has(text)).map(|(name, _)| name.as_str())
    }
}

/// The directives of a chapter, in order; of nested ones, the inner first.
pub(crate) fn directives(text: &str) -> Vec<Directive> {
    let mut found = Vec::new();
    // What is not closed is found when the book is built.
    let _ = crate::chapter::expand(text, &mut |verb, arg| {
        found.push(Directive { verb: verb.to_owned(), arg: arg.to_owned() });
        Ok(String::new())
    });
    found
}
