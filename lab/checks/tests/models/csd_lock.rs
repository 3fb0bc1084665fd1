//! Csd locks, right and wrong.

use checks::models::{Verdict, csd_lock};
use softlockup::ThisCpu;
use softlockup::parts::csd_lock::{CSD_FLAG_LOCK, CsdLock, KernelCsdLock};
use softlockup::sync::{AtomicU32, Ordering, Ordering::*, fence};

use crate::verdicts::{right, wrong};

/// A csd lock made of three steps.
macro_rules! csd_lock {
    ($name:ident, |$flags:ident, $cpu:ident| lock $lock:block unlock $unlock:block wait $wait:block) => {
        struct $name;
        impl CsdLock for $name {
            fn lock(&self, $flags: &AtomicU32, $cpu: &impl ThisCpu) {
                _ = $cpu;
                $lock
            }
            fn unlock(&self, $flags: &AtomicU32) {
                $unlock
            }
            fn wait(&self, $flags: &AtomicU32, $cpu: &impl ThisCpu) {
                _ = $cpu;
                $wait
            }
        }
    };
}

#[test]
fn the_kernels_is_right() {
    right(|| csd_lock(|| KernelCsdLock));
}

/// The kernel's with these orderings.
struct AnyOrder {
    lock: Ordering,
    wait: Ordering,
    unlock: Ordering,
}

impl CsdLock for AnyOrder {
    fn lock(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        while flags.load(self.lock) & CSD_FLAG_LOCK != 0 {
            cpu.relax();
        }
        flags.store(CSD_FLAG_LOCK, Relaxed);
    }

    fn unlock(&self, flags: &AtomicU32) {
        flags.store(0, self.unlock);
    }

    fn wait(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        while flags.load(self.wait) & CSD_FLAG_LOCK != 0 {
            cpu.relax();
        }
    }
}

fn ordered(new: fn() -> AnyOrder) -> Verdict {
    csd_lock(new)
}

#[test]
fn the_kernels_orderings_are_right() {
    right(|| ordered(|| AnyOrder { lock: Acquire, wait: Acquire, unlock: Release }));
}

#[test]
fn a_relaxed_look_in_lock() {
    wrong("RACE", || ordered(|| AnyOrder { lock: Relaxed, wait: Acquire, unlock: Release }));
}

#[test]
fn a_relaxed_wait() {
    let check = || ordered(|| AnyOrder { lock: Acquire, wait: Relaxed, unlock: Release });
    let (_, why) = wrong("RACE", check);
    assert!(why.contains("reads Relaxed, which does not take what was handed on"), "{why}");
}

#[test]
fn a_relaxed_unlock() {
    let check = || ordered(|| AnyOrder { lock: Acquire, wait: Acquire, unlock: Relaxed });
    let (columns, why) = wrong("RACE", check);
    assert!(why.contains("stores Relaxed, which does not hand on what came before it"), "{why}");
    assert!(
        columns.contains("CPU#0 (calls)") && columns.contains("writes the answer = 10"),
        "{columns}"
    );
    assert!(columns.contains("^^^ reads the answer"), "{columns}");
}

csd_lock!(NotCleared, |flags, cpu|
lock {
    flags.store(CSD_FLAG_LOCK, Relaxed);
}
unlock {
    flags.fetch_or(2, Release);
}
wait {
    while flags.load(Acquire) & CSD_FLAG_LOCK != 0 {
        cpu.relax();
    }
});

#[test]
fn an_unlock_that_does_not_clear_the_bit() {
    wrong("WAITS FOR EVER", || csd_lock(|| NotCleared));
}

csd_lock!(LockDoesNotWait, |flags, cpu|
lock {
    flags.store(CSD_FLAG_LOCK, Relaxed);
}
unlock {
    flags.store(0, Release);
}
wait {
    while flags.load(Acquire) & CSD_FLAG_LOCK != 0 {
        cpu.relax();
    }
});

#[test]
fn a_lock_that_does_not_wait() {
    wrong("", || csd_lock(|| LockDoesNotWait));
}

csd_lock!(NoWait, |flags, cpu|
lock {
    while flags.load(Acquire) & CSD_FLAG_LOCK != 0 {
        cpu.relax();
    }
    flags.store(CSD_FLAG_LOCK, Relaxed);
}
unlock {
    flags.store(0, Release);
}
wait {
    flags.load(Acquire);
});

#[test]
fn a_wait_that_does_not_wait() {
    wrong("", || csd_lock(|| NoWait));
}

csd_lock!(WaitsForTheWrongSide, |flags, cpu|
lock {
    flags.store(CSD_FLAG_LOCK, Relaxed);
}
unlock {
    flags.store(0, Release);
}
wait {
    while flags.load(Acquire) & CSD_FLAG_LOCK == 0 {
        cpu.relax();
    }
});

#[test]
fn a_wait_for_the_bit_to_be_set() {
    wrong("", || csd_lock(|| WaitsForTheWrongSide));
}

csd_lock!(LockLooksOnce, |flags, cpu|
lock {
    if flags.load(Acquire) & CSD_FLAG_LOCK != 0 {
        cpu.relax();
    }
    flags.store(CSD_FLAG_LOCK, Relaxed);
}
unlock {
    flags.store(0, Release);
}
wait {
    while flags.load(Acquire) & CSD_FLAG_LOCK != 0 {
        cpu.relax();
    }
});

#[test]
fn an_if_where_it_should_be_a_while() {
    wrong("", || csd_lock(|| LockLooksOnce));
}

csd_lock!(NoRelax, |flags, cpu|
lock {
    while flags.load(Acquire) & CSD_FLAG_LOCK != 0 {}
    flags.store(CSD_FLAG_LOCK, Relaxed);
}
unlock {
    flags.store(0, Release);
}
wait {
    while flags.load(Acquire) & CSD_FLAG_LOCK != 0 {}
});

#[test]
fn spinning_without_relax() {
    wrong("SPINS", || csd_lock(|| NoRelax));
}

csd_lock!(ReadModifyWrite, |flags, cpu|
lock {
    while flags.fetch_or(CSD_FLAG_LOCK, Acquire) & CSD_FLAG_LOCK != 0 {
        cpu.relax();
    }
}
unlock {
    flags.fetch_and(0, Release);
}
wait {
    while flags.load(Acquire) & CSD_FLAG_LOCK != 0 {
        cpu.relax();
    }
});

#[test]
fn read_modify_writes_are_right() {
    right(|| csd_lock(|| ReadModifyWrite));
}

csd_lock!(Fences, |flags, cpu|
lock {
    while flags.load(Relaxed) & CSD_FLAG_LOCK != 0 {
        cpu.relax();
    }
    fence(Acquire);
    flags.store(CSD_FLAG_LOCK, Relaxed);
}
unlock {
    fence(Release);
    flags.store(0, Relaxed);
}
wait {
    while flags.load(Relaxed) & CSD_FLAG_LOCK != 0 {
        cpu.relax();
    }
    fence(Acquire);
});

#[test]
fn fences_are_right() {
    right(|| csd_lock(|| Fences));
}

csd_lock!(Strong, |flags, cpu|
lock {
    while flags.compare_exchange(0, CSD_FLAG_LOCK, SeqCst, SeqCst).is_err() {
        cpu.relax();
    }
}
unlock {
    flags.swap(0, SeqCst);
}
wait {
    while flags.load(SeqCst) != 0 {
        cpu.relax();
    }
});

#[test]
fn orderings_stronger_than_needed_are_right() {
    right(|| csd_lock(|| Strong));
}

csd_lock!(
    WholeWord,
    |flags, cpu| lock {
        while flags.load(Acquire) == CSD_FLAG_LOCK {
            cpu.relax();
        }
        flags.store(CSD_FLAG_LOCK, Relaxed);
    } unlock {
        flags.store(0, Release);
    } wait {
        while flags.load(Acquire) == CSD_FLAG_LOCK {
            cpu.relax();
        }
    }
);

#[test]
fn equals_where_it_should_be_and() {
    let (columns, _) = wrong("BROKEN", || csd_lock(|| WholeWord));
    assert!(columns.contains("CSD_FLAG_SYNCHRONOUS"), "{columns}");
}

csd_lock!(
    ClearsTheLockOnly,
    |flags, cpu| lock {
        while flags.compare_exchange(0, CSD_FLAG_LOCK, Acquire, Relaxed).is_err() {
            cpu.relax();
        }
    } unlock {
        flags.fetch_and(!CSD_FLAG_LOCK, Release);
    } wait {
        while flags.load(Acquire) != 0 {
            cpu.relax();
        }
    }
);

#[test]
fn an_unlock_that_leaves_the_callers_bits() {
    wrong("WAITS FOR EVER", || csd_lock(|| ClearsTheLockOnly));
}
