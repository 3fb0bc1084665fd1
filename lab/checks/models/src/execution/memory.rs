//! The atomics of an execution: every store has a number, so that a read tells which store it saw.
//!
//! An engine says what an operation read and wrote; what is known by that (clocks, staleness) is worked out here. The
//! clocks follow the *declared* orderings: a store that releases hands on its CPU's clock, a read that acquires takes
//! it, a read-modify-write continues the release sequence, and fences do it for the relaxed accesses around them.
//!
//! loom's memory has two gaps. It lets two read-modify-writes read one store; and it lets a CPU overlook a store of
//! which it knows, if read-modify-writes came before that. No machine does either: such an execution is given up.

use std::mem;

use softlockup::sync::{Ordering, Site, Update};

use super::clock::VectorClock;
use super::log::{Access, Read, What, acquires, releases};
use super::steps::stop;
use super::{Execution, this_cpu, with};

/// Names a store to one atomic.
pub(crate) type StoreId = usize;

/// One atomic.
#[derive(Debug, Default)]
pub(super) struct Atomic {
    stores: Vec<Store>,
    newest: StoreId,
}

#[derive(Clone, Copy, Debug, Default)]
struct Store {
    value: u64,
    /// Its place in the log.
    step: Option<usize>,
    /// What it hands on.
    clock: VectorClock,
    /// When it happened: a CPU whose clock is not smaller knows of it.
    stamp: VectorClock,
    /// What its CPU knew.
    knows: VectorClock,
    /// A read-modify-write read it. No second one can.
    followed: bool,
    /// The plain store from which an unbroken row of read-modify-writes leads to this one.
    base: StoreId,
}

/// Makes an atomic.
pub(crate) fn new_atomic(value: u64) -> u32 {
    with(|execution| {
        let clock = execution.me().clock;
        let stores = vec![Store { value, clock, ..Store::default() }];
        execution.atomics.push(Atomic { stores, newest: 0 });
        u32::try_from(execution.atomics.len() - 1).expect("a model has few atomics")
    })
}

/// A number for a store that may happen.
pub(crate) fn new_store(atomic: u32, value: u64) -> StoreId {
    with(|execution| {
        let stores = &mut execution.atomics[atomic as usize].stores;
        let id = stores.len();
        stores.push(Store { value, base: id, ..Store::default() });
        id
    })
}

/// What a store stored.
pub(crate) fn value_of(atomic: u32, store: StoreId) -> u64 {
    with(|execution| execution.atomics[atomic as usize].stores[store].value)
}

/// The newest store.
pub(crate) fn newest(atomic: u32) -> StoreId {
    with(|execution| execution.atomics[atomic as usize].newest)
}

/// An operation read `store` and wrote nothing.
pub(crate) fn did_read(at: Site, atomic: u32, name: &'static str, order: Ordering, store: StoreId) {
    let impossible = with(|execution| {
        let read = execution.read(atomic, store, order);
        execution.push(at, What::Access(Access { name, order, read: Some(read), wrote: None }));
        execution.given_up
    });
    if impossible {
        stop();
    }
}

/// `store` happened.
pub(crate) fn did_store(at: Site, atomic: u32, order: Ordering, store: StoreId) {
    with(|execution| {
        execution.release(atomic, store, order, None);
        let step = execution.next_step();
        let it = &mut execution.atomics[atomic as usize];
        let changes = it.stores[it.newest].value != it.stores[store].value;
        it.newest = store;
        it.stores[store].step = step;
        let wrote = Some(it.stores[store].value);
        if changes {
            execution.changed();
        }
        execution.push(at, What::Access(Access { name: "store", order, read: None, wrote }));
    });
}

/// A read-modify-write read `old` and stored `new`, whose value becomes known now.
pub(crate) fn did_update(
    at: Site,
    atomic: u32,
    update: Update<'_>,
    old: StoreId,
    new: StoreId,
) -> u64 {
    let Update { name, order, change, .. } = update;
    let value = value_of(atomic, old);
    let wrote = change(value).expect("the engine saw that it writes");
    let impossible = with(|execution| {
        let read = execution.read(atomic, old, order);
        execution.release(atomic, new, order, Some(old));
        let step = execution.next_step();
        let it = &mut execution.atomics[atomic as usize];
        if it.newest == old {
            it.newest = new;
        }
        it.stores[new].value = wrote;
        it.stores[new].step = step;
        it.stores[new].base = it.stores[old].base;
        let impossible = mem::replace(&mut it.stores[old].followed, true);
        if wrote != value {
            execution.changed();
        }
        let access = Access { name, order, read: Some(read), wrote: Some(wrote) };
        execution.push(at, What::Access(access));
        execution.given_up |= impossible;
        execution.given_up
    });
    if impossible {
        stop();
    }
    value
}

/// A fence happened.
pub(crate) fn did_fence(at: Site, order: Ordering) {
    with(|execution| {
        let me = this_cpu();
        let cpu = execution.me();
        if acquires(order) {
            cpu.clock.join(&cpu.relaxed_reads);
        }
        if releases(order) {
            cpu.released_by_fence = cpu.clock;
            cpu.clock.tick(me);
        }
        let fence = Access { name: "fence", order, read: None, wrote: None };
        execution.push(at, What::Access(fence));
    });
}

impl Execution {
    fn read(&mut self, atomic: u32, store: StoreId, order: Ordering) -> Read {
        let it = &self.atomics[atomic as usize];
        let Store { value, step, clock, .. } = it.stores[store];
        let newest = (it.newest != store).then(|| it.stores[it.newest].value);
        let cpu = self.me();
        cpu.saw_stale |= newest.is_some();
        cpu.relaxed_reads.join(&clock);
        if acquires(order) {
            cpu.clock.join(&clock);
        }
        let now = cpu.clock;
        self.given_up |= self.atomics[atomic as usize].overlooks(store, &now);
        Read { value, from: step, newest }
    }

    /// `store` hands on what its CPU releases, and what the store did that it `continues`.
    fn release(
        &mut self,
        atomic: u32,
        store: StoreId,
        order: Ordering,
        continues: Option<StoreId>,
    ) {
        let me = this_cpu();
        let cpu = self.me();
        let mut clock = if releases(order) { cpu.clock } else { cpu.released_by_fence };
        let (mut stamp, knows) = (VectorClock::default(), cpu.clock);
        stamp.mark(me, &knows);
        cpu.clock.tick(me); // after every store, so that stamps tell stores of one CPU apart
        let stores = &mut self.atomics[atomic as usize].stores;
        if let Some(before) = continues {
            clock.join(&stores[before].clock);
        }
        stores[store] = Store { clock, stamp, knows, ..stores[store] };
    }
}

impl Atomic {
    /// Whether a CPU that knows `now` must know better than to read `read`: it knows of a store that came after the
    /// base of that row, is not in it, and so came after all of it.
    fn overlooks(&self, read: StoreId, now: &VectorClock) -> bool {
        let base = self.stores[read].base;
        let after_base = |it: &Store| base == 0 || self.stores[base].stamp.is_before(&it.knows);
        let happened = |it: &&Store| it.step.is_some() && it.base != base;
        self.stores.iter().filter(happened).any(|it| it.stamp.is_before(now) && after_base(it))
    }
}
