//! shuttle as a checker: sequentially consistent memory, and therefore more CPUs and longer models.
//!
//! shuttle decides who runs; what an atomic holds is kept in `execution::memory`. That a weak ordering is refused all
//! the same is the work of the vector clocks. What they cannot judge is store buffering: only loom can.

use std::cell::RefCell;
use std::rc::Rc;

use ::shuttle::sync::atomic::AtomicBool;
use ::shuttle::thread;
use softlockup::sync::{Engine, Ordering, Site, Update};

use super::Checker;
use crate::execution::cpus::Body;
use crate::execution::data::is_ordered_by_clocks;
use crate::execution::memory::{
    did_fence, did_read, did_store, did_update, new_atomic, new_store, newest, value_of,
};
use crate::execution::steps::switching;

/// shuttle.
#[derive(Debug)]
pub(crate) struct Shuttle;

thread_local! {
    /// Reading it is a place where another CPU may come. (`yield_now` would ask for one.)
    static SWITCH: RefCell<Option<Rc<AtomicBool>>> = const { RefCell::new(None) };
}

fn switch() {
    let switch = SWITCH.with_borrow(Clone::clone).expect("an execution has begun");
    switch.load(Ordering::SeqCst);
}

impl Checker for Shuttle {
    fn begin(&self) {
        SWITCH.set(Some(Rc::new(AtomicBool::new(false))));
    }

    fn end(&self) {
        SWITCH.set(None);
    }

    fn run_all(&self, bodies: Vec<Body>) {
        let cpus: Vec<_> = bodies.into_iter().map(thread::spawn).collect();
        for cpu in cpus {
            cpu.join().expect("a body catches its panics");
        }
    }

    fn relax(&self) {
        thread::yield_now();
    }

    fn new_data(&self) {}

    fn is_ordered(&self, data: usize, writes: bool, at: Site) -> Option<bool> {
        switching(at, switch)?;
        Some(is_ordered_by_clocks(data, writes))
    }
}

impl Engine for Shuttle {
    fn atomic(&self, value: u64) -> u32 {
        new_atomic(value)
    }

    fn load(&self, it: u32, order: Ordering, at: Site) -> u64 {
        if switching(at, switch).is_none() {
            return 0;
        }
        let store = newest(it);
        did_read(at, it, "load", order, store);
        value_of(it, store)
    }

    fn store(&self, it: u32, value: u64, order: Ordering, at: Site) {
        if switching(at, switch).is_some() {
            did_store(at, it, order, new_store(it, value));
        }
    }

    fn update(&self, it: u32, update: Update<'_>, at: Site) -> Result<u64, u64> {
        if switching(at, switch).is_none() {
            return Ok(0);
        }
        let old = newest(it);
        let value = value_of(it, old);
        if (update.change)(value).is_some() {
            return Ok(did_update(at, it, update, old, new_store(it, 0)));
        }
        did_read(at, it, update.name, update.failure.unwrap_or(update.order), old);
        Err(value)
    }

    fn fence(&self, order: Ordering, at: Site) {
        if switching(at, switch).is_some() {
            did_fence(at, order);
        }
    }
}
