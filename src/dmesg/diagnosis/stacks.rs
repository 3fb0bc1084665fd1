//! The rules over dumps: what the stacks and the registers of CPUs say.

use std::collections::{BTreeMap, BTreeSet};

use crate::cpumask::CpuId;
use crate::dmesg::diagnosis::caveat::Caveat;
use crate::dmesg::diagnosis::context::{Class, waits_for_a_report, waits_for_itself};
use crate::dmesg::diagnosis::dump::{Dump, Why};
use crate::dmesg::diagnosis::evidence::Evidence;
use crate::dmesg::diagnosis::fact::{FactKind, Weight};
use crate::dmesg::diagnosis::pointer;
use crate::dmesg::diagnosis::scene::Scene;
use crate::time::NSEC_PER_SEC;

/// CPUs that oopsed while another one reports its oops: they wait for its lock.
pub(super) fn wait_for_a_report(scene: &Scene, evidence: &mut Evidence) {
    let waits = |dump: &&Dump| {
        let is_lock = dump.class == Some(Class::Lock);
        // Of a lock whose user is not shown it may be this one.
        let may_be = waits_for_a_report(&dump.context) || dump.context.frames.len() < 2;
        dump.why != Why::Stale && is_lock && may_be && !waits_for_itself(&dump.context)
    };
    for dump in scene.dumps.iter().filter(waits) {
        evidence.waiters.entry(dump.cpu).or_insert(dump.line);
    }
}

/// CPUs that were dumped with interrupts off.
pub(super) fn dumps(scene: &Scene, evidence: &mut Evidence) {
    let is_clean =
        |dump: &&Dump| dump.is_whole && !dump.is_by_a_hole && dump.irqs_off == Some(true);
    let itself = |dump: &&Dump| is_clean(dump) && waits_for_itself(&dump.context);
    let is_off =
        |dump: &&Dump| is_clean(dump) && matches!(dump.why, Why::HardLockup | Why::Backtrace);
    for dump in scene.dumps.iter().filter(|dump| is_off(dump) || itself(dump)) {
        let cpu = dump.cpu;
        if scene.takes_interrupts_after(cpu, dump.line)
            || scene.dumps_itself_after(cpu, dump.line, dump.time)
        {
            continue;
        }
        let is_hard = scene.hard.iter().any(|hard| hard.cpu == cpu);
        let again = scene.dumps.iter().filter(is_off).filter(|other| {
            let later =
                other.time.zip(dump.time).is_some_and(|(b, a)| b.ns_since(a) > NSEC_PER_SEC);
            other.cpu == cpu && later && other.context.frames.last() == dump.context.frames.last()
        });
        let lasts = is_hard || again.count() > 0;
        let function = dump.context.frames.first().cloned().unwrap_or_default();
        match dump.class {
            _ if waits_for_itself(&dump.context) => {
                evidence.add(
                    cpu,
                    dump.line,
                    Weight::Certain,
                    FactKind::WaitsForItself { function },
                );
            }
            // A moment with interrupts off is nothing; a handler is one.
            Some(Class::Loop) if lasts && !evidence.waiters.contains_key(&cpu) => {
                let kind = FactKind::LoopsWithIrqsOff { function };
                evidence.add(cpu, dump.line, Weight::Certain, kind);
            }
            Some(Class::Loop) if !dump.context.in_interrupt => {
                evidence.add_silent(cpu, dump.line, FactKind::LoopsWithIrqsOff { function });
            }
            Some(Class::Lock) => {
                let caller = dump.context.frames.get(1).cloned().unwrap_or(function);
                let kind = FactKind::LockWithIrqsOff { function: caller };
                match is_hard {
                    true => evidence.add_silent(cpu, dump.line, kind),
                    false => evidence.add(cpu, dump.line, Weight::Hint, kind),
                }
            }
            _ => {}
        }
    }
}

/// The per-CPU area that waiters' registers point into.
pub(super) fn pointers(scene: &Scene, evidence: &mut Evidence) {
    let Some(pointed) = pointer::find(scene) else { return };
    let last = pointed.lines.iter().copied().max().unwrap_or_default();
    let line = pointed.lines.first().copied().unwrap_or_default();
    if scene.takes_interrupts_after(pointed.cpu, last)
        || evidence.waiters.contains_key(&pointed.cpu)
    {
        return;
    }
    let kind = FactKind::PerCpuPointer { register: pointed.register, waiters: pointed.waiters };
    evidence.add(pointed.cpu, line, Weight::Likely, kind);
}

/// All CPUs but one reported themselves while they wait: with interrupts on they answer, so they wait for that one.
pub(super) fn only_one_left(scene: &Scene, evidence: &mut Evidence) {
    let is_known = |cpus: &u32| scene.offline.is_empty() && (2..=4096).contains(cpus);
    let Some(nr_cpus) = scene.nr_cpus.filter(is_known) else { return };
    let on = |dump: &&Dump| {
        let waits = dump.class == Some(Class::Waiter) && dump.irqs_off == Some(false);
        dump.why == Why::SoftLockup && dump.is_whole && waits && dump.cpu.0 < nr_cpus
    };
    let mut waiting: BTreeMap<CpuId, usize> = BTreeMap::new();
    for dump in scene.dumps.iter().filter(on) {
        waiting.entry(dump.cpu).or_insert(dump.line);
    }
    if waiting.len() as u64 + 1 != u64::from(nr_cpus) {
        return;
    }
    let left = (0..nr_cpus).map(CpuId).find(|cpu| !waiting.contains_key(cpu));
    let last = waiting.values().max().copied();
    let Some((cpu, line)) = left.zip(last) else { return };
    if scene.takes_interrupts_after(cpu, line) || scene.soft.iter().any(|report| report.cpu == cpu)
    {
        return;
    }
    evidence.add(cpu, line, Weight::Likely, FactKind::OnlyOneLeft { nr_cpus });
}

/// Many CPUs in one lock.
pub(super) fn convoy(scene: &Scene, evidence: &mut Evidence) {
    const MANY: usize = 2;
    let locked =
        scene.dumps.iter().filter(|dump| dump.class == Some(Class::Lock) && dump.why != Why::Oops);
    let cpus: BTreeSet<CpuId> = locked.map(|dump| dump.cpu).collect();
    if cpus.len() >= MANY {
        evidence.caveats.push(Caveat::Convoy { cpus: cpus.into_iter().collect() });
    }
}
