//! loom as a checker: every interleaving, and every stale value that the orderings permit.
//!
//! loom's atomics hold the *number of a store* and not the value. So a read tells which store it saw, who stored it,
//! and whether a newer one exists.
//!
//! Here it differs from loom used by itself:
//! - A SeqCst access has a SeqCst fence on both sides. loom takes such an access for AcqRel, and would refuse right
//!   code; fences it knows.
//! - No CPU is loom's main thread: `unpark` hands on what happened before it at once, and would hide a missing Acquire.
//! - No `join`: in loom 0.7.3 it prints (a forgotten `dbg!`).

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use ::loom::cell::UnsafeCell;
use ::loom::sync::atomic as checked;
use ::loom::thread;
use softlockup::sync::{Engine, Ordering, Site, Update};

use super::Checker;
use crate::execution::cpus::Body;
use crate::execution::memory::{
    did_fence, did_read, did_store, did_update, new_atomic, new_store, newest, value_of,
};
use crate::execution::steps::switching;
use crate::search::panics;

/// In words of 8 bytes: 128 KiB for each CPU.
const STACK_WORDS: usize = 0x4000;

/// loom.
#[derive(Debug)]
pub(crate) struct Loom;

#[derive(Default)]
struct Objects {
    atomics: Vec<Rc<checked::AtomicUsize>>,
    cells: Vec<Rc<UnsafeCell<()>>>,
}

thread_local! {
    static OBJECTS: RefCell<Objects> = RefCell::default();
}

fn atomic(number: u32) -> Rc<checked::AtomicUsize> {
    OBJECTS.with_borrow(|objects| Rc::clone(&objects.atomics[number as usize]))
}

fn strong<R>(order: Ordering, access: impl FnOnce() -> R) -> R {
    let fence = || {
        if order == Ordering::SeqCst {
            checked::fence(order);
        }
    };
    fence();
    let result = access();
    fence();
    result
}

impl Checker for Loom {
    fn begin(&self) {}

    fn end(&self) {
        drop(OBJECTS.take());
    }

    fn run_all(&self, bodies: Vec<Body>) {
        let (main, count) = (thread::current(), bodies.len());
        let done = Arc::new(AtomicUsize::new(0));
        for body in bodies {
            let (main, done) = (main.clone(), Arc::clone(&done));
            let spawned = thread::Builder::new().stack_size(STACK_WORDS).spawn(move || {
                body();
                done.fetch_add(1, Relaxed);
                main.unpark();
            });
            drop(spawned.expect("loom has room for every CPU"));
        }
        while done.load(Relaxed) < count {
            thread::park();
        }
    }

    fn relax(&self) {
        thread::yield_now();
    }

    fn new_data(&self) {
        OBJECTS.with_borrow_mut(|objects| objects.cells.push(Rc::new(UnsafeCell::new(()))));
    }

    /// loom's cell panics if not.
    fn is_ordered(&self, data: usize, writes: bool, at: Site) -> Option<bool> {
        let cell = OBJECTS.with_borrow(|objects| Rc::clone(&objects.cells[data]));
        let access = || if writes { cell.with_mut(|_| ()) } else { cell.with(|_| ()) };
        let ordered = switching(at, || catch_unwind(AssertUnwindSafe(access)).is_ok())?;
        if !ordered {
            panics::take_message();
        }
        Some(ordered)
    }
}

impl Engine for Loom {
    fn atomic(&self, value: u64) -> u32 {
        OBJECTS.with_borrow_mut(|objects| {
            objects.atomics.push(Rc::new(checked::AtomicUsize::new(0)));
        });
        new_atomic(value)
    }

    fn load(&self, it: u32, order: Ordering, at: Site) -> u64 {
        let Some(store) = switching(at, || strong(order, || atomic(it).load(order))) else {
            return 0;
        };
        did_read(at, it, "load", order, store);
        value_of(it, store)
    }

    fn store(&self, it: u32, value: u64, order: Ordering, at: Site) {
        let store = new_store(it, value);
        if switching(at, || strong(order, || atomic(it).store(store, order))).is_some() {
            did_store(at, it, order, store);
        }
    }

    fn update(&self, it: u32, update: Update<'_>, at: Site) -> Result<u64, u64> {
        let Update { name, order, failure, change } = update;
        let new = new_store(it, 0);
        let Some(failure) = failure else {
            let swap = || strong(order, || atomic(it).swap(new, order));
            return Ok(switching(at, swap).map_or(0, |old| did_update(at, it, update, old, new)));
        };
        // loom compares numbers. A store whose value does not fit has no number that is wanted; one that fits has, and
        // another CPU may store the same value under another number meanwhile: then the comparison is made again.
        let fits = |store| change(value_of(it, store)).is_some();
        let mut wanted = Some(newest(it)).filter(|&store| fits(store)).unwrap_or(usize::MAX);
        loop {
            let exchange = || atomic(it).compare_exchange(wanted, new, order, failure);
            match switching(at, || strong(order, exchange)) {
                None => return Ok(0),
                Some(Ok(old)) => return Ok(did_update(at, it, update, old, new)),
                Some(Err(old)) if fits(old) => wanted = old,
                Some(Err(old)) => {
                    did_read(at, it, name, failure, old);
                    return Err(value_of(it, old));
                }
            }
        }
    }

    fn fence(&self, order: Ordering, at: Site) {
        if switching(at, || checked::fence(order)).is_some() {
            did_fence(at, order);
        }
    }
}
