//! # Exercise 10: whose fault?
//!
//! Five CPUs of the article were reported, and none of them was at fault. You get the records of a run: everything that
//! happened, on each CPU, in order. Say what was wrong, and with which CPUs.
//!
//! [`Machine::read`] has read them for you: it knows how the records leave each CPU. A CPU is stuck if it still waits
//! in the end, since more than [`TOO_LONG_NS`]. Go from each stuck CPU to the one that it waits for, and on, until you
//! come to a *root*. All roots of a run are of one kind here, and they are to blame:
//!
//! | the root | [`Cause`] |
//! |---|---|
//! | a ring: CPUs that wait for each other with their interrupts off (all of them are to blame) | `WaitingWithInterruptsOff` |
//! | a CPU that waits for itself | `SelfDeadlock` |
//! | it wants `die_lock`, and no CPU that lives holds it | `LeakedDieLock` |
//! | it waits for no CPU, and its interrupts are off | `InterruptsOff` |
//! | it took its timer, but not the interrupt that came before | `LostIpi` |
//! | none of these: it should have answered | `Unanswered` |
//!
//! If no CPU is stuck, the CPUs in [`Machine::slow`] are to blame, for `SlowCpu`. If there are none: `Cause::None`, no
//! CPU.
//!
//! In the book: `book/src/why-that-function.md`.
//!
//! Predict first: `cargo lab predict ex10.reported CPU`. Grade it: `cargo lab check ex10`. A hint: `cargo lab hint
//! ex10`. See its answers beside the reports: `cargo lab replay ex10`.

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
    fn read(records: &[Record]) -> Self {
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
    let _ = machine;
    todo!("follow each stuck CPU to its root, and say of which kind the roots are")
}
