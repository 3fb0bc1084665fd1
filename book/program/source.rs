//! Pieces of this workspace's own source files, between `// ANCHOR: name` and `// ANCHOR_END: name`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// The lines between the anchor's marks, without the marks and without what all of them are indented by.
pub(crate) fn anchored(root: &Path, path: &str, anchor: &str) -> Result<String> {
    let text = fs::read_to_string(root.join(path)).with_context(|| path.to_owned())?;
    let marks = |line: &str, mark: &str| {
        line.trim_start().trim_start_matches('/').trim().strip_prefix(mark).map(str::trim)
            == Some(anchor)
    };
    let lines: Vec<&str> = text
        .lines()
        .skip_while(|line| !marks(line, "ANCHOR:"))
        .take_while(|line| !marks(line, "ANCHOR_END:"))
        .skip(1)
        .filter(|line| !line.contains("// ANCHOR"))
        .collect();
    ensure!(
        lines.iter().any(|line| !line.trim().is_empty()),
        "{path} has no anchor `{anchor}`, or nothing in it"
    );
    ensure!(
        text.lines().any(|line| marks(line, "ANCHOR_END:")),
        "{path}: the anchor `{anchor}` has no end"
    );
    let full = || lines.iter().filter(|line| !line.trim().is_empty());
    let indent = full().map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    let cut = |line: &&str| line.get(indent..).unwrap_or_default().to_owned();
    Ok(lines.iter().map(cut).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::anchored;

    #[test]
    fn an_anchor_gives_its_lines_and_a_missing_one_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        let text = "fn a() {\n    // ANCHOR: body\n    let x = 1;\n        x\n    // ANCHOR_END: body\n}\n\
                    // ANCHOR: empty\n// ANCHOR_END: empty\n// ANCHOR: open\nx\n";
        std::fs::write(root.path().join("a.rs"), text).unwrap();
        assert_eq!(anchored(root.path(), "a.rs", "body").unwrap(), "let x = 1;\n    x");
        for anchor in ["empty", "open", "bod", "none"] {
            assert!(anchored(root.path(), "a.rs", anchor).is_err(), "{anchor}");
        }
        assert!(anchored(root.path(), "b.rs", "body").is_err());
    }
}
