//! Code that hangs the host, which no engine sees.

use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError, atomic};

use checks::models::die_lock;
use softlockup::ThisCpu;
use softlockup::parts::die_lock::DieLock;
use softlockup::sync::{AtomicU32, Ordering::*};

use crate::verdicts::wrong;

/// Set when a test is over: the threads that hang for it may end.
static LET_GO: atomic::AtomicBool = atomic::AtomicBool::new(false);

/// A test with a thread that hangs. One at a time.
struct Hangs(#[expect(dead_code, reason = "held")] MutexGuard<'static, ()>);

impl Hangs {
    fn begin() -> Self {
        static ONE: Mutex<()> = Mutex::new(());
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        LET_GO.store(false, Relaxed);
        Hangs(one)
    }
}

impl Drop for Hangs {
    fn drop(&mut self) {
        LET_GO.store(true, Relaxed);
    }
}

die_lock!(Loops, [locked: AtomicU32], |me, _cpu|
lock {
    if me.locked.swap(1, Acquire) == 1 {
        while !LET_GO.load(Relaxed) {
                    black_box(());
                }
    }
    1
}
unlock {
    me.locked.store(0, Release);
    0
});

#[test]
fn an_endless_loop_without_an_atomic() {
    let _hangs = Hangs::begin();
    let (columns, why) = wrong("HANGS", || die_lock(Loops::default, false));
    assert!(columns.is_empty() && why.contains("lock()"), "{why}");
}

/// A std Mutex that stays locked: the next CPU sleeps, and its host thread with it.
#[derive(Default)]
struct Sleeps(Mutex<()>);

impl DieLock for Sleeps {
    fn lock(&self, _: &impl ThisCpu) -> u32 {
        std::mem::forget(self.0.lock());
        1
    }

    fn unlock(&self, _: &impl ThisCpu) -> u32 {
        0
    }
}

#[test]
fn a_cpu_that_sleeps_in_a_std_mutex() {
    let (columns, why) = wrong("HANGS", || die_lock(Sleeps::default, false));
    assert!(columns.is_empty() && why.contains("std Mutex"), "{why}");
}

die_lock!(CatchesAll, [locked: AtomicU32], |me, cpu|
lock {
    let look = || {
        while me.locked.compare_exchange(0, 1, Acquire, Relaxed).is_err() {
            cpu.relax();
        }
    };
    while catch_unwind(AssertUnwindSafe(look)).is_err()
            && !LET_GO.load(Relaxed) {}
    1
}
unlock {
    me.locked.load(Relaxed);
    0
});

#[test]
fn code_that_catches_its_own_end() {
    let _hangs = Hangs::begin();
    wrong("HANGS", || die_lock(CatchesAll::default, false));
}

/// Its destructor waits for ever, and it panics.
#[derive(Default)]
struct Drops(AtomicU32);

impl Drop for Drops {
    fn drop(&mut self) {
        while self.0.load(Relaxed) != 2 && !LET_GO.load(Relaxed) {}
    }
}

die_lock!(DropsForEver, [locked: AtomicU32], |me, _cpu|
lock {
    let _drops = Drops::default();
    assert_eq!(me.locked.swap(1, Acquire), 1);
    1
}
unlock {
    me.locked.load(Relaxed);
    0
});

#[test]
fn a_destructor_that_never_ends() {
    let _hangs = Hangs::begin();
    wrong("HANGS", || die_lock(DropsForEver::default, false));
}
