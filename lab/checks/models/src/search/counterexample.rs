//! An execution that went wrong, and which of several is the easiest to understand.

use super::replay::Replay;
use crate::execution::Execution;
use crate::execution::log::{Kind, Step};
use crate::render::rows::{Row, rows};

/// An execution that went wrong.
#[derive(Debug)]
pub(crate) struct Counterexample {
    /// How.
    pub(crate) kind: Kind,
    /// The rule that it broke.
    pub(crate) rule: &'static str,
    /// The heads of its columns.
    pub(crate) cpus: &'static [&'static str],
    /// Which one it was.
    pub(crate) replay: Replay,
    /// All steps.
    pub(crate) log: Vec<Step>,
    /// What a learner sees of them.
    pub(crate) rows: Vec<Row>,
}

impl Counterexample {
    /// `None` if the execution broke no rule.
    pub(crate) fn of(
        execution: Execution,
        rule: &'static str,
        cpus: &'static [&'static str],
        replay: impl FnOnce() -> Replay,
    ) -> Option<Self> {
        let kind = execution.failed?;
        let log = execution.log;
        let rows = rows(&log);
        Some(Counterexample { kind, rule, cpus, replay: replay(), log, rows })
    }

    /// Whether a row shows a read of an old value.
    pub(crate) fn has_stale_reads(&self) -> bool {
        self.rows.iter().any(|row| row.stale.is_some())
    }

    /// The smaller the better: stale reads puzzle most, then length, then switches between CPUs.
    pub(crate) fn cost(&self) -> (bool, usize, usize, usize) {
        let stale = self.rows.iter().filter(|row| row.stale.is_some()).count();
        let switches = self.rows.windows(2).filter(|two| two[0].cpu != two[1].cpu).count();
        (stale > 0, self.rows.len(), stale, switches)
    }
}
