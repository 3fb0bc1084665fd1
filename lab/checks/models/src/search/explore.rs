//! One search: many executions of one model under one engine. An execution that goes wrong does not end it; the one
//! that is the easiest to understand is kept.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::Arc;

use super::counterexample::Counterexample;
use super::replay::Replay;
use super::schedules::{Schedules, Until};
use super::strategy::{EngineName, FAILURES, Strategy};
use super::{Model, panics, progress};
use crate::engines::{self, Checker, loom::Loom, shuttle::Shuttle};
use crate::execution;
use crate::execution::log::{Kind, What};
use crate::execution::steps::{Stop, fail};

/// What a search came to.
#[derive(Debug, Default)]
pub(crate) struct Explored {
    /// How many executions it looked at.
    pub(crate) executions: usize,
    /// How many of them gave no verdict.
    pub(crate) given_up: usize,
    /// Whether none is left.
    pub(crate) ended: bool,
    /// The counterexample that is the easiest to understand.
    pub(crate) found: Option<Counterexample>,
    /// The engine itself gave up.
    pub(crate) trouble: Option<String>,
    failures: usize,
}

/// Ends loom's search.
struct Enough;

thread_local! {
    static EXPLORED: RefCell<Explored> = RefCell::default();
}

/// Looks at the executions of `model`; if `only` is given, at that one alone.
pub(crate) fn explore(
    engine: EngineName,
    strategy: Strategy,
    model: &Model,
    only: Option<usize>,
) -> Explored {
    panics::install();
    let checker: &'static dyn Checker = match engine {
        EngineName::Loom => &Loom,
        EngineName::Shuttle => &Shuttle,
    };
    engines::set(Some(checker));
    let most = only.unwrap_or_else(|| engine.executions(strategy));
    let search = Search { engine, strategy, model: model.clone(), most, only };
    let outcome = catch_unwind(AssertUnwindSafe(|| match engine {
        EngineName::Loom => search.with_loom(),
        EngineName::Shuttle => search.with_shuttle(),
    }));
    engines::set(None);
    let mut explored = EXPLORED.take();
    match outcome {
        Ok(ended) => explored.ended = ended,
        Err(payload) if payload.is::<Enough>() => {}
        Err(_) => explored.trouble = Some(format!("{engine} gave up: {}", panics::take_message())),
    }
    explored
}

struct Search {
    engine: EngineName,
    strategy: Strategy,
    model: Model,
    /// The most executions.
    most: usize,
    only: Option<usize>,
}

impl Search {
    /// Returns whether no execution is left.
    fn with_loom(self) -> bool {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = match self.strategy {
            Strategy::Preemptions(bound) => Some(bound),
            Strategy::Random => None,
        };
        builder.max_branches = 5_000;
        builder.checkpoint_interval = usize::MAX;
        builder.max_permutations = None;
        builder.max_duration = None;
        builder.location = false;
        builder.check(move || {
            if self.one_more() {
                resume_unwind(Box::new(Enough));
            }
        });
        true
    }

    /// Returns whether no execution is left.
    fn with_shuttle(self) -> bool {
        let until = Arc::<Until>::default();
        let schedules = Schedules::new(self.strategy, self.most, Arc::clone(&until));
        let mut config = shuttle::Config::new();
        config.silence_warnings = true;
        config.failure_persistence = shuttle::FailurePersistence::None;
        config.max_steps = shuttle::MaxSteps::FailAfter(20_000);
        let stop = Arc::clone(&until);
        shuttle::Runner::new(schedules, config).run(move || {
            if self.one_more() {
                stop.enough();
            }
        });
        until.none_is_left()
    }

    /// One execution, inside the engine. Returns whether that was enough.
    fn one_more(&self) -> bool {
        let number = EXPLORED.with_borrow(|explored| explored.executions) + 1;
        let at = || self.replay(number);
        progress::execution(self.model.rule, number, at);
        let checker = engines::current();
        checker.begin();
        execution::begin();
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| (self.model.run)())) {
            self.caught(&*payload);
        }
        let execution = execution::end();
        checker.end();
        EXPLORED.with_borrow_mut(|explored| {
            explored.executions = number;
            if self.only.is_none_or(|only| only == number) {
                explored.given_up += usize::from(execution.given_up);
                let Model { rule, cpus, .. } = self.model;
                if let Some(found) = Counterexample::of(execution, rule, cpus, at) {
                    explored.failures += 1;
                    let better = |best: &Counterexample| found.cost() < best.cost();
                    if explored.found.as_ref().is_none_or(better) {
                        explored.found = Some(found);
                    }
                }
            }
            explored.failures >= FAILURES || number >= self.most
        })
    }

    fn caught(&self, payload: &dyn Any) {
        if !payload.is::<Stop>() {
            fail(Kind::Panics, Location::caller(), What::Fail(panics::take_message()));
        }
    }

    fn replay(&self, execution: usize) -> Replay {
        let Search { engine, strategy, .. } = *self;
        Replay { engine, strategy, model: self.model.name.into(), execution }
    }
}
