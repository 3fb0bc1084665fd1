//! # Why it works
//!
//! - Each stuck CPU waits for one CPU, so from each one leads one way. It ends at a CPU that waits for none, or comes
//!   back to a CPU that it has met: a ring. To notice that, remember the way; a walk without memory goes round for
//!   ever.
//! - The way is followed to its end. One hop is enough in the article, where each victim waits for CPU 0 itself; in a
//!   chain the CPU in the middle is silent, and innocent.
//! - What the root is doing names the cause. A CPU that takes its timer has its interrupts on: if it did not take a
//!   call's interrupt that was sent before, that one never arrived.
//! - A lock whose holder is dead has no CPU that could give it back: that is a root too, and each CPU that wants it is
//!   one.
//! - If no CPU is stuck in the end, a long wait that is over tells of a CPU that was slow, and no more.
//!
//! The number of reports is no evidence. The culprit has its interrupts off, so it is the one that does not report.

use std::collections::{BTreeMap, BTreeSet};

use softlockup::incident::report::diagnosis::Cause;
use softlockup::time::NSEC_PER_SEC;
use softlockup::vector::Vector::{CallFunction, Timer};
use softlockup::{CpuId, Event, KernelTime, Record};

/// A wait that lasts longer than this is a sign that something is wrong.
pub const TOO_LONG_NS: u64 = 5 * NSEC_PER_SEC;

/// How the records leave one CPU.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Its waits for answers: for which CPU, since when. The last one is what it waits for now.
    pub waits: Vec<(CpuId, KernelTime)>,
    /// Since when it wants `die_lock` and has not got it. It waits for [`Machine::die_lock_holder`] then.
    pub wants_die_lock: Option<KernelTime>,
    /// Its interrupts are off.
    pub irqs_off: bool,
    /// An interrupt was sent to it for a call, and it has not taken that yet.
    pub unheard: bool,
    /// It took its timer's interrupt since then.
    pub took_its_timer: bool,
}

/// How the records leave the machine.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// Each CPU.
    pub cpus: BTreeMap<CpuId, Seen>,
    /// The CPU whose task holds `die_lock`. `None` also if that task is dead, and the lock is still held.
    pub die_lock_holder: Option<CpuId>,
    /// The CPUs that answered in the end, but so late that a caller waited for too long.
    pub slow: BTreeSet<CpuId>,
    /// The time of the last record.
    pub ended: KernelTime,
}

impl Machine {
    /// Reads the records.
    pub fn read(records: &[Record]) -> Self {
        let (mut machine, mut depth) = (Machine::default(), 0);
        for &Record { time, cpu, ref event, .. } in records {
            machine.ended = time;
            let seen = machine.cpus.entry(cpu).or_default();
            match *event {
                Event::IrqsOff => seen.irqs_off = true,
                Event::IrqsOn => seen.irqs_off = false,
                Event::IrqEnter { vector: Timer } => seen.took_its_timer = seen.unheard,
                Event::IrqEnter { vector: CallFunction } => seen.unheard = false,
                Event::CsdWait { on, .. } => seen.waits.push((on, time)),
                Event::CsdWaitEnd { on } => {
                    let began = seen.waits.pop().map_or(time, |wait| wait.1);
                    machine.slow.extend((time.ns_since(began) > TOO_LONG_NS).then_some(on));
                }
                Event::DieLock => seen.wants_die_lock = Some(time),
                Event::DieLockHeld { depth: level } => {
                    seen.wants_die_lock = None;
                    (machine.die_lock_holder, depth) = (Some(cpu), level);
                }
                Event::DieUnlock => depth = u32::saturating_sub(depth, 1),
                Event::TaskEnd { .. } => {
                    seen.waits.clear();
                    seen.wants_die_lock = None;
                }
                Event::IpiSend { to, vector: CallFunction } => {
                    let to = machine.cpus.entry(to).or_default();
                    (to.took_its_timer, to.unheard) = (to.took_its_timer && to.unheard, true);
                }
                _ => {}
            }
            let dies = matches!(event, Event::TaskEnd { killed: true });
            if depth == 0 || dies && machine.die_lock_holder == Some(cpu) {
                machine.die_lock_holder = None;
            }
        }
        machine
    }
}

/// What was wrong, and which CPUs are to blame, each once.
pub fn diagnose(records: &[Record]) -> (Cause, Vec<CpuId>) {
    let machine = Machine::read(records);
    let (mut cause, mut blamed) = (Cause::None, BTreeSet::new());
    for (&cpu, seen) in &machine.cpus {
        let since = seen.waits.last().map(|wait| wait.1).or(seen.wants_die_lock);
        if since.is_some_and(|since| machine.ended.ns_since(since) > TOO_LONG_NS) {
            let root = machine.root(cpu);
            cause = machine.cause(&root);
            blamed.extend(root);
        }
    }
    if blamed.is_empty() && !machine.slow.is_empty() {
        (cause, blamed) = (Cause::SlowCpu, machine.slow);
    }
    (cause, blamed.into_iter().collect())
}

impl Machine {
    /// The CPU that `cpu` waits for.
    pub fn waits_for(&self, cpu: CpuId) -> Option<CpuId> {
        let seen = self.cpus.get(&cpu)?;
        let wait = seen.waits.last().map(|wait| wait.0);
        wait.or(seen.wants_die_lock.and(self.die_lock_holder))
    }

    /// Where the way from `start` ends: at one CPU, or in a ring.
    pub fn root(&self, start: CpuId) -> Vec<CpuId> {
        let mut way = vec![start];
        while let Some(next) = self.waits_for(way[way.len() - 1]) {
            if let Some(entered) = way.iter().position(|&cpu| cpu == next) {
                return way.split_off(entered);
            }
            way.push(next);
        }
        way.split_off(way.len() - 1)
    }

    /// What a root is doing.
    pub fn cause(&self, root: &[CpuId]) -> Cause {
        let seen = &self.cpus[&root[0]];
        match self.waits_for(root[0]) {
            Some(_) if root.len() > 1 && seen.irqs_off => Cause::WaitingWithInterruptsOff,
            Some(next) if next == root[0] => Cause::SelfDeadlock,
            None if seen.wants_die_lock.is_some() => Cause::LeakedDieLock,
            None if seen.irqs_off => Cause::InterruptsOff,
            _ if seen.unheard && seen.took_its_timer => Cause::LostIpi,
            _ => Cause::Unanswered,
        }
    }
}
