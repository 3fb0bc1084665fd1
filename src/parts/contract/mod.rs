//! The rules of each part, written once.
//!
//! A rule is a function, generic over the part. So the shipped parts, an exercise, its solution and every known wrong
//! answer go through the same code. A rule takes the part, or a function that makes a new one. One rule is one sentence:
//! what it refuses has broken that sentence, and [`Broken`] says with which values.
//!
//! Each module has `all`: the rules that every part of its kind must keep. The other rules tell the policies apart, and
//! each module says which those are.
//!
//! The rules need no threads. They run on a [`FakeCpu`], which reports a wait that does not end. Faults that only show
//! between CPUs that run at once (orderings, lost wake-ups) are model-checked in `tests/loom.rs`. A loop that never asks
//! anything of its CPU hangs the rule as it hangs the machine; and a part that panics panics through the rule.

pub mod call_many;
pub mod call_queue;
pub mod csd_lock;
pub mod csd_stall;
pub mod die_chain;
pub mod die_lock;
pub mod hardlockup;
pub mod host;
pub mod irq_state;
pub mod softlockup;

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::cpumask::CpuId;
use crate::parts::fake_cpu::{FakeCpu, Stuck};
use crate::parts::this_cpu::ThisCpu;
use crate::time::KernelTime;

/// A rule that a part broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The rule, as a sentence.
    pub rule: &'static str,
    /// What happened instead.
    pub happened: String,
    /// Why the rule matters on a real machine.
    pub why: &'static str,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; but {}. {}", self.rule, self.happened, self.why)
    }
}

impl std::error::Error for Broken {}

/// A rule that is being checked: its sentence, and the reason why it matters.
struct Rule(&'static str, &'static str);

impl Rule {
    fn expect<T: PartialEq + fmt::Debug>(
        &self,
        what: &str,
        seen: Result<T, Stuck>,
        want: T,
    ) -> Result<(), Broken> {
        match seen {
            Ok(got) => self.equal(what, got, want),
            Err(stuck) => self.broken(format!("{what}: {stuck}")),
        }
    }

    fn equal<T: PartialEq + fmt::Debug>(&self, what: &str, got: T, want: T) -> Result<(), Broken> {
        self.check(got == want, || format!("{what} gave {got:?} and not {want:?}"))
    }

    /// The wait must have lasted until another CPU ended it, and then have given `want`.
    fn expect_wait<T: PartialEq + fmt::Debug>(
        &self,
        what: &str,
        waited: Waited<T>,
        want: T,
    ) -> Result<(), Broken> {
        let Waited { ended_at, looks, time, came_back } = waited;
        match came_back {
            Ok(got) if looks < ended_at => self.broken(format!(
                "{what} came back too early, after {looks} looks and {time} s (it gave {got:?})"
            )),
            Err(_) if looks >= ended_at => {
                let more = looks - ended_at;
                self.broken(format!("{what} still waits {more} looks after it could go on"))
            }
            came_back => self.expect(what, came_back, want),
        }
    }

    fn check(&self, holds: bool, happened: impl FnOnce() -> String) -> Result<(), Broken> {
        if holds { Ok(()) } else { self.broken(happened()) }
    }

    fn broken<T>(&self, happened: String) -> Result<T, Broken> {
        Err(Broken { rule: self.0, happened, why: self.1 })
    }
}

/// A long wait ends at this look: 500 s, if each look takes [`SLOW_LOOK_NS`]. A wait that gives up does so before.
const LONG_WAIT: u32 = 50_000;

/// A short wait ends at this look.
const SHORT_WAIT: u32 = 3;

/// The looks of a CPU that has patience.
const PATIENCE: u32 = 2 * LONG_WAIT;

/// How long each of them takes.
const SLOW_LOOK_NS: u64 = 10_000_000;

/// A wait that another CPU ends at one of the waiting CPU's looks. So no wait is given up, and a lock that queues its
/// waiters is judged fairly.
struct Waited<T> {
    /// The look at which the other CPU ended it.
    ended_at: u32,
    /// How many looks there were.
    looks: u32,
    /// How much kernel time they took.
    time: KernelTime,
    came_back: Result<T, Stuck>,
}

/// Lets `cpu` wait in `wait`; at its look `ended_at`, another CPU runs `end`.
fn wait_until<T>(
    cpu: CpuId,
    ended_at: u32,
    end: impl FnOnce(),
    wait: impl FnOnce(&FakeCpu<'_>) -> T,
) -> Waited<T> {
    let (looks, mut end) = (Cell::new(0), Some(end));
    let others = || {
        looks.set(looks.get() + 1);
        if looks.get() == ended_at
            && let Some(end) = end.take()
        {
            end();
        }
    };
    let cpu = FakeCpu::with_others(cpu, others).with_fuel(PATIENCE).with_look_ns(SLOW_LOOK_NS);
    let came_back = cpu.attempt(wait);
    Waited { ended_at, looks: looks.get(), time: cpu.now(), came_back }
}

/// The payload that unwinds to [`until_it_leaves`].
struct Left;

/// Unwinds a part that went astray, or whose task dies, to the rule that judges it.
fn leave() -> ! {
    resume_unwind(Box::new(Left))
}

/// Runs `code`. `None` if it ended in [`leave`].
fn until_it_leaves<T>(code: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(code)) {
        Ok(value) => Some(value),
        Err(payload) if payload.is::<Left>() => None,
        Err(panic) => resume_unwind(panic),
    }
}
