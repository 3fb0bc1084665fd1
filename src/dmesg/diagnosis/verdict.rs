//! From facts to a verdict. A CPU is named if the log convicts it, and else it is said why none is.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::cpumask::CpuId;
use crate::dmesg::diagnosis::caveat::Caveat;
use crate::dmesg::diagnosis::context::Class;
use crate::dmesg::diagnosis::dump::{Dump, Why};
use crate::dmesg::diagnosis::evidence::Evidence;
use crate::dmesg::diagnosis::fact::{Fact, FactKind, Weight, independent};
use crate::dmesg::diagnosis::scene::Scene;

/// What a log says about who does not answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// This CPU does not answer.
    Named {
        /// Which.
        cpu: CpuId,
        /// How sure that is.
        confidence: Confidence,
        /// How many facts of different kinds say so.
        #[serde(rename = "facts_for_it")]
        facts: usize,
    },
    /// Something waited, and nothing is at fault in the end.
    NobodyAtFault {
        /// Why.
        why: Harmless,
    },
    /// There is a lockup, and the log convicts no CPU of it. The caveats say why.
    NotConvicted,
    /// Nothing in the log is a lockup.
    NoLockup,
}

/// How sure a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// At least one fact convicts it, and nothing speaks against that.
    Likely,
    /// A fact that leaves no other explanation.
    Certain,
}

/// Why no CPU is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Harmless {
    /// Every call was answered after all.
    AllAnswered,
    /// Timers were late and no CPU is silent: a host that does not run its guest.
    LateTimers,
}

/// Weighs the evidence. Adds what it finds doubtful to the caveats.
pub(super) fn judge(scene: &Scene, evidence: &Evidence, caveats: &mut Vec<Caveat>) -> Verdict {
    if !scene.is_lockup() {
        return Verdict::NoLockup;
    }
    let of = |weight: Weight| {
        let facts = evidence.facts.iter().filter(move |fact| fact.weight == weight);
        facts.map(|fact| fact.cpu).collect::<BTreeSet<_>>()
    };
    let (certain, likely, silent) = (of(Weight::Certain), of(Weight::Likely), of(Weight::Silent));
    let forbidden = caveats.iter().any(Caveat::forbids);
    if let Some(cpu) = only(&certain) {
        if is_backwards(caveats) {
            return Verdict::NotConvicted;
        }
        // Others that are silent may wait for this one; one that registers point at may not.
        if likely.iter().any(|other| *other != cpu) {
            return conflict(certain.union(&likely), caveats);
        }
        // A loop in a function that no rule knows may itself wait for one of those that are silent.
        let unseen = silent.iter().any(|other| *other != cpu && !is_seen_in_a_lock(scene, *other));
        if only_loops(evidence, cpu) && unseen {
            return conflict(certain.union(&silent), caveats);
        }
        return named(cpu, Confidence::Certain, evidence);
    }
    if !certain.is_empty() {
        return conflict(certain.iter(), caveats);
    }
    if !likely.is_empty() {
        let all: BTreeSet<CpuId> = likely.union(&silent).copied().collect();
        return match only(&all) {
            Some(_) if forbidden => Verdict::NotConvicted,
            Some(cpu) => named(cpu, Confidence::Likely, evidence),
            None => conflict(all.iter(), caveats),
        };
    }
    let is_clouded = |cpu: CpuId| {
        let is_known = stack_is_known(scene, cpu);
        // In an excerpt of headlines two that say the same are enough. That an answer is not there says nothing.
        let is_said =
            |fact: &&Fact| fact.cpu == cpu && !matches!(fact.kind, FactKind::NoBacktrace { .. });
        let is_confirmed = independent(evidence.facts.iter().filter(is_said)) > 1;
        let clouds = |caveat: &Caveat| match caveat {
            Caveat::NoCpuLines => !is_confirmed,
            _ => caveat.clouds_silence(is_known),
        };
        caveats.iter().any(clouds) || has_another_oops(scene, &silent)
    };
    match only(&silent) {
        Some(cpu) if !forbidden && !is_clouded(cpu) => named(cpu, Confidence::Likely, evidence),
        Some(_) => Verdict::NotConvicted,
        None if !silent.is_empty() => conflict(silent.iter(), caveats),
        None => without_silent(scene, evidence, caveats),
    }
}

/// Whether the log has this CPU's stack, with interrupts off and in no call that waits for others.
fn stack_is_known(scene: &Scene, cpu: CpuId) -> bool {
    scene.dumps.iter().any(|dump| {
        let is_live = matches!(dump.why, Why::HardLockup | Why::Backtrace);
        let works = matches!(dump.class, Some(Class::Lock | Class::Loop));
        dump.cpu == cpu && is_live && works && dump.is_whole && dump.irqs_off == Some(true)
    })
}

/// Whether nothing but its loop makes this CPU's guilt certain.
fn only_loops(evidence: &Evidence, cpu: CpuId) -> bool {
    let certain = |fact: &&Fact| fact.cpu == cpu && fact.weight == Weight::Certain;
    let mut certain = evidence.facts.iter().filter(certain);
    certain.all(|fact| matches!(fact.kind, FactKind::LoopsWithIrqsOff { .. }))
}

/// Whether the log shows that this CPU waits for a lock.
fn is_seen_in_a_lock(scene: &Scene, cpu: CpuId) -> bool {
    let is_lock = |dump: &Dump| dump.why != Why::Stale && dump.class == Some(Class::Lock);
    scene.dumps.iter().any(|dump| dump.cpu == cpu && dump.is_whole && is_lock(dump))
}

/// Whether more oopses than one began whose CPUs are not known: then more CPUs are silent than the facts say.
fn has_another_oops(scene: &Scene, silent: &BTreeSet<CpuId>) -> bool {
    let lost = scene.oopses.iter().filter(|oops| oops.ended.is_none());
    lost.filter(|oops| oops.cpu.is_none_or(|cpu| !silent.contains(&cpu))).count() > 1
        || scene.oopses.iter().any(|oops| oops.ended.is_none() && oops.count.is_none())
}

fn is_backwards(caveats: &[Caveat]) -> bool {
    caveats.contains(&Caveat::Backwards)
}

fn only(cpus: &BTreeSet<CpuId>) -> Option<CpuId> {
    match cpus.len() {
        1 => cpus.first().copied(),
        _ => None,
    }
}

fn conflict<'a>(cpus: impl Iterator<Item = &'a CpuId>, caveats: &mut Vec<Caveat>) -> Verdict {
    caveats.push(Caveat::Conflict { cpus: cpus.copied().collect() });
    Verdict::NotConvicted
}

fn named(cpu: CpuId, confidence: Confidence, evidence: &Evidence) -> Verdict {
    let facts = independent(evidence.facts.iter().filter(|fact| fact.cpu == cpu));
    Verdict::Named { cpu, confidence, facts }
}

/// No CPU is silent: either all is over, or the log does not tell.
fn without_silent(scene: &Scene, evidence: &Evidence, caveats: &[Caveat]) -> Verdict {
    let has_hints = !evidence.facts.is_empty();
    let only_calls = scene.soft.is_empty() && scene.hard.is_empty() && scene.not_stopped.is_empty();
    let answered = !scene.csd.is_empty() && scene.csd.iter().all(|stall| stall.unstuck.is_some());
    if answered && only_calls && !has_hints && evidence.caveats.is_empty() {
        return Verdict::NobodyAtFault { why: Harmless::AllAnswered };
    }
    let late = caveats.iter().any(|caveat| matches!(caveat, Caveat::LateTimers(_)));
    if late && !has_hints && evidence.waiters.is_empty() {
        return Verdict::NobodyAtFault { why: Harmless::LateTimers };
    }
    Verdict::NotConvicted
}

/// The CPUs of which something is said, most first, for a reader who wants to know of whom else.
pub(super) fn suspects(evidence: &Evidence) -> Vec<CpuId> {
    let mut weights: BTreeMap<CpuId, Weight> = BTreeMap::new();
    for fact in &evidence.facts {
        let weight = weights.entry(fact.cpu).or_insert(fact.weight);
        *weight = fact.weight.max(*weight);
    }
    let mut cpus: Vec<_> = weights.into_iter().collect();
    cpus.sort_by_key(|&(cpu, weight)| (std::cmp::Reverse(weight), cpu));
    cpus.into_iter().map(|(cpu, _)| cpu).collect()
}
