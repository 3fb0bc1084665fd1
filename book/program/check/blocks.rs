//! Each Rust block of a chapter is compiled and run, or says why not.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::chapters::Chapters;

/// `doctests.rs` must list every chapter, and a block that it does not run must say why, right before it:
/// `<!-- not run: reason -->`.
pub(super) fn faults(root: &Path, chapters: &Chapters) -> Result<Vec<String>> {
    let listed = fs::read_to_string(root.join("book/program/doctests.rs"))?;
    let mut faults = Vec::new();
    for (name, text) in &chapters.0 {
        if !listed.contains(&format!("\"{name}.md\"")) {
            faults.push(format!("book/program/doctests.rs does not list {name}.md"));
        }
        for line in unexplained(text) {
            faults.push(format!(
                "{name}.md:{line}: this Rust block is not run: say why, right before it: <!-- not run: reason -->"
            ));
        }
    }
    Ok(faults)
}

fn unexplained(text: &str) -> Vec<usize> {
    let lines: Vec<&str> = text.lines().collect();
    let skipped = |line: &str| {
        let words = line.trim_start().strip_prefix("```").unwrap_or_default();
        words.starts_with("rust") && (words.contains("ignore") || words.contains("no_run"))
    };
    let explained = |before: &[&str]| {
        let last = before.iter().rev().find(|line| !line.trim().is_empty());
        last.is_some_and(|line| line.contains("<!-- not run: "))
    };
    let at = (0..lines.len()).filter(|n| skipped(lines[*n]) && !explained(&lines[..*n]));
    at.map(|n| n + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::unexplained;

    #[test]
    fn a_block_that_is_not_run_says_why() {
        let text = "```rust\nx\n```\n\n```rust,ignore\ny\n```\n\n<!-- not run: a loop -->\n```rust,no_run\nz\n```\n";
        assert_eq!(unexplained(text), [5]);
    }
}
