//! The per-CPU pointer: a waiter's registers say which CPU it waits for.
//!
//! A caller of `smp_call_function_many` has a `call_single_data` for each CPU that it calls, and it lies in the per-CPU
//! area *of the called CPU*. While the caller waits for one of them, its address is in a register. Per-CPU areas lie at
//! equal distances, so the address tells the CPU.
//!
//! x86 prints the base of the dumped CPU's own area, `GS`. Two dumps give the distance: ΔGS / ΔCPU. The awaited CPU is
//! own + ⌊(pointer − GS) / distance⌋.
//!
//! arm64 prints no base. But a register that grows by one distance per CPU from waiter to waiter points into each
//! waiter's own area: to its `cfd_data`, which is static, so it lies below the dynamic part where the
//! `call_single_data` is. So the same formula holds with that register for GS.
//!
//! A register can also hold what is left of an earlier step, such as the address for the *last* called CPU. So a name
//! needs a register that gives the same CPU in all waiters, and no register that gives another one.
//!
//! Areas are laid out per NUMA node, in the order of that node's CPUs. So they lie at equal distances only among CPUs
//! that are neighbours both by number and on their node. Where the kernel did not say that it has one node, dumps have to
//! show that the target lies within such a run.
//!
//! In Linux: `kernel/smp.c`, `smp_call_function_many_cond`, `cfd_data`; `mm/percpu.c`, `pcpu_embed_first_chunk`.

use std::collections::{BTreeMap, BTreeSet};

use crate::cpumask::CpuId;
use crate::dmesg::diagnosis::context::Class;
use crate::dmesg::diagnosis::dump::Dump;
use crate::dmesg::diagnosis::scene::Scene;

/// Whom the waiters' registers point at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pointed {
    pub(super) cpu: CpuId,
    /// The register that says so.
    pub(super) register: String,
    /// The dumps that say so.
    pub(super) lines: Vec<usize>,
    /// The CPUs whose registers they are.
    pub(super) waiters: Vec<CpuId>,
}

/// Per-CPU areas are multiples of a page, and lie this far apart at most. What is further apart is of two nodes.
const PAGE: u64 = 4096;
const MAX_DISTANCE: u64 = 1 << 26;

/// Registers that never hold what a program counts with.
const OTHER: [&str; 14] =
    ["CR0", "CR2", "CR3", "CR4", "CS", "DS", "ES", "SS", "FS", "GS", "knlGS", "RSP", "sp", "x29"];

/// The CPU that all waiters' registers point at, if they point at one.
pub(super) fn find(scene: &Scene) -> Option<Pointed> {
    if scene.is_instrumented {
        return None;
    }
    let waiters: Vec<&Dump> = scene.dumps.iter().filter(|dump| can_point(dump)).collect();
    let highest =
        scene.nr_cpus.map(|cpus| cpus.checked_sub(1)).unwrap_or_else(|| seen_cpus(scene))?;
    let has_gs = waiters.iter().any(|dump| dump.regs.get("GS").is_some());
    let base = if has_gs { Base::gs(&waiters, scene)? } else { Base::own_area(&waiters, scene)? };
    let mut by_register: BTreeMap<String, BTreeSet<i128>> = BTreeMap::new();
    for dump in &waiters {
        let base_of = dump.regs.get(&base.register)?;
        for (register, value) in dump.regs.iter().filter(|(name, _)| !OTHER.contains(name)) {
            let away = i128::from(value) - i128::from(base_of);
            let cpu = i128::from(dump.cpu.0) + away.div_euclid(i128::from(base.distance));
            let targets = by_register.entry(register.to_owned()).or_default();
            targets.insert(if (0..=i128::from(highest)).contains(&cpu) { cpu } else { -1 });
            // It points into the dumped CPU's own area: in this role it names no other.
            if cpu == i128::from(dump.cpu.0) {
                targets.insert(-1);
            }
        }
    }
    // A register that is an address in all of them but names two CPUs names none.
    let named = by_register.iter().filter(|(_, cpus)| cpus.len() == 1 && !cpus.contains(&-1));
    let named: Vec<(&String, i128)> =
        named.filter_map(|(register, cpus)| Some((register, *cpus.first()?))).collect();
    let alive = |cpu: i128| {
        let cpu = u32::try_from(cpu).map(CpuId);
        cpu.is_ok_and(|cpu| waiters.iter().any(|dump| dump.cpu == cpu))
    };
    // A CPU that waits itself, with interrupts on, answers.
    let named: Vec<_> = named.into_iter().filter(|(_, cpu)| !alive(*cpu)).collect();
    let (register, cpu) = named.first().copied()?;
    if named.iter().any(|(_, other)| *other != cpu) || !is_in_line(cpu, &base, &waiters, scene) {
        return None;
    }
    let mut cpus: Vec<_> = waiters.iter().map(|dump| dump.cpu).collect();
    cpus.sort();
    cpus.dedup();
    Some(Pointed {
        cpu: CpuId(u32::try_from(cpu).ok()?),
        register: register.clone(),
        lines: waiters.iter().map(|dump| dump.line).collect(),
        waiters: cpus,
    })
}

/// Whether the CPUs between a target and a dumped CPU are as many as the areas between them.
///
/// In Linux: `pcpu_build_alloc_info` groups the areas by node.
fn is_in_line(target: i128, base: &Base, waiters: &[&Dump], scene: &Scene) -> bool {
    if scene.nodes == Some(1) {
        return true;
    }
    let of_waiter = |dump: &&Dump| Some((dump.cpu, dump.regs.get(&base.register)?));
    let of_any = |dump: &Dump| Some((dump.cpu, dump.gs.filter(|_| base.register == "GS")?));
    let areas = waiters.iter().filter_map(of_waiter);
    let mut areas = areas.chain(scene.dumps.iter().filter_map(of_any));
    let Some((first, start)) = areas.next() else { return false };
    let fits = |&(cpu, area): &(CpuId, u64)| {
        let cpus = i128::from(cpu.0) - i128::from(first.0);
        i128::from(area) - i128::from(start) == cpus * i128::from(base.distance)
    };
    let mut run: BTreeSet<i128> = areas.filter(fits).map(|(cpu, _)| i128::from(cpu.0)).collect();
    run.insert(i128::from(first.0));
    // Two CPUs of one node with one of another between them make the distance too small.
    let is_known = scene.unit_size.is_some() || run.iter().any(|cpu| run.contains(&(cpu + 1)));
    // Below CPU 1 there is one CPU, however far apart the areas are.
    if target == 0 && run.contains(&1) {
        return true;
    }
    // Below 0 there is none: what is counted down to 0 cannot be further down.
    let is_within = run.range(target + 1..).next().is_some()
        && (target == 0 || run.range(..target).next().is_some());
    is_known && is_within
}

/// Whether the registers of a dump are those of a loop that waits for one CPU of many. `smp_call_function_single` may
/// wait for its own CPU's earlier call.
fn can_point(dump: &Dump) -> bool {
    const MANY: [&str; 5] = [
        "smp_call_function_many",
        "smp_call_function_many_cond",
        "__csd_lock_wait",
        "__cmpwait_case_32",
        "csd_lock_wait",
    ];
    let frames = &dump.context.frames;
    let first = frames.first().is_some_and(|frame| MANY.contains(&frame.as_str()));
    let many = frames.iter().take(3).any(|frame| frame.starts_with("smp_call_function_many"));
    let scrambles =
        |frame: &String| frame.starts_with("kasan_") || frame.starts_with("__sanitizer_cov");
    dump.is_whole
        && dump.class == Some(Class::Waiter)
        && dump.irqs_off == Some(false)
        && first
        && many
        && !frames.iter().any(scrambles)
        && dump.regs.len() >= 12
}

/// The highest CPU that the log mentions anywhere.
fn seen_cpus(scene: &Scene) -> Option<u32> {
    let signs = scene.signs.iter().map(|sign| sign.cpu.0);
    let dumps = scene.dumps.iter().map(|dump| dump.cpu.0);
    let hard = scene.hard.iter().map(|hard| hard.cpu.0);
    signs.chain(dumps).chain(hard).max()
}

/// A register with an address in the dumped CPU's own area, and how far apart the areas are.
struct Base {
    register: String,
    distance: u64,
}

impl Base {
    /// x86: `GS` is the area's base.
    fn gs(waiters: &[&Dump], scene: &Scene) -> Option<Base> {
        let register = "GS".to_owned();
        let distance = distance(waiters, "GS").or(scene.unit_size)?;
        let is_known = scene.unit_size.is_none_or(|unit| unit == distance);
        is_known.then_some(Base { register, distance })
    }

    /// Others: a register that grows by the same distance per CPU in all pairs of waiters.
    fn own_area(waiters: &[&Dump], scene: &Scene) -> Option<Base> {
        let names = waiters.first()?.regs.iter().map(|(name, _)| name.to_owned());
        let names = names.filter(|name| !OTHER.contains(&name.as_str()));
        let bases: Vec<Base> = names
            .filter_map(|register| Some(Base { distance: distance(waiters, &register)?, register }))
            .filter(|base| scene.unit_size.is_none_or(|unit| unit == base.distance))
            .collect();
        let distances: BTreeSet<u64> = bases.iter().map(|base| base.distance).collect();
        // The dynamic part lies above the static one: the lowest address is the safest.
        let lowest = |base: &Base| waiters[0].regs.get(&base.register);
        (distances.len() == 1).then(|| bases.into_iter().min_by_key(lowest))?
    }
}

/// By how much a register grows per CPU, if it is the same between all waiters and can be a distance of areas. It takes
/// two CPUs.
fn distance(waiters: &[&Dump], register: &str) -> Option<u64> {
    let first = waiters.first()?;
    let start = first.regs.get(register)?;
    let mut found = None;
    for dump in waiters {
        let value = dump.regs.get(register)?;
        let cpus = i128::from(dump.cpu.0) - i128::from(first.cpu.0);
        let grown = i128::from(value) - i128::from(start);
        if cpus == 0 {
            // The same CPU again: it waits for the same, or it is another wait.
            (grown == 0).then_some(())?;
            continue;
        }
        (grown % cpus == 0).then_some(())?;
        let per_cpu = u64::try_from(grown / cpus).ok()?;
        let is_distance = per_cpu % PAGE == 0 && (PAGE..=MAX_DISTANCE).contains(&per_cpu);
        is_distance.then_some(())?;
        (*found.get_or_insert(per_cpu) == per_cpu).then_some(())?;
    }
    found
}
