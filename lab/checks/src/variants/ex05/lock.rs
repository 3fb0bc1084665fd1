//! `lock` waits too.

use super::*;

const LOCK: &str = "contract::csd_lock::lock_waits_by_itself";

pub(super) const VARIANTS: &[Variant] = &[
    wrong(
        "lock does not wait",
        LOCK,
        &["`lock` with the flags 0x1", "too early, after 0 looks"],
        checks::<LockDoesNotWait>,
    ),
    wrong(
        "== for & in lock only",
        LOCK,
        &["`lock` with the flags 0x3", "too early"],
        checks::<EqualInLock>,
    ),
    wrong("a swap in lock", LOCK, &["the flags 0x3 while `lock` waits gave 1"], checks::<SwapLock>),
];

csd_lock! {
    LockDoesNotWait {}
    lock(self, flags, _cpu) {
        flags.store(CSD_FLAG_LOCK, Relaxed);
    }
}

csd_lock! {
    EqualInLock {}
    lock(self, flags, cpu) {
        while flags.load(Acquire) == CSD_FLAG_LOCK {
            cpu.relax();
        }
        flags.store(CSD_FLAG_LOCK, Relaxed);
    }
}

csd_lock! {
    /// As a spinlock is taken: it takes the machine's bit away.
    SwapLock {}
    lock(self, flags, cpu) {
        while flags.swap(CSD_FLAG_LOCK, Acquire) & CSD_FLAG_LOCK != 0 {
            cpu.relax();
        }
    }
}
