//! Two consoles on paper: side by side, or one after the other where a terminal is narrow.

use super::Row;
use crate::terminal::{BAD, DIM, GOOD, HEAD, harmless, paint};

/// How many rows are shown. A wrong watchdog may differ in thousands.
const ROWS: usize = 40;

/// A place where the consoles differ, with the lines around it.
type Group<'text> = Vec<Row<'text>>;

/// The learner's on the left, and `|` where they differ.
pub(super) fn two_columns(groups: &[Group<'_>], width: usize) -> Vec<String> {
    let column = (width - 3) / 2;
    let cell = |side: Option<(usize, &str)>| {
        let text = harmless(side.map_or("", |(_, text)| text)).replace('\t', " ");
        match text.chars().count() > column {
            true => text.chars().take(column - 1).chain(['…']).collect::<String>(),
            false => format!("{text:column$}"),
        }
    };
    let mut out = vec![paint(HEAD, format!("{:column$}   stock", "yours"))];
    for (index, group) in shown(groups).iter().enumerate() {
        if index > 0 {
            out.push(paint(DIM, "…"));
        }
        for row in group {
            let (left, right) = (cell(row.yours), cell(row.stock));
            out.push(match row.differs() {
                true => format!("{} | {}", paint(BAD, left), paint(GOOD, right.trim_end())),
                false => format!("{left}   {}", right.trim_end()),
            });
        }
    }
    out.extend(left_out(groups));
    out
}

/// Of each place first the learner's, then the stock machine's, and `*` where they differ.
pub(super) fn in_turn<'text>(groups: &[Group<'text>]) -> Vec<String> {
    let mut out = Vec::new();
    for group in shown(groups) {
        for whose in ["yours", "stock"] {
            let style = if whose == "yours" { BAD } else { GOOD };
            let side = |row: Row<'text>| if whose == "yours" { row.yours } else { row.stock };
            let lines: Vec<_> = group.iter().filter_map(|row| Some((side(*row)?, row))).collect();
            let first = lines.first().map_or(0, |((at, _), _)| at + 1);
            out.push(paint(HEAD, format!("{whose}, from line {first}")));
            out.extend(lines.into_iter().map(|((_, text), row)| match row.differs() {
                true => format!("  {}", paint(style, format!("* {}", harmless(text)))),
                false => format!("    {}", harmless(text)),
            }));
        }
        out.push(String::new());
    }
    out.extend(left_out(groups));
    out
}

/// The first rows of all.
fn shown<'text>(groups: &[Group<'text>]) -> Vec<Group<'text>> {
    let mut left = ROWS;
    let mut shown = Vec::new();
    for group in groups {
        let take = group.len().min(left);
        left -= take;
        if take > 0 {
            shown.push(group[..take].to_vec());
        }
    }
    shown
}

fn left_out(groups: &[Group<'_>]) -> Option<String> {
    let rest = groups.iter().flatten().skip(ROWS).filter(|row| row.differs()).count();
    (rest > 0).then(|| paint(DIM, format!("… and {rest} lines more that differ")))
}
