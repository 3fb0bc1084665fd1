//! Call queues, right and wrong.

use std::sync::{Mutex, PoisonError};

use checks::models::{Verdict, call_queue};
use softlockup::parts::call_queue::{CallQueue, CsdId, KernelCallQueue, Links};
use softlockup::sync::{AtomicU32, Ordering, Ordering::*, fence};

use crate::verdicts::{right, wrong};

fn decode(word: u32) -> Option<CsdId> {
    word.checked_sub(1).map(CsdId)
}

#[test]
fn the_kernels_is_right() {
    right(|| call_queue(KernelCallQueue::default));
}

/// The kernel's list, with these orderings and at most one mistake.
struct List<const MISTAKE: u32> {
    first: AtomicU32,
    push: Ordering,
    take: Ordering,
}

const NONE: u32 = 0;
const SWAP_AFTER_LOAD: u32 = 1;
const LAST_IN_FIRST_OUT: u32 = 2;
const NEVER_AN_IPI: u32 = 3;
const TAKES_IN_TWO_STEPS: u32 = 4;
const LINKS_TOO_LATE: u32 = 5;
const TAKES_ONE: u32 = 6;
const LOOKS_BEFORE: u32 = 7;

impl<const MISTAKE: u32> Default for List<MISTAKE> {
    fn default() -> Self {
        List { first: AtomicU32::new(0), push: Release, take: Acquire }
    }
}

impl<const MISTAKE: u32> CallQueue for List<MISTAKE> {
    fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
        let was_empty_before = self.first.load(Relaxed) == 0;
        loop {
            let first = self.first.load(Relaxed);
            if MISTAKE != LINKS_TOO_LATE {
                links.link(csd).set(decode(first));
            }
            if MISTAKE == SWAP_AFTER_LOAD {
                self.first.swap(csd.0 + 1, self.push);
                return first == 0;
            }
            if self.first.compare_exchange(first, csd.0 + 1, self.push, Relaxed).is_ok() {
                if MISTAKE == LINKS_TOO_LATE {
                    links.link(csd).set(decode(first));
                }
                return match MISTAKE {
                    NEVER_AN_IPI => false,
                    LOOKS_BEFORE => was_empty_before,
                    _ => first == 0,
                };
            }
        }
    }

    fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        let newest = match MISTAKE {
            TAKES_IN_TWO_STEPS => {
                let first = self.first.load(self.take);
                self.first.store(0, Relaxed);
                first
            }
            _ => self.first.swap(0, self.take),
        };
        let mut newest = decode(newest);
        if MISTAKE == LAST_IN_FIRST_OUT {
            return newest;
        }
        if MISTAKE == TAKES_ONE {
            links.link(newest?).set(None);
            return newest;
        }
        let mut oldest = None;
        while let Some(csd) = newest {
            newest = links.link(csd).get();
            links.link(csd).set(oldest);
            oldest = Some(csd);
        }
        oldest
    }
}

fn list(new: fn() -> List<NONE>) -> Verdict {
    call_queue(new)
}

#[test]
fn the_kernels_orderings_are_right() {
    right(|| list(List::default));
}

#[test]
fn stronger_orderings_are_right() {
    right(|| list(|| List { push: SeqCst, take: SeqCst, ..List::default() }));
}

#[test]
fn a_relaxed_push() {
    let (_, why) = wrong("RACE", || list(|| List { push: Relaxed, ..List::default() }));
    assert!(why.contains("Release does"), "{why}");
}

#[test]
fn a_relaxed_take() {
    let (_, why) = wrong("RACE", || list(|| List { take: Relaxed, ..List::default() }));
    assert!(why.contains("Acquire does"), "{why}");
}

#[test]
fn a_push_that_does_not_compare() {
    wrong("BROKEN", || call_queue(List::<SWAP_AFTER_LOAD>::default));
}

#[test]
fn last_in_first_out() {
    let (_, why) = wrong("BROKEN", || call_queue(List::<LAST_IN_FIRST_OUT>::default));
    assert!(why.contains("overtook"), "{why}");
}

#[test]
fn never_an_ipi() {
    let (_, why) = wrong("BROKEN", || call_queue(List::<NEVER_AN_IPI>::default));
    assert!(why.contains("stranded"), "{why}");
}

#[test]
fn a_lost_wake_up_because_it_looked_too_early() {
    let (_, why) = wrong("BROKEN", || call_queue(List::<LOOKS_BEFORE>::default));
    assert!(why.contains("stranded"), "{why}");
}

#[test]
fn a_take_in_two_steps() {
    wrong("BROKEN", || call_queue(List::<TAKES_IN_TWO_STEPS>::default));
}

#[test]
fn a_link_that_is_set_after_the_push() {
    wrong("", || call_queue(List::<LINKS_TOO_LATE>::default));
}

#[test]
fn taking_one_and_dropping_the_rest() {
    let (_, why) = wrong("BROKEN", || call_queue(List::<TAKES_ONE>::default));
    assert!(why.contains("lost"), "{why}");
}

/// A vector behind a std Mutex.
#[derive(Default)]
struct Locked(Mutex<Vec<u32>>);

fn take_list(calls: &[u32], links: &(impl Links + ?Sized)) -> Option<CsdId> {
    for two in calls.windows(2) {
        links.link(CsdId(two[0])).set(Some(CsdId(two[1])));
    }
    links.link(CsdId(*calls.last()?)).set(None);
    calls.first().map(|csd| CsdId(*csd))
}

impl CallQueue for Locked {
    fn push(&self, csd: CsdId, _: &(impl Links + ?Sized)) -> bool {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push(csd.0);
        calls.len() == 1
    }

    fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        take_list(&std::mem::take(&mut *calls), links)
    }
}

#[test]
fn a_std_mutex_that_orders_nothing_here() {
    wrong("RACE", || call_queue(Locked::default));
}

/// An atomic operation inside a std Mutex.
#[derive(Default)]
struct LockedOutside(Mutex<Vec<u32>>);

impl CallQueue for LockedOutside {
    fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        links.link(csd).set(None);
        calls.push(csd.0);
        calls.len() == 1
    }

    fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        take_list(&std::mem::take(&mut *calls), links)
    }
}

#[test]
fn an_atomic_operation_inside_a_std_mutex() {
    wrong("RACE", || call_queue(LockedOutside::default));
}

/// A spinlock around a list: `push` gets no CPU, so nothing in it can wait.
#[derive(Default)]
struct Spins {
    locked: AtomicU32,
    calls: List<NONE>,
}

impl CallQueue for Spins {
    fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
        while self.locked.compare_exchange(0, 1, Acquire, Relaxed).is_err() {}
        let was_empty = self.calls.push(csd, links);
        self.locked.store(0, Release);
        was_empty
    }

    fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        self.calls.take_all(links)
    }
}

#[test]
fn a_spinlock_in_push() {
    wrong("SPINS", || call_queue(Spins::default));
}

/// The kernel's list with fences, taken into a vector.
#[derive(Default)]
struct Fences {
    first: AtomicU32,
}

impl CallQueue for Fences {
    fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
        let mut first = 0;
        loop {
            links.link(csd).set(decode(first));
            fence(Release);
            match self.first.compare_exchange_weak(first, csd.0 + 1, Relaxed, Relaxed) {
                Ok(_) => return first == 0,
                Err(changed) => first = changed,
            }
        }
    }

    fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        let mut newest = decode(self.first.swap(0, Relaxed));
        fence(Acquire);
        let mut calls = Vec::new();
        while let Some(csd) = newest {
            calls.insert(0, csd.0);
            newest = links.link(csd).get();
        }
        take_list(&calls, links)
    }
}

#[test]
fn fences_and_a_vector_are_right() {
    right(|| call_queue(Fences::default));
}

/// By `fetch_update` and `fetch_and`.
#[derive(Default)]
struct Updates {
    first: AtomicU32,
}

impl CallQueue for Updates {
    fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
        let push = |first| {
            links.link(csd).set(decode(first));
            Some(csd.0 + 1)
        };
        self.first.fetch_update(AcqRel, Acquire, push) == Ok(0)
    }

    fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        let mut newest = decode(self.first.fetch_and(0, AcqRel));
        let mut oldest = None;
        while let Some(csd) = newest {
            newest = links.link(csd).get();
            links.link(csd).set(oldest);
            oldest = Some(csd);
        }
        oldest
    }
}

#[test]
fn a_fetch_update_is_right() {
    right(|| call_queue(Updates::default));
}
