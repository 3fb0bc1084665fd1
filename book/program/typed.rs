//! A number that the machine computes must not be typed: one day it would be wrong. Finds such numbers in prose.
//!
//! A number counts if it equals a fact of the article's run, or of a run that its page shows, and stands before a unit or
//! behind `CPU`. `<!-- typed: reason -->` excuses a paragraph, `<!-- typed page: reason -->` a page.

use std::collections::HashMap;

use anyhow::Result;

use crate::chapters::directives;
use crate::facts::{NAMES, OF_A_REPORT, fact};
use crate::runs::Runs;

/// What a number measures: a count never stands for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Measure {
    Cpu,
    Time,
    Count,
}

/// What stands behind a number.
const UNITS: &[(&str, Measure)] = &[
    ("s", Measure::Time),
    ("seconds", Measure::Time),
    ("second", Measure::Time),
    ("units", Measure::Count),
    ("CPUs", Measure::Count),
    ("IPIs", Measure::Count),
    ("IPI", Measure::Count),
    ("reports", Measure::Count),
    ("oopses", Measure::Count),
    ("posts", Measure::Count),
    ("calls", Measure::Count),
];

/// The same in Chinese, with or without a space before it.
const UNITS_ZH: &[(&str, Measure)] = &[
    ("秒", Measure::Time),
    ("个单位", Measure::Count),
    ("个 CPU", Measure::Count),
    ("个 IPI", Measure::Count),
    ("份报告", Measure::Count),
    ("次报告", Measure::Count),
];

impl Measure {
    /// What the fact called `name` measures.
    fn of(name: &str) -> Self {
        match name.rsplit('.').next().unwrap_or(name) {
            "cpu" | "culprit" | "waits_for" => Measure::Cpu,
            "period" | "unit" | "thresh" | "seconds" | "time" | "ended" | "printed" | "fed"
            | "began" | "since_feed" | "waited" => Measure::Time,
            _ => Measure::Count,
        }
    }
}

/// Words before a number that is a name, and no measure.
const NAMED: &[&str] =
    &["chapter", "question", "exercise", "version", "kernel", "linux", "step", "point"];

/// The faults of one chapter: line, and what is typed there.
pub(crate) fn faults(text: &str, runs: &Runs) -> Result<Vec<(usize, String)>> {
    if text.contains("<!-- typed page: ") {
        return Ok(Vec::new());
    }
    let known = known(text, runs)?;
    let mut faults = Vec::new();
    for (first, paragraph) in prose(text) {
        if paragraph.iter().any(|line| line.contains("<!-- typed: ")) {
            continue;
        }
        for (line, n) in paragraph.iter().zip(first..) {
            for found in measures(&without_code(line)) {
                if let Some(name) = known.get(&found) {
                    faults.push((n, format!("{} is typed: say {{{{#fact {name}}}}}", found.1)));
                }
            }
        }
    }
    Ok(faults)
}

/// The facts that this page's runs have, by value.
fn known(text: &str, runs: &Runs) -> Result<HashMap<(Measure, String), String>> {
    let mut shown = vec![String::new()];
    for found in directives(text) {
        let args = match found.verb.as_str() {
            "run" | "report" => found.arg.split('|').next(),
            "fact" => found.arg.split('|').nth(1),
            _ => None,
        };
        shown.extend(args.map(|args| args.trim().to_owned()));
    }
    shown.dedup();
    let mut known = HashMap::new();
    for args in &shown {
        let run = runs.get(args)?;
        let reports = 1..=run.report.soft_lockups.len();
        let of_reports = reports
            .flat_map(|n| OF_A_REPORT.iter().map(move |field| format!("report[#{n}].{field}")));
        for name in NAMES.iter().map(ToString::to_string).chain(of_reports) {
            // A run without a panic has no time of one: that is no fault of the page.
            let Ok(value) = fact(&name, &run) else { continue };
            let measure = Measure::of(&name);
            let name = if args.is_empty() { name } else { format!("{name} | {args}") };
            known.entry((measure, value)).or_insert(name);
        }
    }
    Ok(known)
}

/// Paragraphs of prose with the number of their first line: no code, no headings, no directives, no comments.
fn prose(text: &str) -> Vec<(usize, Vec<&str>)> {
    let mut paragraphs: Vec<(usize, Vec<&str>)> = Vec::new();
    let (mut fenced, mut broken) = (false, true);
    for (line, n) in text.lines().zip(1..) {
        let start = line.trim_start();
        let fence = start.starts_with("```");
        fenced ^= fence;
        let other = fence || fenced || start.is_empty() || start.starts_with('#');
        if other || (start.starts_with("{{#") && !start.starts_with("{{#fact")) {
            broken = true;
            continue;
        }
        match paragraphs.last_mut() {
            Some((_, lines)) if !broken => lines.push(line),
            _ => paragraphs.push((n, vec![line])),
        }
        broken = false;
    }
    paragraphs
}

/// A line without `code`, directives, links' targets and comments.
fn without_code(line: &str) -> String {
    let mut out = line.to_owned();
    for (open, close) in [("{{#", "}}"), ("`", "`"), ("](", ")"), ("<!--", "-->")] {
        while let Some(from) = out.find(open) {
            let Some(len) = out[from + open.len()..].find(close) else { break };
            out.replace_range(from..from + open.len() + len + close.len(), " _ ");
        }
    }
    out
}

/// The numbers of a line that stand before a unit or behind `CPU`.
fn measures(line: &str) -> Vec<(Measure, String)> {
    let is_number = |char: char| char.is_ascii_digit() || char == '.';
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(from) = line[at..].find(|char: char| char.is_ascii_digit()).map(|n| at + n) {
        let to = line[from..].find(|char| !is_number(char)).map_or(line.len(), |n| from + n);
        at = to;
        let number = line[from..to].trim_end_matches('.');
        let (before, after) = (&line[..from], &line[from + number.len()..]);
        if before.ends_with(|char: char| char.is_alphanumeric() || "_-+.".contains(char)) {
            continue;
        }
        let word = before.trim_end().rsplit(|char: char| !char.is_alphanumeric()).next();
        let word = word.unwrap_or_default().to_lowercase();
        let next = after.strip_prefix(' ').unwrap_or(after);
        let unit = next.split(|char: char| !char.is_ascii_alphanumeric()).next();
        let measure = if word == "cpu" || word == "cpus" || before.ends_with("CPU#") {
            Some(Measure::Cpu)
        } else {
            let known = UNITS.iter().find(|(name, _)| Some(*name) == unit);
            known
                .or_else(|| UNITS_ZH.iter().find(|(name, _)| next.starts_with(name)))
                .map(|it| it.1)
        };
        if let Some(measure) = measure.filter(|_| !NAMED.contains(&word.as_str())) {
            found.push((measure, number.to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::faults;
    use crate::runs::Runs;

    fn lines(text: &str) -> Vec<usize> {
        faults(text, &Runs::default()).unwrap().into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn a_typed_fact_is_found_and_what_is_no_measure_is_not() {
        let text = "# 64 CPUs\n\nOf 64 CPUs only\nCPU 35 is named.\n\n```text\nCPU 35\n```\n\nIn chapter 4 of 4.19, \
                    `CPU 35` and {{#fact report[35].cpu}} and 63 CPUs. 5 s are not 5 reports.\n\nCPU 35 again. <!-- typed: a quotation -->\n\n\
                    `x`: 360.462045 s, and 第 35 次\n";
        assert_eq!(lines(text), [3, 4, 10, 14]);
        assert_eq!(lines(&format!("{text}<!-- typed page: quotations -->\n")), [0; 0]);
    }

    #[test]
    fn chinese_units_count() {
        assert_eq!(lines("一共 64 个 CPU,过了 22 秒\n"), [1, 1]);
    }

    #[test]
    fn the_facts_of_a_run_that_the_page_shows_count_too() {
        assert_eq!(lines("CPU 7 waits.\n"), [0; 0]);
        assert_eq!(lines("CPU 7 waits.\n\n{{#run --stuck 7@300 | grep stuck}}\n"), [1]);
    }
}
