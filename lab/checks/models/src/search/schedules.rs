//! Who runs next, under shuttle: every schedule with few preemptions, or some at random.
//!
//! shuttle's first task makes the model and waits for its CPUs. It is not a CPU: its steps are no choices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};

use super::strategy::Strategy;

/// Ends a search between two executions. Written and read on one thread.
#[derive(Debug, Default)]
pub(crate) struct Until {
    enough: AtomicBool,
    none_is_left: AtomicBool,
}

impl Until {
    /// No other execution is wanted.
    pub(crate) fn enough(&self) {
        self.enough.store(true, Relaxed);
    }

    /// Whether every schedule was run. (Of those at random, as many as were asked for.)
    pub(crate) fn none_is_left(&self) -> bool {
        self.none_is_left.load(Relaxed)
    }
}

/// Decides who runs.
#[derive(Debug)]
pub(crate) struct Schedules {
    choose: Choose,
    /// Executions that may still begin.
    left: usize,
    until: Arc<Until>,
}

#[derive(Debug)]
enum Choose {
    Bounded(Bounded),
    Random(Random),
}

impl Schedules {
    pub(crate) fn new(strategy: Strategy, executions: usize, until: Arc<Until>) -> Self {
        let choose = match strategy {
            Strategy::Preemptions(bound) => {
                Choose::Bounded(Bounded { bound, ..Default::default() })
            }
            Strategy::Random => Choose::Random(Random(1)),
        };
        Schedules { choose, left: executions, until }
    }
}

impl Scheduler for Schedules {
    fn new_execution(&mut self) -> Option<Schedule> {
        let more = match &mut self.choose {
            Choose::Bounded(bounded) => bounded.next(),
            Choose::Random(_) => self.left > 0,
        };
        if !more {
            self.until.none_is_left.store(true, Relaxed);
        }
        if self.left == 0 || self.until.enough.load(Relaxed) {
            return None;
        }
        self.left -= 1;
        more.then(|| Schedule::new(0))
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        is_yielding: bool,
    ) -> Option<TaskId> {
        let ids = || runnable.iter().map(|task| usize::from(task.id()));
        let mut cpus: Vec<usize> = ids().filter(|&id| id != 0).collect();
        let running = current.map(usize::from).filter(|&current| ids().any(|id| id == current));
        let next = match running {
            Some(0) => 0,
            _ if cpus.is_empty() => 0,
            _ => match &mut self.choose {
                Choose::Bounded(bounded) => bounded.choose(&mut cpus, running, is_yielding),
                Choose::Random(random) => cpus[random.below(cpus.len())],
            },
        };
        Some(TaskId::from(next))
    }

    fn next_u64(&mut self) -> u64 {
        0
    }
}

/// Depth first, every schedule with at most `bound` preemptions. A CPU that waits lets the next one run.
#[derive(Debug, Default)]
struct Bounded {
    bound: usize,
    /// The choices of the current execution: which, and of how many.
    path: Vec<(usize, usize)>,
    /// Choices made so far in it.
    depth: usize,
    preemptions: usize,
    started: bool,
}

impl Bounded {
    /// Goes on to the next schedule, if there is one.
    fn next(&mut self) -> bool {
        if self.started {
            while self.path.last().is_some_and(|&(taken, of)| taken + 1 == of) {
                self.path.pop();
            }
            match self.path.last_mut() {
                Some((taken, _)) => *taken += 1,
                None => return false,
            }
        }
        (self.started, self.depth, self.preemptions) = (true, 0, 0);
        true
    }

    fn choose(&mut self, cpus: &mut [usize], running: Option<usize>, is_yielding: bool) -> usize {
        if let Some(me) = running {
            let at = cpus.iter().position(|&cpu| cpu == me).expect("it can run");
            if is_yielding {
                return cpus[(at + 1) % cpus.len()];
            }
            if self.preemptions == self.bound {
                return me;
            }
            cpus.swap(0, at); // first of all: it goes on
        }
        if cpus.len() == 1 {
            return cpus[0];
        }
        if self.depth == self.path.len() {
            self.path.push((0, cpus.len()));
        }
        let next = cpus[self.path[self.depth].0];
        self.depth += 1;
        if running.is_some_and(|me| me != next) {
            self.preemptions += 1;
        }
        next
    }
}

/// Numbers that look random and are the same on every run: SplitMix64.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as usize % bound
    }
}
