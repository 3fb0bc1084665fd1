//! The search for a counterexample: small models first, few preemptions first, loom first.
//!
//! Executions are counted and never timed: a verdict does not depend on how busy the host is.

pub(crate) mod counterexample;
pub(crate) mod explore;
pub(crate) mod panics;
pub(crate) mod progress;
pub(crate) mod replay;
pub(crate) mod schedules;
pub(crate) mod strategy;
pub(crate) mod watcher;

use std::fmt;
use std::sync::Arc;

use super::Verdict;
use super::render::columns::columns;
use super::render::why::why;
use counterexample::Counterexample;
use explore::{Explored, explore};
use replay::{Replay, Wanted};
use strategy::EngineName;

/// One model: some CPUs that use a part.
#[derive(Clone)]
pub(crate) struct Model {
    /// Names it in a `replay`: `die_lock/two-and-one`.
    pub(crate) name: &'static str,
    /// What it checks, as a sentence.
    pub(crate) rule: &'static str,
    /// The heads of the columns.
    pub(crate) cpus: &'static [&'static str],
    /// Too many CPUs or steps for loom.
    pub(crate) too_big_for_loom: bool,
    /// One execution.
    pub(crate) run: Arc<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Model {
    pub(crate) fn new(
        name: &'static str,
        rule: &'static str,
        cpus: &'static [&'static str],
        run: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Model { name, rule, cpus, too_big_for_loom: false, run: Arc::new(run) }
    }

    /// The same, for shuttle alone.
    pub(crate) fn without_loom(self) -> Self {
        Model { too_big_for_loom: true, ..self }
    }
}

/// Checks a part by `models`, the smallest first.
pub(crate) fn check(models: Vec<Model>) -> Verdict {
    let wanted = replay::wanted();
    watcher::watched(move || match wanted {
        Wanted::All => search(&models),
        Wanted::Engine(engine) => search_with(engine, &models),
        Wanted::Execution(replay) => again(&models, &replay),
    })
}

fn search(models: &[Model]) -> Verdict {
    let mut sum = Sum::default();
    let loom = first_counterexample(EngineName::Loom, models, &mut sum);
    if let Some(found) = &loom
        && !found.has_stale_reads()
    {
        return wrong(found);
    }
    // One in which every read is of the newest value is easier to understand. Only shuttle may have that.
    let shuttle = first_counterexample(EngineName::Shuttle, models, &mut sum);
    match loom.into_iter().chain(shuttle).min_by_key(Counterexample::cost) {
        Some(found) => wrong(&found),
        None => sum.verdict(),
    }
}

fn search_with(engine: EngineName, models: &[Model]) -> Verdict {
    let mut sum = Sum::default();
    match first_counterexample(engine, models, &mut sum) {
        Some(found) => wrong(&found),
        None => sum.verdict(),
    }
}

/// What the searches of one part came to.
#[derive(Debug, Default)]
struct Sum {
    executions: usize,
    /// Some were left, or gave no verdict.
    incomplete: bool,
    trouble: Option<String>,
}

impl Sum {
    fn add(&mut self, explored: &Explored) {
        self.executions += explored.executions;
        self.incomplete |= !explored.ended || explored.given_up > 0;
        let nothing_seen = explored.given_up == explored.executions;
        let unfair =
            || format!("all {} executions were unfair to a CPU or impossible", explored.given_up);
        let trouble = explored.trouble.clone().or_else(|| nothing_seen.then(unfair));
        self.trouble = self.trouble.take().or(trouble);
    }

    fn verdict(self) -> Verdict {
        match self.trouble {
            Some(why) => Verdict::Inconclusive { why },
            None => Verdict::Right { executions: self.executions, complete: !self.incomplete },
        }
    }
}

fn first_counterexample(
    engine: EngineName,
    models: &[Model],
    sum: &mut Sum,
) -> Option<Counterexample> {
    let fits = |model: &&Model| engine == EngineName::Shuttle || !model.too_big_for_loom;
    models.iter().filter(fits).find_map(|model| {
        engine.strategies().iter().find_map(|&strategy| {
            let explored = explore(engine, strategy, model, None);
            sum.add(&explored);
            explored.found
        })
    })
}

/// Runs one execution again.
fn again(models: &[Model], replay: &Replay) -> Verdict {
    let Some(model) = models.iter().find(|model| model.name == replay.model) else {
        return Verdict::Inconclusive { why: format!("this check has no model {}", replay.model) };
    };
    let explored = explore(replay.engine, replay.strategy, model, Some(replay.execution));
    match &explored.found {
        Some(found) => wrong(found),
        None => Verdict::Inconclusive {
            why: "that execution breaks no rule: the code is another one".into(),
        },
    }
}

fn wrong(found: &Counterexample) -> Verdict {
    Verdict::Wrong {
        rule: found.rule,
        why: why(found),
        columns: columns(found),
        replay: found.replay.to_string(),
    }
}
