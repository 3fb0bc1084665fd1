//! Naming an execution, so that it can be run again.
//!
//! A search makes its choices in the same order each time. So engine, model, strategy and a number name an execution,
//! as long as the code is the same.

use std::cell::RefCell;
use std::fmt;
use std::str::FromStr;

use super::strategy::{EngineName, Strategy};
use crate::Verdict;

/// One execution: `loom die_lock/two-and-one preemptions=1 execution=137`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replay {
    pub(crate) engine: EngineName,
    pub(crate) model: String,
    pub(crate) strategy: Strategy,
    /// Counted from 1.
    pub(crate) execution: usize,
}

impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Replay { engine, model, strategy, execution } = self;
        write!(f, "{engine} {model} {strategy} execution={execution}")
    }
}

impl FromStr for Replay {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut words = text.split_whitespace();
        let mut word = || words.next().ok_or(());
        let (engine, model, strategy) = (word()?.parse()?, word()?.into(), word()?.parse()?);
        let execution = word()?.strip_prefix("execution=").ok_or(())?.parse().map_err(drop)?;
        Ok(Replay { engine, model, strategy, execution })
    }
}

/// What a check is to look at.
#[derive(Clone, Debug, Default)]
pub(super) enum Wanted {
    /// Everything, with both engines.
    #[default]
    All,
    /// What one engine sees.
    Engine(EngineName),
    /// One execution.
    Execution(Replay),
}

impl FromStr for Wanted {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        text.parse().map(Wanted::Engine).or_else(|()| text.parse().map(Wanted::Execution))
    }
}

thread_local! {
    static WANTED: RefCell<Wanted> = const { RefCell::new(Wanted::All) };
}

/// What a check on this thread is to look at.
pub(super) fn wanted() -> Wanted {
    WANTED.with_borrow(Clone::clone)
}

/// Runs one execution again: the one that `replay`, of a [`Verdict::Wrong`], names. `check` is the check that gave that
/// verdict, with the same part.
///
/// ```ignore
/// let again = models::replay(&replay, || models::die_lock(MyDieLock::new, true));
/// ```
///
/// With `"loom"` or `"shuttle"` the check looks at everything, but with that engine alone.
///
/// The verdict is [`Verdict::Inconclusive`] if there is no such execution, or if it breaks no rule any more.
pub fn replay(replay: &str, check: impl FnOnce() -> Verdict) -> Verdict {
    let Ok(wanted) = replay.parse() else {
        return Verdict::Inconclusive { why: format!("`{replay}` names no execution") };
    };
    let before = WANTED.replace(wanted);
    let verdict = check();
    WANTED.set(before);
    verdict
}
