//! The private channel: what a checks binary writes into its report while it runs, line by line.
//!
//! Nothing that it prints counts. A report counts from a `start` that knows this run's nonce; it is complete if a `done`
//! that knows it ends it. What follows a line that makes no sense is not read.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The version of the channel.
const VERSION: u32 = 1;

#[derive(Debug, Deserialize)]
#[serde(tag = "line", rename_all = "lowercase")]
enum Line {
    Start {
        nonce: String,
        exercise: String,
        version: u32,
    },
    Begin {
        check: String,
        tier: Tier,
        rule: String,
        points: u32,
    },
    End(End),
    /// "I am still getting somewhere": the file has grown, and that is all.
    Beat,
    Done {
        nonce: String,
    },
}

#[derive(Debug, Deserialize)]
struct End {
    check: String,
    status: Status,
    message: Option<String>,
    detail: Option<String>,
    mistake: Option<String>,
}

/// What a check looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tier {
    /// The rules of a part, on a CPU without threads.
    Contract,
    /// Every interleaving of a small program.
    Model,
    /// The whole machine.
    Replay,
    /// Known answers.
    Oracle,
}

impl std::fmt::Display for Tier {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.pad(match self {
            Self::Contract => "contract",
            Self::Model => "model",
            Self::Replay => "replay",
            Self::Oracle => "oracle",
        })
    }
}

/// What became of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// The rule holds.
    Pass,
    /// It does not.
    Fail,
    /// It was not looked at; `message` says why.
    Skip,
}

/// One check and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    /// `contract::die_lock::excludes`
    pub(crate) name: String,
    /// What it looks at.
    pub(crate) tier: Tier,
    /// What must hold, in words.
    pub(crate) rule: String,
    /// What it is worth.
    pub(crate) points: u32,
    /// What became of it.
    pub(crate) status: Status,
    /// What was expected, what happened, why it matters.
    pub(crate) message: Option<String>,
    /// More of it: two columns, a console.
    pub(crate) detail: Option<String>,
    /// The name of a mistake that others made before.
    pub(crate) mistake: Option<String>,
}

/// What was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// The right `start` was there.
    pub(crate) started: bool,
    /// The checks that ended.
    pub(crate) checks: Vec<Check>,
    /// The check that began and did not end. It counts as failed.
    pub(crate) open: Option<Check>,
    /// The right `done` was there, with no check open.
    pub(crate) done: bool,
    /// The first line that made no sense.
    pub(crate) nonsense: Option<String>,
}

impl Report {
    /// Reads the report of an exercise. One that is not there is empty.
    pub(crate) fn read(path: &Path, exercise: &str, nonce: &str) -> Self {
        let bytes = fs::read(path).unwrap_or_default();
        Self::parse(&String::from_utf8_lossy(&bytes), exercise, nonce)
    }

    fn parse(text: &str, exercise: &str, nonce: &str) -> Self {
        let mut report = Self::default();
        // A line without its end was being written when the program ended: it is not there.
        for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            let parsed = serde_json::from_str(line).ok();
            if parsed.is_none_or(|parsed| !report.take(parsed, exercise, nonce)) {
                report.nonsense = Some(line.trim_end().chars().take(200).collect());
                break;
            }
        }
        report
    }

    /// Returns whether the line makes sense here.
    fn take(&mut self, line: Line, exercise: &str, expected: &str) -> bool {
        match line {
            Line::Start { nonce, exercise: of, version } => {
                let right = !self.started
                    && nonce == expected
                    && version == VERSION
                    && (of == exercise || of.starts_with(&format!("{exercise}_")));
                self.started |= right;
                right
            }
            _ if !self.started || self.done => false,
            Line::Begin { check: name, tier, rule, points } if self.open.is_none() => {
                self.open = Some(Check {
                    name,
                    tier,
                    rule,
                    points,
                    status: Status::Fail,
                    message: None,
                    detail: None,
                    mistake: None,
                });
                true
            }
            Line::End(end) => match self.open.take_if(|open| open.name == end.check) {
                Some(mut check) => {
                    let End { status, message, detail, mistake, .. } = end;
                    (check.status, check.message) = (status, message);
                    (check.detail, check.mistake) = (detail, mistake);
                    self.checks.push(check);
                    true
                }
                None => false,
            },
            Line::Beat => true,
            Line::Done { nonce } if self.open.is_none() && nonce == expected => {
                self.done = true;
                true
            }
            Line::Begin { .. } | Line::Done { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = r#"{"line":"start","nonce":"a1","exercise":"ex04","version":1}"#;
    const BEGIN: &str =
        r#"{"line":"begin","check":"c","tier":"contract","rule":"it holds","points":3}"#;
    const PASS: &str = r#"{"line":"end","check":"c","status":"pass"}"#;
    const DONE: &str = r#"{"line":"done","nonce":"a1"}"#;

    fn parse(lines: &[&str]) -> Report {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        Report::parse(&text, "ex04", "a1")
    }

    #[test]
    fn a_complete_report_is_done() {
        let report = parse(&[START, BEGIN, r#"{"line":"beat"}"#, PASS, DONE]);
        assert!(report.done && report.nonsense.is_none() && report.open.is_none());
        assert_eq!(report.checks[0].status, Status::Pass);
    }

    #[test]
    fn nothing_counts_without_the_nonce() {
        let forged = START.replace("a1", "b2");
        assert!(parse(&[&forged, BEGIN, PASS, DONE]).checks.is_empty());
        assert!(parse(&[BEGIN, PASS, DONE]).checks.is_empty());
        assert!(!parse(&[START, BEGIN, PASS, &DONE.replace("a1", "")]).done);
    }

    #[test]
    fn another_exercise_s_report_does_not_count() {
        assert!(!parse(&[&START.replace("ex04", "ex05")]).started);
    }

    #[test]
    fn a_check_that_did_not_end_stays_open() {
        let report = parse(&[START, BEGIN]);
        assert_eq!(report.open.map(|open| open.rule).as_deref(), Some("it holds"));
        assert!(!parse(&[START, BEGIN, DONE]).done);
    }

    #[test]
    fn a_line_that_was_cut_is_not_there() {
        let report = Report::parse(&format!("{START}\n{BEGIN}\n{{\"line\":\"en"), "ex04", "a1");
        assert!(report.open.is_some() && report.nonsense.is_none());
    }

    #[test]
    fn what_follows_nonsense_is_not_read() {
        assert!(parse(&[START, "test result: ok", BEGIN, PASS, DONE]).checks.is_empty());
        assert!(!parse(&[START, BEGIN, &PASS.replace("\"c\"", "\"d\""), DONE]).done);
    }
}
