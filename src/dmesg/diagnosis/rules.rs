//! The rules over headlines: each looks at an incident and says what speaks against which CPU. `stacks` has those over
//! dumps.
//!
//! A rule that argues from what is *not* in the log weighs less, because a log may lack lines. Such rules say
//! [`Weight::Silent`]; the verdict then asks whether anything else is in the way.

use std::collections::{BTreeMap, BTreeSet};

use crate::cpumask::CpuId;
use crate::dmesg::diagnosis::caveat::Caveat;
use crate::dmesg::diagnosis::context::{Class, waits_for_itself};
use crate::dmesg::diagnosis::dump::{Dump, Why};
use crate::dmesg::diagnosis::evidence::Evidence;
use crate::dmesg::diagnosis::fact::{Fact, FactKind, Weight, independent};
use crate::dmesg::diagnosis::scene::{HardReport, RcuCpu, Scene, SoftReport};
use crate::dmesg::diagnosis::stacks;
use crate::time::NSEC_PER_SEC;

/// A CPU that waits has reported itself after this long, however idle it was before: seven samples of 4 s, and one.
const REPORTED_BY_NS: u64 = 32 * NSEC_PER_SEC;

/// Applies every rule, in the order of their weight.
pub(super) fn collect(scene: &Scene) -> Evidence {
    let mut evidence = Evidence { waiters: scene.waiters(), ..Evidence::default() };
    stacks::wait_for_a_report(scene, &mut evidence);
    stalled_calls(scene, &mut evidence);
    oopses(scene, &mut evidence);
    hard_lockups(scene, &mut evidence);
    stacks::dumps(scene, &mut evidence);
    rcu(scene, &mut evidence);
    requests(scene, &mut evidence);
    stacks::pointers(scene, &mut evidence);
    stacks::only_one_left(scene, &mut evidence);
    stops(scene, &mut evidence);
    locked_out(scene, &mut evidence);
    stacks::convoy(scene, &mut evidence);
    evidence.facts.retain(|fact| !scene.offline.contains(&fact.cpu));
    evidence
}

/// The target of a stalled call that does not itself wait.
fn stalled_calls(scene: &Scene, evidence: &mut Evidence) {
    let open: Vec<_> = scene.csd.iter().filter(|stall| stall.unstuck.is_none()).collect();
    if open.is_empty() {
        return;
    }
    // Stalls are numbered from boot: what has no number here may be the target's own wait.
    let seen: BTreeSet<u32> = scene.csd.iter().map(|stall| stall.number).collect();
    let gap = open
        .iter()
        .filter(|stall| (1..stall.number).any(|n| !seen.contains(&n)))
        .map(|stall| stall.line)
        .next();
    evidence.caveats.extend(gap.map(|line| Caveat::CsdGap { line }));
    let targets: BTreeSet<CpuId> = open.iter().map(|stall| stall.target).collect();
    let is_root = |cpu: &&CpuId| !evidence.waiters.contains_key(cpu);
    let roots: Vec<CpuId> = targets.iter().filter(is_root).copied().collect();
    if roots.is_empty() {
        evidence.caveats.push(Caveat::Ring { cpus: targets.into_iter().collect() });
    }
    for cpu in roots {
        let Some(stall) =
            open.iter().filter(|stall| stall.target == cpu).max_by_key(|stall| stall.waiting_ns)
        else {
            continue;
        };
        let kind = FactKind::CsdTarget { waiter: stall.on, waiting_ns: stall.waiting_ns };
        let weight = match gap {
            // It takes interrupts, and not this one.
            None if scene.takes_interrupts_after(cpu, stall.line) => Weight::Likely,
            None => Weight::Certain,
            Some(_) => Weight::Silent,
        };
        evidence.add(cpu, stall.line, weight, kind);
    }
}

/// An oops that never ended, on a CPU that is silent afterwards.
fn oopses(scene: &Scene, evidence: &mut Evidence) {
    // Of a later one the first is not in the log, or has ended.
    for oops in scene.oopses.iter().filter(|oops| oops.ended.is_none() && oops.count == Some(1)) {
        let Some(cpu) = oops.cpu else { continue };
        let last = oops.fault_inside.unwrap_or(oops.last_line);
        if scene.oopses.iter().any(|other| other.count > oops.count) {
            continue; // it got through die_lock
        }
        // The taint D is set when a report ends: then lines of it are missing here.
        let died_since = scene.first_died.is_some_and(|line| line > oops.line);
        if died_since || scene.is_heard_of_after(cpu, last) {
            continue;
        }
        let goes_on =
            scene.first_died.is_none() && scene.last_not_died.is_some_and(|line| line > last);
        let is_waiter = evidence.waiters.contains_key(&cpu)
            || scene.soft.iter().any(|report| report.cpu == cpu);
        match oops.fault_inside {
            Some(inner_line) if goes_on && !is_waiter => {
                evidence.add(cpu, oops.line, Weight::Certain, FactKind::FaultInOops { inner_line });
            }
            Some(inner_line) => {
                evidence.add_silent(cpu, oops.line, FactKind::FaultInOops { inner_line });
            }
            None => evidence.add_silent(cpu, oops.line, FactKind::OopsNeverEnded),
        }
    }
}

/// A hard lockup of one or two CPUs of which nothing is heard any more.
fn hard_lockups(scene: &Scene, evidence: &mut Evidence) {
    const MOST: usize = 2;
    let last: BTreeMap<CpuId, &HardReport> =
        scene.hard.iter().map(|hard| (hard.cpu, hard)).collect();
    let is_over = |hard: &HardReport| {
        scene.takes_interrupts_after(hard.cpu, hard.line)
            || scene.dumps_itself_after(hard.cpu, hard.line, hard.time)
    };
    let dark: Vec<_> = last.into_values().filter(|hard| !is_over(hard)).collect();
    for &&HardReport { cpu, line, .. } in &dark {
        let line = scene.hard.iter().find(|hard| hard.cpu == cpu).map_or(line, |hard| hard.line);
        match dark.len() <= MOST {
            true => evidence.add_silent(cpu, line, FactKind::HardLockup),
            false => evidence.add(cpu, line, Weight::Hint, FactKind::HardLockup),
        }
    }
}

/// A CPU that RCU waits for and that never reports itself; and one on which RCU's runnable thread does not run.
fn rcu(scene: &Scene, evidence: &mut Evidence) {
    let reported = |cpu: CpuId| scene.soft.iter().any(|report| report.cpu == cpu);
    let lists = [(&scene.rcu, FactKind::RcuStall), (&scene.starved, FactKind::StarvedRcuKthread)];
    for (list, kind) in lists {
        let last: BTreeMap<CpuId, &RcuCpu> = list.iter().map(|it| (it.cpu, it)).collect();
        let mut seen = BTreeSet::new();
        for stalled in list.iter().filter(|stalled| !stalled.runs && seen.insert(stalled.cpu)) {
            let cpu = stalled.cpu;
            if last[&cpu].runs {
                continue;
            }
            if reported(cpu) || scene.takes_interrupts_after(cpu, stalled.line) {
                continue;
            }
            // A CPU that waits with interrupts on would have said so by then.
            let waited =
                scene.ns_left_after(stalled.time).is_some_and(|left| left > REPORTED_BY_NS);
            match waited || stalled.irqs_off == Some(true) {
                true => evidence.add_silent(cpu, stalled.line, kind.clone()),
                false => evidence.add(cpu, stalled.line, Weight::Hint, kind.clone()),
            }
        }
    }
}

/// CPUs that were asked for their backtraces and did not answer.
fn requests(scene: &Scene, evidence: &mut Evidence) {
    const MOST: usize = 2;
    /// A CPU that asks waits so long for the answers.
    const PATIENCE_NS: u64 = 10 * NSEC_PER_SEC;
    let mut silent: BTreeMap<CpuId, (usize, Option<CpuId>, bool)> = BTreeMap::new();
    for request in &scene.requests {
        let unanswered = request.unanswered();
        let in_vain = request.waited_in_vain();
        if let (&[cpu], Some((line, waited_ns))) = (&unanswered[..], in_vain)
            && !scene.is_heard_of_after(cpu, request.line)
        {
            let kind = FactKind::KeptTheAskerWaiting { asked_by: request.from, waited_ns };
            evidence.add_silent(cpu, line, kind);
        }
        let is_over = in_vain.is_some()
            || scene.ns_left_after(request.time).is_none_or(|left| left >= PATIENCE_NS);
        if unanswered.len() > MOST || !is_over {
            continue;
        }
        // Of many answers one is easily lost.
        let is_sure = request.has_cause && request.to.len() == 1;
        for cpu in unanswered {
            let found = silent.entry(cpu).or_insert((request.line, Some(request.from), is_sure));
            found.2 |= is_sure;
        }
    }
    for asked in &scene.no_backtrace {
        silent.entry(asked.cpu).or_insert((asked.line, None, true)).2 = true;
    }
    for (cpu, (line, asked_by, is_sure)) in silent {
        let is_last = scene.last_line <= line;
        if is_last || scene.is_heard_of_after(cpu, line) {
            continue;
        }
        let kind = FactKind::NoBacktrace { asked_by };
        let is_known =
            evidence.facts.iter().any(|fact| fact.cpu == cpu && fact.weight > Weight::Hint);
        match is_sure || is_known {
            true => evidence.add_silent(cpu, line, kind),
            false => evidence.add(cpu, line, Weight::Hint, kind),
        }
    }
}

/// CPUs that a detector found in a lock with interrupts off are victims of its holder: they convict no CPU if nobody waits
/// for their answer, or if another CPU takes no interrupts by two facts.
fn locked_out(scene: &Scene, evidence: &mut Evidence) {
    let is_locked = |dump: &&Dump| {
        dump.why == Why::HardLockup
            && dump.class == Some(Class::Lock)
            && !waits_for_itself(&dump.context)
    };
    let locked: BTreeSet<CpuId> =
        scene.dumps.iter().filter(is_locked).map(|dump| dump.cpu).collect();
    let mut others: BTreeMap<CpuId, Vec<&Fact>> = BTreeMap::new();
    let weighty = |fact: &&Fact| fact.weight > Weight::Hint && !locked.contains(&fact.cpu);
    for fact in evidence.facts.iter().filter(weighty) {
        others.entry(fact.cpu).or_default().push(fact);
    }
    let is_another = others.values().any(|facts| independent(facts.iter().copied()) > 1);
    let is_awaited = !scene.soft.is_empty() || !evidence.waiters.is_empty();
    if is_awaited && !is_another {
        return;
    }
    let is_of_the_lock = |fact: &&mut Fact| {
        locked.contains(&fact.cpu)
            && matches!(fact.kind, FactKind::HardLockup | FactKind::LockWithIrqsOff { .. })
    };
    evidence.facts.iter_mut().filter(is_of_the_lock).for_each(|fact| fact.weight = Weight::Hint);
}

/// CPUs that did not stop. Up to 6.1 arm64 lists the CPUs that are online, the panicking one among them.
fn stops(scene: &Scene, evidence: &mut Evidence) {
    for (line, cpus) in &scene.not_stopped {
        let before = |report: &&SoftReport| report.line < *line;
        let panicked = scene.soft.iter().rev().find(before).map(|report| report.cpu);
        let others: Vec<CpuId> = cpus.iter().take(3).filter(|cpu| Some(*cpu) != panicked).collect();
        let [cpu] = others[..] else { continue };
        if !evidence.facts.iter().any(|fact| fact.cpu == cpu && fact.kind == FactKind::DidNotStop) {
            evidence.add_silent(cpu, *line, FactKind::DidNotStop);
        }
    }
}
