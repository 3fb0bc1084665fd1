//! From a log to what is worth reading.
//!
//! Shown are the steps in the learner's file, the calls of the part, and the model's remarks. A CPU that looks again
//! and sees the same again has one row. If there are too many rows, calls that no other CPU disturbed become one row
//! each, the oldest first.

use std::mem;

use super::source::{is_theirs, name};
use crate::execution::clock::MAX_CPUS;
use crate::execution::log::{Access, Step, What};

/// The most rows, if it can be done.
pub(crate) const MAX_ROWS: usize = 20;

/// One row.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) cpu: usize,
    /// The learner's file and line, if it stands there.
    pub(crate) line: Option<(&'static str, u32)>,
    pub(crate) text: String,
    /// If it read an older store than the newest: what to say of that.
    pub(crate) stale: Option<String>,
    /// It broke the rule.
    pub(crate) fails: bool,
    /// So many times in a row.
    pub(crate) times: usize,
    /// Its place in the log.
    pub(crate) step: usize,
}

/// What a learner sees of `log`.
pub(crate) fn rows(log: &[Step]) -> Vec<Row> {
    let calls = log.iter().filter(|step| matches!(step.what, What::Call(_))).count();
    let mut rows = Rows::of(log, 0);
    for folded in 1..=calls {
        if rows.len() <= MAX_ROWS {
            break;
        }
        rows = Rows::of(log, folded);
    }
    rows
}

/// What a CPU did in one round of a loop that waits: places in `Rows::rows`.
type Round = Vec<usize>;

#[derive(Default)]
struct Rows {
    rows: Vec<Option<Row>>,
    /// Per CPU: the last round, and this one.
    rounds: [(Round, Round); MAX_CPUS],
}

impl Rows {
    /// The rows, with the first `folded` calls in one row each.
    fn of(log: &[Step], folded: usize) -> Vec<Row> {
        let mut it = Rows::default();
        let mut calls = 0;
        let mut next = 0;
        while let Some(step) = log.get(next) {
            let place = next;
            next += 1;
            match &step.what {
                What::Relax => it.round_ends(step.cpu),
                What::Call(what) => {
                    calls += 1;
                    it.rounds[step.cpu] = Default::default();
                    if calls <= folded
                        && let Some((steps, result)) = undisturbed(step.cpu, &log[next..])
                    {
                        next += steps;
                        it.push(step, place, Some((format!("{what}{result}"), None)));
                    }
                }
                _ => it.push(step, place, text(step)),
            }
        }
        it.finish()
    }

    fn push(&mut self, step: &Step, place: usize, text: Option<(String, Option<String>)>) {
        let Some((text, stale)) = text else { return };
        self.rounds[step.cpu].1.push(self.rows.len());
        self.rows.push(Some(Row {
            cpu: step.cpu,
            line: is_theirs(step.at).then(|| (step.at.file(), step.at.line())),
            text,
            stale,
            fails: matches!(step.what, What::Fail(_) | What::Race(_)),
            times: 1,
            step: place,
        }));
    }

    /// The same round again? Then it is counted, not shown.
    fn round_ends(&mut self, cpu: usize) {
        let (last, this) = &mut self.rounds[cpu];
        let same = |(&a, &b): (&usize, &usize)| match (&self.rows[a], &self.rows[b]) {
            (Some(a), Some(b)) => a.says_the_same(b),
            _ => false,
        };
        if !this.is_empty() && last.len() == this.len() && last.iter().zip(&*this).all(same) {
            for row in this.drain(..) {
                self.rows[row] = None;
            }
            for row in last {
                self.rows[*row].as_mut().expect("it is shown").times += 1;
            }
        } else {
            *last = mem::take(this);
        }
    }

    fn finish(self) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        for row in self.rows.into_iter().flatten() {
            match rows.last_mut() {
                Some(last) if row.line.is_some() && !row.fails && last.says_the_same(&row) => {
                    last.times += row.times;
                }
                _ => rows.push(row),
            }
        }
        rows
    }
}

impl Row {
    fn says_the_same(&self, other: &Row) -> bool {
        fn key(row: &Row) -> impl PartialEq + '_ {
            (row.cpu, row.line, &row.stale, row.fails, &row.text)
        }
        key(self) == key(other)
    }
}

/// If the call that has just begun returns before another CPU does anything: how many steps, and what it returns.
fn undisturbed(cpu: usize, log: &[Step]) -> Option<(usize, &str)> {
    let ends = |step: &Step| {
        step.cpu != cpu || matches!(step.what, What::Return(_) | What::Fail(_) | What::Race(_))
    };
    let end = log.iter().position(ends)?;
    match &log[end].what {
        What::Return(result) if log[end].cpu == cpu => Some((end + 1, result)),
        _ => None,
    }
}

/// What a step says, and what to say if it read an older store. `None`: it is not shown.
fn text(step: &Step) -> Option<(String, Option<String>)> {
    match &step.what {
        What::Return(_) | What::Relax | What::Call(_) => None,
        What::Note(text) | What::Fail(text) => Some((text.clone(), None)),
        What::Race(race) => Some((race.does.clone(), None)),
        What::Access(_) if !is_theirs(step.at) => None,
        What::Access(Access { name: op, order, read, wrote }) => {
            let short = if op.starts_with("compare_exchange") { "cmpxchg" } else { op };
            let text = match (read, wrote) {
                (None, None) => format!("{op}({order:?})"),
                (None, Some(new)) => format!("{} = {new} ({op} {order:?})", name(step.at)),
                (Some(read), Some(new)) => {
                    format!("{}: {} -> {new} ({short} {order:?})", name(step.at), read.value)
                }
                (Some(read), None) if *op == "load" => {
                    format!("{} is {} ({op} {order:?})", name(step.at), read.value)
                }
                (Some(read), None) => {
                    format!("{} is {}: fails ({short})", name(step.at), read.value)
                }
            };
            let stale = read.and_then(|read| {
                let newest = read.newest?;
                let same = if newest == read.value { ", by another store" } else { "" };
                Some(format!("STALE, newest {newest}{same}"))
            });
            Some((text, stale))
        }
    }
}
