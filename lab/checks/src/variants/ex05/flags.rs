//! The bits that `lock` and `unlock` leave.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
    wrong("lock sets no bit", FLAGS, &["the flags after it gave 0 and not 1"], checks::<SetsNoBit>),
    wrong("lock sets the machine's bit, too", FLAGS, &["gave 3 and not 1"], checks::<SetsThree>),
    wrong(
        "lock waits for the bit to be set",
        FLAGS,
        &["locking a free csd", "still waits"],
        checks::<LockInverted>,
    ),
    wrong(
        "unlock clears the lock bit only",
        FLAGS,
        &["`unlock` of the flags 0x3 gave 2"],
        checks::<ClearsOneBit>,
    ),
    wrong(
        "unlock flips the bit",
        FLAGS,
        &["`unlock` of the flags 0x3 gave 2"],
        checks::<FlipsOneBit>,
    ),
    wrong(
        "unlock does nothing",
        FLAGS,
        &["`unlock` of the flags 0x1 gave 1"],
        checks::<NeverUnlocks>,
    ),
    wrong(
        "one csd at a time on the whole machine",
        "contract::csd_lock::wait",
        &["then locking another csd", "63 csds"],
        checks::<OneAtATime>,
    ),
];

csd_lock! {
    SetsNoBit {}
    lock(self, flags, cpu) {
        self.wait(flags, cpu);
    }
}

csd_lock! {
    SetsThree {}
    lock(self, flags, cpu) {
        self.wait(flags, cpu);
        flags.store(3, Relaxed);
    }
}

csd_lock! {
    LockInverted {}
    lock(self, flags, cpu) {
        while flags.load(Acquire) & CSD_FLAG_LOCK == 0 {
            cpu.relax();
        }
        flags.store(CSD_FLAG_LOCK, Relaxed);
    }
}

csd_lock! {
    ClearsOneBit {}
    unlock(self, flags) {
        flags.fetch_and(!CSD_FLAG_LOCK, Release);
    }
}

csd_lock! {
    FlipsOneBit {}
    unlock(self, flags) {
        flags.fetch_xor(CSD_FLAG_LOCK, Release);
    }
}

csd_lock! {
    NeverUnlocks {}
    unlock(self, _flags) {}
}

csd_lock! {
    /// A lock around all csds.
    OneAtATime { busy: AtomicU32, }
    lock(self, flags, cpu) {
        while self.busy.swap(1, Acquire) == 1 {
            cpu.relax();
        }
        flags.store(CSD_FLAG_LOCK, Relaxed);
    }
    unlock(self, flags) {
        flags.store(0, Release);
        self.busy.store(0, Release);
    }
}
