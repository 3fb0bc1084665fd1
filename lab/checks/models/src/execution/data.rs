//! Plain memory that a part protects: of every two accesses, one of them a write, one must happen before the other.

use std::fmt;
use std::panic::Location;
use std::sync::{Mutex, PoisonError};

use softlockup::sync::Site;

use super::clock::{MAX_CPUS, VectorClock};
use super::log::{Kind, Race, What};
use super::steps::{self, fail, stop};
use super::{this_cpu, with};
use crate::engines;

/// A word of plain memory. An engine looks for races on it.
#[derive(Debug)]
pub(crate) struct Data<T> {
    name: &'static str,
    id: usize,
    value: Mutex<T>, // never contended: all CPUs run on one thread, and no other CPU comes while it is locked
}

/// What happened to one `Data`.
#[derive(Debug, Default)]
pub(super) struct DataState {
    writes: VectorClock,
    reads: VectorClock,
    /// The last access of each CPU: its step, and whether it wrote.
    last: [Option<(Option<usize>, bool)>; MAX_CPUS],
}

impl<T: Copy + fmt::Debug> Data<T> {
    /// `name` is what a learner reads: "the answer".
    pub(crate) fn new(name: &'static str, value: T) -> Self {
        engines::current().new_data();
        let id = with(|execution| {
            let clock = execution.me().clock;
            execution.data.push(DataState { writes: clock, reads: clock, ..Default::default() });
            execution.data.len() - 1
        });
        Data { name, id, value: Mutex::new(value) }
    }

    /// Reads it.
    #[track_caller]
    pub(crate) fn get(&self) -> T {
        let at = Location::caller();
        self.access(at, false);
        let value = *self.value.lock().unwrap_or_else(PoisonError::into_inner);
        steps::note_at(at, format!("reads {} = {value:?}", self.name));
        value
    }

    /// Writes it.
    #[track_caller]
    pub(crate) fn set(&self, value: T) {
        let at = Location::caller();
        self.access(at, true);
        *self.value.lock().unwrap_or_else(PoisonError::into_inner) = value;
        steps::note_at(at, format!("writes {} = {value:?}", self.name));
    }

    fn access(&self, at: Site, writes: bool) {
        if std::thread::panicking() {
            return;
        }
        let ordered = engines::current().is_ordered(self.id, writes, at);
        let me = this_cpu();
        if ordered == Some(false) {
            let does = format!("{} {}", if writes { "writes" } else { "reads" }, self.name);
            let other = with(|execution| {
                let last = execution.data[self.id].last.iter().enumerate();
                let others = last.filter_map(|(cpu, last)| last.filter(|_| cpu != me));
                others.filter(|&(_, wrote)| writes || wrote).max().and_then(|(step, _)| step)
            });
            fail(Kind::Race, at, What::Race(Race { does, other }));
            stop();
        }
        with(|execution| {
            execution.data[self.id].last[me] = Some((execution.next_step(), writes));
            if writes {
                execution.changed();
            }
        });
    }
}

/// Whether this CPU's access comes after those that it must come after, by the clocks. Counts the access.
pub(crate) fn is_ordered_by_clocks(data: usize, writes: bool) -> bool {
    with(|execution| {
        let me = this_cpu();
        let now = execution.me().clock;
        let data = &mut execution.data[data];
        let ordered = data.writes.is_before(&now) && (!writes || data.reads.is_before(&now));
        if writes { &mut data.writes } else { &mut data.reads }.mark(me, &now);
        ordered
    })
}
