//! What a model may say and do: `note`, `call`, `expect`, `relax`; and how an execution ends early.

use std::fmt;
use std::panic::{Location, resume_unwind};
use std::thread::panicking;

use softlockup::sync::Site;

use super::log::{Kind, Step, What};
use super::{CPU, this_cpu, with};
use crate::engines;
use crate::search::progress;

/// Operations of one CPU without a `relax` between them. More is a loop that never takes an interrupt.
const MAX_BUSY: u32 = 1_000;
/// Relaxes of every live CPU during which nothing changes. More is a wait for ever.
const MAX_IDLE: u32 = 12;
/// Relaxes of one CPU. More is an execution in which the engine lets one CPU wait and wait: unfair, not wrong.
const MAX_RELAXES: u32 = 60;
/// Relaxes of one CPU after stale looks: loom lets it overlook a store for ever, and no machine does.
const MAX_STALE: u32 = 2;

/// Unwinds a CPU whose execution is over.
pub(crate) struct Stop;

/// Ends this CPU's part in an execution that is over. No panic is reported.
pub(crate) fn stop() -> ! {
    resume_unwind(Box::new(Stop));
}

fn stop_if_over() {
    if !panicking() && with(|execution| execution.is_over()) {
        stop();
    }
}

/// Runs one operation of the engine. Another CPU may run meanwhile. `None`: this CPU is being unwound, and the
/// operation did not happen.
pub(crate) fn switching<R>(at: Site, operation: impl FnOnce() -> R) -> Option<R> {
    if panicking() {
        return None;
    }
    let busy = with(|execution| {
        let cpu = execution.me();
        cpu.busy += 1;
        cpu.busy
    });
    if busy > MAX_BUSY {
        fail(Kind::Spins, at, What::Fail("goes round and round without `relax`".into()));
        stop();
    }
    let me = this_cpu();
    let result = operation();
    CPU.set(me);
    stop_if_over();
    progress::operation();
    Some(result)
}

/// What [`ThisCpu::relax`](softlockup::ThisCpu::relax) does in a model.
#[track_caller]
pub(crate) fn relax() {
    let at = Location::caller();
    if panicking() {
        return;
    }
    let (stuck, unfair) = with(|execution| {
        execution.push(at, What::Relax);
        let cpu = execution.me();
        cpu.busy = 0;
        cpu.relaxes += 1;
        if std::mem::take(&mut cpu.saw_stale) {
            cpu.stale_relaxes += 1;
            cpu.idle_relaxes = 0;
        } else {
            cpu.idle_relaxes += 1;
        }
        let unfair = cpu.relaxes > MAX_RELAXES || cpu.stale_relaxes > MAX_STALE;
        let stuck = execution.cpus.iter().all(|cpu| !cpu.live || cpu.idle_relaxes >= MAX_IDLE);
        (stuck, unfair)
    });
    if stuck {
        fail(Kind::WaitsForEver, at, What::Fail("waits for ever".into()));
        stop();
    }
    if unfair {
        with(|execution| execution.given_up = true);
        stop();
    }
    let me = this_cpu();
    engines::current().relax();
    CPU.set(me);
    stop_if_over();
    progress::operation(); // not if it is over: code that goes on all the same hangs
}

/// A remark of the model, for the learner.
#[track_caller]
pub(crate) fn note(text: impl Into<String>) {
    note_at(Location::caller(), text.into());
}

pub(super) fn note_at(at: Site, text: String) {
    with(|execution| execution.push(at, What::Note(text)));
}

/// A call into the learner's part: one row, if no other CPU did anything meanwhile.
#[track_caller]
pub(crate) fn call<R: fmt::Debug>(what: &'static str, code: impl FnOnce() -> R) -> R {
    let at = Location::caller();
    progress::enters(what);
    with(|execution| execution.push(at, What::Call(what)));
    let result = code();
    let text = format!("{result:?}");
    let text = if text == "()" { String::new() } else { format!(" = {text}") };
    with(|execution| execution.push(at, What::Return(text)));
    result
}

/// A rule: it must hold here.
#[track_caller]
pub(crate) fn expect(holds: bool, otherwise: impl FnOnce() -> String) {
    if !holds {
        fail(Kind::Broken, Location::caller(), What::Fail(otherwise()));
        stop();
    }
}

/// The execution went wrong, unless it did before. The step that says so is logged, however long the log is.
pub(crate) fn fail(kind: Kind, at: Site, what: What) {
    with(|execution| {
        if !execution.is_over() {
            execution.log.push(Step { cpu: this_cpu(), at, what });
            execution.failed = Some(kind);
        }
    });
}
