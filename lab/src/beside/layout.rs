//! Two consoles on paper: side by side, or one after the other where a terminal is narrow.

use super::{Row, printed_when};
use crate::terminal::{BAD, DIM, GOOD, HEAD, harmless, paint};

/// How many lines are shown in all, and of one console at one place. A wrong watchdog may differ in thousands.
const ALL: usize = 60;
const OF_ONE: usize = 20;

/// So many lines of registers and stack are shown below a headline; more of them become one.
const DETAILS: usize = 3;

/// A place where the consoles differ, with the lines around it.
type Group<'text> = Vec<Row<'text>>;

/// A line, and whether it is one of a report's details.
type Line = (String, bool);

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
    let line = |row: &Row<'_>| -> Line {
        let (left, right) = (cell(row.yours), cell(row.stock));
        if !row.differs() {
            return (format!("{left}   {}", right.trim_end()), false);
        }
        let mut texts = row.yours.iter().chain(&row.stock);
        let is_detail = texts.all(|(_, text)| printed_when(text).is_none());
        (format!("{} | {}", paint(BAD, left), paint(GOOD, right.trim_end())), is_detail)
    };
    let mut out = vec![paint(HEAD, format!("{:column$}   stock", "yours"))];
    for (index, group) in groups.iter().enumerate() {
        if index > 0 {
            out.push(paint(DIM, "…"));
        }
        out.extend(cut(folded(&group.iter().map(line).collect::<Vec<_>>()), 2 * OF_ONE));
    }
    cut(out, ALL)
}

/// Of each place first the learner's, then the stock machine's, and `*` where they differ.
pub(super) fn in_turn(groups: &[Group<'_>]) -> Vec<String> {
    let mut out = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        if index > 0 {
            out.push(String::new());
        }
        out.extend(one_side("yours", group, |row| row.yours));
        out.extend(one_side("stock", group, |row| row.stock));
    }
    cut(out, ALL)
}

fn one_side<'text>(
    whose: &str,
    group: &Group<'text>,
    side: impl Fn(&Row<'text>) -> Option<(usize, &'text str)>,
) -> Vec<String> {
    let style = if whose == "yours" { BAD } else { GOOD };
    let first = group.iter().find_map(&side).map_or(0, |(index, _)| index + 1);
    let line = |row: &Row<'text>| -> Option<Line> {
        let (_, text) = side(row)?;
        Some(match row.differs() {
            true => {
                let line = paint(style, format!("* {}", harmless(text)));
                (format!("  {line}"), printed_when(text).is_none())
            }
            false => (format!("    {}", harmless(text)), false),
        })
    };
    let lines: Vec<_> = group.iter().filter_map(line).collect();
    let head = paint(HEAD, format!("{whose}, from line {first}"));
    [vec![head], cut(folded(&lines), OF_ONE)].concat()
}

/// Registers and stacks say little here: a long run of such lines becomes one.
fn folded(lines: &[Line]) -> Vec<String> {
    let runs = lines.chunk_by(|(_, one), (_, other)| one == other);
    let fold = |run: &[Line]| match run {
        [(_, true), ..] if run.len() > DETAILS => {
            vec![paint(DIM, format!("      ({} lines that belong to it)", run.len()))]
        }
        run => run.iter().map(|(text, _)| text.clone()).collect(),
    };
    runs.flat_map(fold).collect()
}

fn cut(mut lines: Vec<String>, most: usize) -> Vec<String> {
    let rest = lines.len().saturating_sub(most);
    if rest > 1 {
        lines.truncate(most);
        lines.push(paint(DIM, format!("  … and {rest} lines more")));
    }
    lines
}
