//! The glossary: `book/data/glossary.toml`.

use std::fmt::Write;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::book::Edition;

#[derive(Debug, Deserialize)]
struct Glossary {
    term: Vec<Term>,
}

/// One word of the book.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Term {
    en: String,
    zh: String,
    meaning: String,
    meaning_zh: String,
    /// The place in Linux; or, for a word of this project, ours.
    kernel: String,
}

/// The table of all terms. Their texts are Markdown.
pub(crate) fn table(toml: &str, edition: Edition) -> Result<String> {
    let glossary: Glossary = toml::from_str(toml).context("glossary.toml")?;
    let heads = match edition {
        Edition::English => ["word", "Chinese", "meaning", "in Linux"],
        Edition::Chinese => ["词", "英文", "含义", "在 Linux 中"],
    };
    let mut out = String::from("<table class=\"sl-terms\">\n<thead><tr>");
    for head in heads {
        write!(out, "<th>{head}</th>")?;
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for term in &glossary.term {
        let Term { en, zh, kernel, .. } = term;
        let (word, other, tongue, meaning) = match edition {
            Edition::English => (en, zh, "zh-CN", &term.meaning),
            Edition::Chinese => (zh, en, "en", &term.meaning_zh),
        };
        writeln!(
            out,
            "<tr>\n<td>\n\n**{word}**\n\n</td>\n<td lang=\"{tongue}\">\n\n{other}\n\n</td>\n\
             <td>\n\n{meaning}\n\n</td>\n<td>\n\n{kernel}\n\n</td>\n</tr>"
        )?;
    }
    out.push_str("</tbody>\n</table>");
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::table;
    use crate::book::Edition;

    const TOML: &str = "[[term]]\nen = \"feed\"\nzh = \"喂狗\"\nmeaning = \"m\"\nmeaning_zh = \"义\"\nkernel = \"k\"\n";

    #[test]
    fn each_edition_has_its_own_word_first() {
        let english = table(TOML, Edition::English).unwrap();
        assert!(english.contains("**feed**") && english.contains("lang=\"zh-CN\">\n\n喂狗"));
        let chinese = table(TOML, Edition::Chinese).unwrap();
        assert!(chinese.contains("**喂狗**") && chinese.contains("义"));
    }

    #[test]
    fn a_term_without_a_translation_is_refused() {
        assert!(table("[[term]]\nen = \"feed\"\n", Edition::English).is_err());
    }
}
