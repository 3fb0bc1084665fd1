//! The models of a [`DieLock`]: CPUs report oopses on one console.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use softlockup::parts::die_lock::DieLock;

use super::cpu::ModelCpu;
use crate::execution::cpus::{Body, on_cpus};
use crate::execution::data::Data;
use crate::execution::steps::{call, expect};
use crate::search::Model;

/// What becomes of an oops report.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Oops {
    /// Lock, unlock.
    Plain,
    /// Lock, lock, unlock, unlock.
    Nested,
    /// Lock, lock, unlock; and there the task dies.
    Killed,
}

const CPUS: &[&str] = &["CPU#0", "CPU#1", "CPU#2", "CPU#3"];
const PLAIN: &str =
    "one CPU at a time reports an oops, and it sees what the report before it printed";
const NESTED: &str = "a CPU that oopses inside its own report gets through, and no other CPU does";
const KILLED: &str = "a task that dies in a nested oops leaves the lock free, and in order";

/// The models, the smallest first.
pub(crate) fn models<D: DieLock>(new: fn() -> D, nests: bool) -> Vec<Model> {
    use Oops::{Killed, Nested, Plain};
    let model = |name, rule, oopses: &'static [&'static [Oops]]| {
        Model::new(name, rule, CPUS, move || reports(new, oopses))
    };
    let mut models = vec![
        model("die_lock/one-and-one", PLAIN, &[&[Plain], &[Plain]]),
        model("die_lock/two-and-one", PLAIN, &[&[Plain, Plain], &[Plain]]),
    ];
    if nests {
        models.extend([
            model("die_lock/nested-and-one", NESTED, &[&[Nested], &[Plain]]),
            model("die_lock/killed-and-one", KILLED, &[&[Killed], &[Plain]]),
            model("die_lock/nested-plain-and-one", NESTED, &[&[Nested, Plain], &[Plain]]),
            model("die_lock/killed-plain-and-one", KILLED, &[&[Killed, Plain], &[Plain]]),
            model("die_lock/three-nested", NESTED, &[&[Nested], &[Plain], &[Killed]])
                .without_loom(),
        ]);
    }
    models.push(
        model("die_lock/three", PLAIN, &[&[Plain, Plain], &[Plain], &[Plain]]).without_loom(),
    );
    models
}

/// Each CPU reports its oopses.
fn reports<D: DieLock>(new: fn() -> D, oopses: &'static [&'static [Oops]]) {
    let shared = Arc::new((new(), Data::new("the console", 0)));
    let printed = Arc::new(AtomicU32::new(0));
    let bodies = oopses.iter().enumerate().map(|(id, oopses)| {
        let (shared, printed) = (Arc::clone(&shared), Arc::clone(&printed));
        Box::new(move || {
            let (lock, console) = &*shared;
            let print = || {
                console.set(console.get() + 1);
                printed.fetch_add(1, Relaxed);
            };
            oopses.iter().for_each(|&oops| report(lock, &ModelCpu::new(id), oops, print));
        }) as Body
    });
    on_cpus(bodies.collect());
    let (lines, want) = (shared.1.get(), printed.load(Relaxed));
    expect(lines == want, || format!("{lines} lines are on the console, {want} were printed"));
}

fn report(lock: &impl DieLock, cpu: &ModelCpu, oops: Oops, print: impl Fn()) {
    let depth = |what, got: u32, want: u32| {
        expect(got == want, || format!("{what} gives depth {got}, not {want}"));
    };
    depth("lock", call("lock()", || lock.lock(cpu)), 1);
    print();
    if oops != Oops::Plain {
        depth("the nested lock", call("lock()", || lock.lock(cpu)), 2);
        print();
        depth("the inner unlock", call("unlock()", || lock.unlock(cpu)), 1);
        print(); // the outer report goes on: the lock must not be free yet
    }
    if oops != Oops::Killed {
        depth("unlock", call("unlock()", || lock.unlock(cpu)), 0);
    }
    call("task_exit()", || lock.task_exit(cpu));
}
