//! The two editions, and how mdBook is made to build them.

use std::io::{Read, Write};
use std::path::{Path, PathBuf, absolute};
use std::rc::Rc;

use anyhow::{Result, ensure};
use mdbook_driver::MDBook;
use mdbook_preprocessor::book::Book;
use mdbook_preprocessor::config::Config;
use mdbook_preprocessor::{Preprocessor, PreprocessorContext, parse_input};

use crate::chapter::Expander;
use crate::runs::Runs;

/// A language that the book is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edition {
    /// The original.
    English,
    /// The translation.
    Chinese,
}

impl Edition {
    pub(crate) const BOTH: [Edition; 2] = [Edition::English, Edition::Chinese];

    /// The folder of its chapters, in `book/`.
    pub(crate) fn src(self) -> &'static str {
        match self {
            Edition::English => "src",
            Edition::Chinese => "src-zh",
        }
    }

    /// The folder of its pages, in the built book.
    pub(crate) fn out(self) -> &'static str {
        match self {
            Edition::English => "",
            Edition::Chinese => "zh",
        }
    }

    /// One of these words, in the edition's language.
    pub(crate) fn word(self, english: &'static str, chinese: &'static str) -> &'static str {
        match self {
            Edition::English => english,
            Edition::Chinese => chinese,
        }
    }

    fn of(config: &Config) -> Self {
        match config.book.language.as_deref() {
            Some(language) if language.starts_with("zh") => Edition::Chinese,
            _ => Edition::English,
        }
    }
}

/// A workspace whose book is built, and the runs that were made for it so far.
#[derive(Clone, Debug)]
pub(crate) struct Workshop {
    /// The workspace.
    pub(crate) root: PathBuf,
    runs: Rc<Runs>,
}

impl Workshop {
    pub(crate) fn open(root: &Path) -> Result<Self> {
        let root = absolute(root)?;
        ensure!(
            root.join("book/book.toml").is_file(),
            "{} has no book/book.toml: say --root DIR",
            root.display()
        );
        Ok(Workshop { root, runs: Rc::default() })
    }

    /// Builds the editions that there are: English into `out`, Chinese into `out/zh`.
    pub(crate) fn build(&self, out: &Path) -> Result<()> {
        Edition::BOTH.into_iter().try_for_each(|edition| self.build_edition(edition, out))
    }

    /// Builds one of them, if it is there.
    pub(crate) fn build_edition(&self, edition: Edition, out: &Path) -> Result<()> {
        if !self.has(edition) {
            return Ok(());
        }
        let book = self.root.join("book");
        let mut config = Config::from_disk(book.join("book.toml"))?;
        config.build.build_dir = absolute(out)?.join(edition.out());
        if edition == Edition::Chinese {
            config.book.src = edition.src().into();
            config.book.language = Some("zh-CN".to_owned());
            config.book.title = config.get("preprocessor.softlockup.title-zh")?;
        }
        let mut mdbook = MDBook::load_with_config(&book, config)?;
        mdbook.with_preprocessor(Directives { workshop: self.clone() });
        mdbook.build()
    }

    pub(crate) fn has(&self, edition: Edition) -> bool {
        self.root.join("book").join(edition.src()).join("SUMMARY.md").is_file()
    }

    /// The runs that were made so far.
    pub(crate) fn runs(&self) -> &Runs {
        &self.runs
    }

    /// Expands the book that mdBook wrote to `input`.
    pub(crate) fn preprocess(&self, input: impl Read, output: impl Write) -> Result<()> {
        let (context, book) = parse_input(input)?;
        let book = Directives { workshop: self.clone() }.run(&context, book)?;
        Ok(serde_json::to_writer(output, &book)?)
    }
}

/// The preprocessor that `book.toml` names. Handed to mdBook in this process, it replaces the command that is named there.
struct Directives {
    workshop: Workshop,
}

impl Preprocessor for Directives {
    fn name(&self) -> &'static str {
        "softlockup"
    }

    fn run(&self, context: &PreprocessorContext, mut book: Book) -> Result<Book> {
        let edition = Edition::of(&context.config);
        let expander = Expander::open(&self.workshop, &self.workshop.runs, edition)?;
        let mut faults = Vec::new();
        book.for_each_chapter_mut(|chapter| {
            let Some(path) = chapter.source_path.clone() else { return };
            match expander.chapter(&chapter.content, &path) {
                Ok(text) => chapter.content = text,
                Err(fault) => {
                    faults.push(format!("{}/{}: {fault:#}", edition.src(), path.display()));
                }
            }
        });
        ensure!(faults.is_empty(), "{}", faults.join("\n"));
        Ok(book)
    }
}
