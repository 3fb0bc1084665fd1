//! The two languages of the book.

/// The language in which a figure is labelled. Names of functions and lines of a console stay as the kernel writes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Chinese.
    Zh,
}

impl Lang {
    /// The text in this language.
    pub(crate) fn pick<T>(self, en: T, zh: T) -> T {
        match self {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }

    /// A colon between a label and what it labels.
    pub(crate) fn colon(self) -> &'static str {
        self.pick(": ", "：")
    }

    /// What separates members of a list.
    pub(crate) fn comma(self) -> &'static str {
        self.pick(", ", "、")
    }
}
