//! One execution of a model: what happened in it so far, whatever engine decides what happens next.
//!
//! One thread runs all CPUs of a model, one at a time, so an execution lives in a thread-local. `with` must not be held
//! while another CPU may come: an engine's operation does not happen inside it.

pub(crate) mod clock;
pub(crate) mod cpus;
pub(crate) mod data;
pub(crate) mod log;
pub(crate) mod memory;
pub(crate) mod steps;

use std::cell::{Cell, RefCell};

use softlockup::sync::Site;

use clock::{MAX_CPUS, VectorClock};
use data::DataState;
use log::{Kind, Step, What};
use memory::Atomic;

/// Steps after this many are not logged.
const MAX_STEPS: usize = 2_000;

/// One execution.
#[derive(Debug, Default)]
pub(crate) struct Execution {
    /// What happened.
    pub(crate) log: Vec<Step>,
    /// How it went wrong, if it did. It is over then.
    pub(crate) failed: Option<Kind>,
    /// No verdict comes of it: it is over before its end. (See `steps::relax` and `memory`.)
    pub(crate) given_up: bool,
    atomics: Vec<Atomic>,
    data: Vec<DataState>,
    cpus: [CpuState; MAX_CPUS],
}

/// What is known of one CPU.
#[derive(Debug, Default)]
struct CpuState {
    /// It runs, and is not through.
    live: bool,
    /// Operations since its last `relax`.
    busy: u32,
    relaxes: u32,
    /// Relaxes since anything changed.
    idle_relaxes: u32,
    /// Relaxes after a look that read a stale value.
    stale_relaxes: u32,
    saw_stale: bool,
    clock: VectorClock,
    /// What a fence would acquire.
    relaxed_reads: VectorClock,
    /// What the last release fence handed on.
    released_by_fence: VectorClock,
}

thread_local! {
    static EXECUTION: RefCell<Execution> = RefCell::default();
    static CPU: Cell<usize> = const { Cell::new(0) };
}

/// Looks at this thread's execution, or changes it.
fn with<R>(code: impl FnOnce(&mut Execution) -> R) -> R {
    EXECUTION.with_borrow_mut(code)
}

/// The CPU that runs now.
fn this_cpu() -> usize {
    CPU.get()
}

/// Begins an execution.
pub(crate) fn begin() {
    let mut execution = Execution::default();
    execution.cpus[0].clock.tick(0);
    EXECUTION.set(execution);
    CPU.set(0);
}

/// Ends the execution and hands it out.
pub(crate) fn end() -> Execution {
    EXECUTION.take()
}

impl Execution {
    fn is_over(&self) -> bool {
        self.failed.is_some() || self.given_up
    }

    fn push(&mut self, at: Site, what: What) {
        if self.log.len() < MAX_STEPS {
            self.log.push(Step { cpu: this_cpu(), at, what });
        }
    }

    /// The place in the log of the step that is pushed next.
    fn next_step(&self) -> Option<usize> {
        (self.log.len() < MAX_STEPS).then_some(self.log.len())
    }

    fn me(&mut self) -> &mut CpuState {
        &mut self.cpus[this_cpu()]
    }

    /// Something changed: a CPU that waits may go on.
    fn changed(&mut self) {
        for cpu in &mut self.cpus {
            cpu.idle_relaxes = 0;
        }
    }
}
