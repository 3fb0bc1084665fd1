//! One chapter: finds the directives in its text, and puts in their place what they give.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::book::{Edition, Workshop};
use crate::directives::Directives;
use crate::runs::Runs;
use crate::stamp::is_fresh;

/// Expands chapters of one edition.
pub(crate) struct Expander<'book> {
    directives: Directives<'book>,
    root: &'book Path,
    edition: Edition,
}

impl<'book> Expander<'book> {
    pub(crate) fn open(
        workshop: &'book Workshop,
        runs: &'book Runs,
        edition: Edition,
    ) -> Result<Self> {
        let root = &workshop.root;
        Ok(Expander { directives: Directives::open(root, runs, edition)?, root, edition })
    }

    /// The chapter's text, expanded.
    pub(crate) fn chapter(&self, text: &str, path: &Path) -> Result<String> {
        let slug = path.file_stem().unwrap_or_default().to_string_lossy();
        let mut made = 0;
        let out = expand(text, &mut |verb, arg| {
            made += 1;
            self.directives.expand(verb, arg, &format!("{slug}-{made}"))
        })?;
        refuse_empty_blocks(&out)?;
        Ok(self.before(text, path) + &out)
    }

    /// A link to the same page in the other language; and a word of warning, if the translation is out of date.
    fn before(&self, text: &str, path: &Path) -> String {
        let (other, language, name) = match self.edition {
            Edition::English => (Edition::Chinese, "zh-CN", "中文"),
            Edition::Chinese => (Edition::English, "en", "English"),
        };
        let Ok(theirs) = fs::read_to_string(self.root.join("book").join(other.src()).join(path))
        else {
            return String::new();
        };
        let page = path.with_extension("html");
        let page = if path == Path::new("README.md") { Path::new("index.html") } else { &page };
        let way = self.edition.word("zh", "..");
        let mut before = format!(
            "<a class=\"sl-other\" href=\"{way}/{}\" hreflang=\"{language}\" lang=\"{language}\">{name}</a>\n\n",
            page.display()
        );
        if self.edition == Edition::Chinese && !is_fresh(text, &theirs) {
            before += "<div class=\"sl-stale\">\n\n本章的英文原文已有改动，译文可能尚未跟上。\n\n</div>\n\n";
        }
        before
    }
}

/// One directive: its verb, and what stands behind it.
type Expand<'expand> = dyn FnMut(&str, &str) -> Result<String> + 'expand;

/// Replaces each `{{#verb argument}}`; what stands in the argument is expanded first. `\{{#` is left to mdBook, which
/// takes the backslash away.
pub(crate) fn expand(text: &str, directive: &mut Expand<'_>) -> Result<String> {
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some(at) = rest.find("{{#") {
        out.push_str(&rest[..at]);
        let line = || 1 + text[..text.len() - rest.len() + at].matches('\n').count();
        let inner = &rest[at + 3..];
        if out.ends_with('\\') {
            out.push_str("{{#");
            rest = inner;
            continue;
        }
        let end =
            closing(inner).with_context(|| format!("line {}: a `{{{{#` without `}}}}`", line()))?;
        let (inner, after) = (&inner[..end], &inner[end + 2..]);
        let place = || format!("line {}: {{{{#{inner}}}}}", line());
        let whole = expand(inner, directive).with_context(place)?;
        let (verb, arg) = whole.split_once(char::is_whitespace).unwrap_or((&whole, ""));
        out.push_str(&directive(verb, arg.trim()).with_context(place)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// Where the braces close that were open before `text`.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    let mut at = 0;
    loop {
        let close = at + text[at..].find("}}")?;
        match text[at..close].find("{{#") {
            Some(open) => {
                depth += 1;
                at += open + 3;
            }
            None if depth == 0 => return Some(close),
            None => {
                depth -= 1;
                at = close + 2;
            }
        }
    }
}

fn refuse_empty_blocks(text: &str) -> Result<()> {
    let mut open: Option<(usize, bool)> = None;
    for (line, n) in text.lines().zip(1..) {
        match (open, line.starts_with("```")) {
            (None, true) => open = Some((n, true)),
            (Some((_, empty)), true) => {
                ensure!(!empty, "an empty block of code ends in line {n} of the expanded text");
                open = None;
            }
            (Some((from, empty)), false) => open = Some((from, empty && line.trim().is_empty())),
            (None, false) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{expand, refuse_empty_blocks};

    fn shout(text: &str) -> anyhow::Result<String> {
        expand(text, &mut |verb, arg| match verb {
            "up" => Ok(arg.to_uppercase()),
            other => anyhow::bail!("no `{other}`"),
        })
    }

    #[test]
    fn directives_are_replaced_the_inner_ones_first() {
        assert_eq!(shout("a {{#up b}} c {{#up d}}").unwrap(), "a B c D");
        assert_eq!(shout("{{#up a {{#up b}} c}} d").unwrap(), "A B C d");
    }

    #[test]
    fn an_escaped_directive_is_left_alone() {
        assert_eq!(shout(r"\{{#down a}} {{#up b}}").unwrap(), r"\{{#down a}} B");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let error = format!("{:#}", shout("one\ntwo {{#down a}}").unwrap_err());
        assert!(error.contains("line 2") && error.contains("no `down`"), "{error}");
        assert!(shout("one {{#up two").is_err());
    }

    #[test]
    fn an_empty_block_of_code_is_refused() {
        assert!(refuse_empty_blocks("```text\nx\n```\n").is_ok());
        assert!(refuse_empty_blocks("```text\n\n```\n").is_err());
        assert!(refuse_empty_blocks("a\n```text\n```\n").is_err());
    }
}
