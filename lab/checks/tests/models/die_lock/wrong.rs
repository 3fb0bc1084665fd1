//! Wrong die locks.

use checks::models::die_lock;
use softlockup::ThisCpu;
use softlockup::parts::die_lock::DieLock;
use softlockup::sync::{AtomicU32, Ordering, Ordering::*};

use crate::verdicts::{right, wrong, wrong_for_one_engine};

/// arm64's with these orderings.
fn arm64(lock: Ordering, unlock: Ordering) -> AnyOrder {
    AnyOrder { locked: AtomicU32::new(0), lock, unlock }
}

struct AnyOrder {
    locked: AtomicU32,
    lock: Ordering,
    unlock: Ordering,
}

impl DieLock for AnyOrder {
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        while self.locked.compare_exchange(0, 1, self.lock, Relaxed).is_err() {
            cpu.relax();
        }
        1
    }

    fn unlock(&self, _: &impl ThisCpu) -> u32 {
        self.locked.store(0, self.unlock);
        0
    }
}

#[test]
fn a_relaxed_lock() {
    let (_, why) = wrong("RACE", || die_lock(|| arm64(Relaxed, Release), false));
    assert!(why.contains("reads Relaxed") && why.contains("Acquire does"), "{why}");
}

#[test]
fn a_relaxed_unlock() {
    let (columns, why) = wrong("RACE", || die_lock(|| arm64(Acquire, Relaxed), false));
    assert!(why.contains("stores Relaxed") && why.contains("Release does"), "{why}");
    assert!(columns.contains("locked = 0 (store Relaxed)"), "{columns}");
    assert!(!columns.contains("STALE"), "one without stale reads exists\n{columns}");
}

#[test]
fn the_right_orderings_are_right() {
    right(|| die_lock(|| arm64(Acquire, Release), false));
}

die_lock!(CheckThenAct, [locked: AtomicU32], |me, cpu|
lock {
    while me.locked.load(Acquire) != 0 {
        cpu.relax();
    }
    me.locked.store(1, Relaxed);
    1
}
unlock {
    me.locked.store(0, Release);
    0
});

#[test]
fn check_then_act() {
    let (_, why) = wrong("RACE", || die_lock(CheckThenAct::default, false));
    assert!(why.contains("both are inside at once"), "{why}");
}

die_lock!(GivesUp, [locked: AtomicU32], |me, cpu|
lock {
    for _ in 0..3 {
        if me.locked.compare_exchange(0, 1, Acquire, Relaxed).is_ok() {
            break;
        }
        cpu.relax();
    }
    1
}
unlock {
    me.locked.store(0, Release);
    0
});

/// Under loom a CPU that relaxes runs again only after all others did: it never looks three times in vain.
#[test]
fn giving_up_after_some_looks() {
    wrong_for_one_engine("RACE", || die_lock(GivesUp::default, false));
}

die_lock!(GivesUpInTime, [locked: AtomicU32], |me, cpu|
lock {
    let deadline = cpu.now() + 20_000_000_000;
    while me.locked.compare_exchange(0, 1, Acquire, Relaxed).is_err() && cpu.now() < deadline {
        cpu.relax();
    }
    1
}
unlock {
    me.locked.store(0, Release);
    0
});

#[test]
fn giving_up_after_some_time() {
    wrong_for_one_engine("RACE", || die_lock(GivesUpInTime::default, false));
}

die_lock!(NoRelax, [locked: AtomicU32], |me, _cpu|
lock {
    while me.locked.compare_exchange(0, 1, Acquire, Relaxed).is_err() {}
    1
}
unlock {
    me.locked.store(0, Release);
    0
});

#[test]
fn spinning_without_relax() {
    wrong("SPINS", || die_lock(NoRelax::default, false));
}

die_lock!(NeverFree, [locked: AtomicU32], |me, cpu|
lock {
    while me.locked.compare_exchange(0, 1, Acquire, Relaxed).is_err() {
        cpu.relax();
    }
    1
}
unlock {
    me.locked.load(Relaxed);
    0
});

#[test]
fn never_unlocking() {
    wrong("WAITS FOR EVER", || die_lock(NeverFree::default, false));
}

die_lock!(TicketByLoad, [next: AtomicU32, serving: AtomicU32], |me, cpu|
lock {
    let mine = me.next.load(Relaxed);
    me.next.store(mine + 1, Relaxed);
    while me.serving.load(Acquire) != mine {
        cpu.relax();
    }
    1
}
unlock {
    me.serving.fetch_add(1, Release);
    0
});

#[test]
fn a_ticket_drawn_in_two_steps() {
    wrong("WAITS FOR EVER", || die_lock(TicketByLoad::default, false));
}

die_lock!(RelaxedTicket, [next: AtomicU32, serving: AtomicU32], |me, cpu|
lock {
    let mine = me.next.fetch_add(1, AcqRel);
    while me.serving.load(Relaxed) != mine {
        cpu.relax();
    }
    1
}
unlock {
    me.serving.fetch_add(1, Release);
    0
});

#[test]
fn a_ticket_lock_that_looks_relaxed() {
    wrong("RACE", || die_lock(RelaxedTicket::default, false));
}

die_lock!(Panics, [locked: AtomicU32], |me, _cpu|
lock {
    assert!(me.locked.swap(1, Acquire) == 0, "the lock is held");
    1
}
unlock {
    me.locked.store(0, Release);
    0
});

#[test]
fn a_panic_in_the_part_is_shown_and_not_printed() {
    let (_, why) = wrong("PANIC", || die_lock(Panics::default, false));
    assert!(why.contains("the lock is held"), "{why}");
}

die_lock!(NotYet, [], |_me, _cpu|
lock {
    todo!("the lock")
}
unlock {
    0
});

#[test]
fn a_task_that_is_not_done_yet() {
    let (_, why) = wrong("PANIC", || die_lock(NotYet::default, false));
    assert!(why.contains("not yet implemented: the lock (line"), "{why}");
}
