//! The CPUs of a model: each runs its body, and the engine decides which one goes on.

use std::panic::{AssertUnwindSafe, Location, catch_unwind};

use super::clock::MAX_CPUS;
use super::log::{Kind, What};
use super::steps::{Stop, fail, stop};
use super::{CPU, with};
use crate::engines;
use crate::search::panics;

/// What one CPU does.
pub(crate) type Body = Box<dyn FnOnce() + Send>;

/// Runs each body on a CPU of its own, and returns when all are through: what they did happened before.
pub(crate) fn on_cpus(bodies: Vec<Body>) {
    assert!(bodies.len() <= MAX_CPUS, "a model has at most {MAX_CPUS} CPUs");
    with(|execution| {
        let clock = execution.cpus[0].clock;
        for (i, cpu) in execution.cpus[..bodies.len()].iter_mut().enumerate() {
            cpu.live = true;
            cpu.clock = clock;
            cpu.clock.tick(i);
        }
    });
    let bodies = bodies.into_iter().enumerate();
    let bodies = bodies.map(|(cpu, body)| Box::new(move || run(cpu, body)) as Body).collect();
    engines::current().run_all(bodies);
    CPU.set(0);
    let over = with(|execution| {
        let clocks = execution.cpus.each_ref().map(|cpu| cpu.clock);
        clocks.iter().for_each(|clock| execution.cpus[0].clock.join(clock));
        execution.cpus[0].busy = 0;
        execution.is_over()
    });
    if over {
        stop();
    }
}

fn run(cpu: usize, body: Body) {
    CPU.set(cpu);
    if with(|execution| execution.is_over()) {
        return;
    }
    if let Err(payload) = catch_unwind(AssertUnwindSafe(body))
        && !payload.is::<Stop>()
    {
        fail(Kind::Panics, Location::caller(), What::Fail(panics::take_message()));
    }
    with(|execution| {
        execution.cpus[cpu].live = false;
        execution.changed();
    });
}
