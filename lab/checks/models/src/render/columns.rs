//! The rows of a counterexample, in a column for each CPU.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use super::rows::{MAX_ROWS, Row};
use super::why::witnesses;
use crate::search::counterexample::Counterexample;

/// Between two columns.
const GAP: usize = 2;

/// The whole table.
pub(crate) fn columns(found: &Counterexample) -> String {
    let rows = &found.rows;
    let used = rows.iter().map(|row| row.cpu + 1).max().unwrap_or(0).max(2);
    let heads: Vec<&str> = found.cpus.iter().copied().take(used).collect();
    let files: BTreeSet<_> = rows.iter().filter_map(|row| row.line).map(|(file, _)| file).collect();
    let shown = shown(rows, &witnesses(found));
    let cells: Vec<String> = rows.iter().map(|row| cell(row, files.len() > 1)).collect();
    let starts = starts(&heads, shown.iter().map(|&i| (rows[i].cpu, cells[i].as_str())));

    let mut head = String::from("     ");
    for (cpu, name) in heads.iter().enumerate() {
        head = format!("{head:<width$}{name}", width = 5 + starts[cpu]);
    }
    let mut out = head + "\n";
    let mut expected = 0;
    for &i in &shown {
        if i != expected {
            _ = writeln!(out, "     ... {} steps ...", i - expected);
        }
        expected = i + 1;
        _ = writeln!(out, "{:>3}  {:pad$}{}", i + 1, "", cells[i], pad = starts[rows[i].cpu]);
    }
    out
}

/// Where each column begins.
fn starts<'a>(heads: &[&str], cells: impl Iterator<Item = (usize, &'a str)>) -> Vec<usize> {
    let mut widths: Vec<usize> = heads.iter().map(|head| head.chars().count()).collect();
    for (cpu, cell) in cells {
        widths[cpu] = widths[cpu].max(cell.chars().count());
    }
    let start = |cpu| widths[..cpu].iter().map(|width| width + GAP).sum();
    (0..widths.len()).map(start).collect()
}

/// Which rows: the last ones, and those that the explanation names.
fn shown(rows: &[Row], witnesses: &BTreeSet<usize>) -> Vec<usize> {
    let mut shown: BTreeSet<usize> = witnesses.clone();
    for i in (0..rows.len()).rev() {
        if shown.len() >= MAX_ROWS {
            break;
        }
        shown.insert(i);
    }
    shown.into_iter().collect()
}

fn cell(row: &Row, with_file: bool) -> String {
    let file = |file| Path::new(file).file_name().unwrap_or_default().to_string_lossy();
    let mut cell = match row.line {
        _ if row.fails => "^^^ ".into(),
        None => "     ".into(),
        Some((path, line)) if with_file => format!("{}:{line}: ", file(path)),
        Some((_, line)) => format!("{line:>3}: "),
    };
    cell += &row.text;
    if row.times > 1 {
        _ = write!(cell, "  (x{})", row.times);
    }
    if let Some(stale) = &row.stale {
        _ = write!(cell, "  {stale}");
    }
    cell
}
