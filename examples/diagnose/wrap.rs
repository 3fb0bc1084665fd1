//! Text in 80 columns.

use std::fmt::Write;

/// As wide as a terminal is at 3 a.m.
const COLUMNS: usize = 80;

/// Appends a paragraph: `head` stands before its first line, and the others are indented by as much.
pub(crate) fn paragraph(out: &mut String, head: &str, text: &str) {
    let indent = head.chars().count();
    let mut line = head.to_owned();
    let mut width = indent;
    for word in text.split_whitespace() {
        let len = word.chars().count();
        let is_first = width == indent;
        if !is_first && width + 1 + len > COLUMNS {
            _ = writeln!(out, "{line}");
            line = " ".repeat(indent);
            width = indent;
        } else if !is_first {
            line.push(' ');
            width += 1;
        }
        line.push_str(word);
        width += len;
    }
    _ = writeln!(out, "{}", line.trim_end());
}
