//! The models of an [`IrqState`]: CPUs raise vectors on CPU 0, whose handler takes them.

use std::sync::{Arc, Mutex, PoisonError};

use softlockup::parts::irq_state::IrqState;
use softlockup::sync::{AtomicBool, AtomicU32, Ordering::*, fence};

use crate::execution::cpus::{Body, on_cpus};
use crate::execution::data::Data;
use crate::execution::steps::{call, expect, note};
use crate::search::Model;

const CPUS: &[&str] = &["CPU#0 (is interrupted)", "CPU#1 (raises)", "CPU#2 (raises)"];
const ALL: u32 = u32::MAX;
const SEEN: &str =
    "what a CPU wrote before it raised a vector is visible to the handler that takes it";
const ONCE: &str = "a raised vector is taken once: none is lost, and none is taken twice";
const AGAIN: &str = "a vector that is raised while it is taken is taken now, or is still pending";
const MASKED: &str = "turning interrupts off and on loses no vector, and keeps them off meanwhile";
const ASLEEP: &str =
    "no CPU goes to sleep while a vector is pending that no other CPU will wake it for";

/// The models, the smallest first.
pub(crate) fn models<I: IrqState>(new: fn() -> I) -> Vec<Model> {
    vec![
        Model::new("irq_state/one", SEEN, CPUS, move || raised(new, &[3], Owner::Takes)),
        Model::new("irq_state/masked", MASKED, CPUS, move || raised(new, &[3], Owner::Masks)),
        Model::new("irq_state/again", AGAIN, CPUS, move || raised_again(new)),
        Model::new("irq_state/asleep", ASLEEP, CPUS, move || falls_asleep(new)),
        Model::new("irq_state/two", ONCE, CPUS, move || raised(new, &[1, 4], Owner::Takes)),
        Model::new("irq_state/two-masked", MASKED, CPUS, move || {
            raised(new, &[0, 7], Owner::Masks)
        })
        .without_loom(),
    ]
}

/// What the owner does while vectors are raised.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Owner {
    /// Takes what is pending, twice.
    Takes,
    /// Turns interrupts off and on, then takes.
    Masks,
}

/// Each vector is raised once, by a CPU of its own.
fn raised<I: IrqState>(new: fn() -> I, vectors: &'static [u32], does: Owner) {
    let irq =
        Arc::new((new(), vectors.iter().map(|_| Data::new("the cause", 0)).collect::<Vec<_>>()));
    let taken = Arc::new(Mutex::new(Vec::new()));
    let (owner, takes_into) = (Arc::clone(&irq), Arc::clone(&taken));
    let mut bodies: Vec<Body> = vec![Box::new(move || {
        let mut taken = Vec::new();
        if does == Owner::Masks {
            masked_section(&owner.0);
        } else {
            handle(&owner, vectors, &mut taken);
        }
        handle(&owner, vectors, &mut taken);
        *takes_into.lock().unwrap_or_else(PoisonError::into_inner) = taken;
    })];
    bodies.extend(vectors.iter().enumerate().map(|(i, &vector)| {
        let irq = Arc::clone(&irq);
        Box::new(move || {
            irq.1[i].set(vector + 10);
            call("raise()", || irq.0.raise(1 << vector));
            note(format!("raised vector {vector}"));
        }) as Body
    }));
    on_cpus(bodies);
    let mut taken = std::mem::take(&mut *taken.lock().unwrap_or_else(PoisonError::into_inner));
    while handle(&irq, vectors, &mut taken) {}
    for vector in vectors {
        expect(taken.contains(vector), || format!("vector {vector} was lost"));
    }
    expect(!irq.0.is_pending(ALL), || "something is pending that `take` does not give".into());
}

/// An interruption point. Returns whether a vector was taken.
fn handle<I: IrqState>(irq: &(I, Vec<Data<u32>>), vectors: &[u32], taken: &mut Vec<u32>) -> bool {
    let Some(bit) = call("take()", || irq.0.take(ALL)) else { return false };
    expect(bit.is_power_of_two(), || format!("`take` gave {bit:#x}: not one vector"));
    let vector = bit.trailing_zeros();
    note(format!("handles vector {vector}"));
    expect(!taken.contains(&vector), || format!("vector {vector} was taken twice"));
    taken.push(vector);
    match vectors.iter().position(|raised| *raised == vector) {
        Some(i) => _ = irq.1[i].get(),
        None => expect(false, || format!("vector {vector} was never raised")),
    }
    true
}

/// Off, off, on again as it was, on.
fn masked_section(irq: &impl IrqState) {
    let off = |want: bool| {
        let (is, word) = (call("is_off()", || irq.is_off()), if want { "off" } else { "on" });
        expect(is == want, || format!("interrupts should be {word}"));
    };
    let outer = call("save()", || irq.save());
    off(true);
    let inner = call("save()", || irq.save());
    expect(!outer && inner, || "`save` says whether interrupts were off before".into());
    call("restore()", || irq.restore(inner));
    off(true);
    call("restore()", || irq.restore(outer));
    off(false);
}

/// A call is posted, then its vector is raised; twice. What is posted lies in a word that the vector alone orders.
fn raised_again<I: IrqState>(new: fn() -> I) {
    let raises = Arc::new((new(), AtomicU32::new(0)));
    let takes = Arc::clone(&raises);
    let seen = Arc::new(Mutex::new(0));
    let (shared, sees) = (Arc::clone(&raises), Arc::clone(&seen));
    on_cpus(vec![
        Box::new(move || {
            if call("take()", || takes.0.take(ALL)).is_some() {
                let posted = takes.1.load(Relaxed);
                note(format!("handles the vector: {posted} were posted"));
                *sees.lock().unwrap_or_else(PoisonError::into_inner) = posted;
            }
        }),
        Box::new(move || {
            for post in 1..=2 {
                raises.1.store(post, Relaxed);
                note(format!("posts number {post}"));
                call("raise()", || raises.0.raise(1 << 3));
            }
        }),
    ]);
    let mut seen = *seen.lock().unwrap_or_else(PoisonError::into_inner);
    if call("take()", || shared.0.take(ALL)).is_some() {
        seen = shared.1.load(Relaxed);
    }
    expect(seen == 2, || format!("the handler saw {seen} of 2 posts: the last raise was lost"));
}

/// The owner lies down and looks once more; a CPU raises a vector and looks whether the owner sleeps. The fences are
/// the machine's, as in `hardware/clock/sleeper.rs`: one of the two must see what the other one did.
fn falls_asleep<I: IrqState>(new: fn() -> I) {
    let owner = Arc::new((new(), AtomicBool::new(false)));
    let raises = Arc::clone(&owner);
    let outcome = Arc::new((Mutex::new(true), Mutex::new(false)));
    let (pending, woken) = (Arc::clone(&outcome), Arc::clone(&outcome));
    on_cpus(vec![
        Box::new(move || {
            owner.1.store(true, Relaxed);
            fence(SeqCst);
            note("lies down, looks once more");
            let sees = call("is_pending()", || owner.0.is_pending(ALL));
            note(if sees { "sees a vector: gets up" } else { "sees no vector: sleeps" });
            *pending.0.lock().unwrap_or_else(PoisonError::into_inner) = sees;
        }),
        Box::new(move || {
            call("raise()", || raises.0.raise(1 << 3));
            fence(SeqCst);
            let asleep = raises.1.load(Relaxed);
            note(if asleep { "sees it asleep: wakes it" } else { "sees it awake: wakes it not" });
            *woken.1.lock().unwrap_or_else(PoisonError::into_inner) = asleep;
        }),
    ]);
    let pending = *outcome.0.lock().unwrap_or_else(PoisonError::into_inner);
    let woken = *outcome.1.lock().unwrap_or_else(PoisonError::into_inner);
    expect(pending || woken, || "CPU#0 sleeps, vector 3 is pending, and no CPU wakes it".into());
}
