//! Wrong only if several CPUs act at once.

use super::*;

const MODEL: &str = "model::die_lock";

pub(super) const VARIANTS: &[Variant] = &[
    wrong("check, then act", MODEL, &["CPU#"], checks::<CheckThenAct>),
    wrong("takes it Relaxed", MODEL, &["RACE", "Acquire"], checks::<TakesRelaxed>),
    wrong("gives it back Relaxed", MODEL, &["RACE", "Release"], checks::<GivesBackRelaxed>),
    wrong("the orderings the wrong way round", MODEL, &["RACE"], checks::<WrongWayRound>),
    wrong("a ticket lock, Relaxed", MODEL, &["RACE"], checks::<TicketRelaxed>),
    wrong("loses the wake-up of a waiter", MODEL, &["WAITS FOR EVER"], checks::<LosesWakeUp>),
];

die_lock! {
    CheckThenAct { locked: AtomicU32 }
    lock(self, cpu) {
        while self.locked.load(Acquire) == 1 {
            cpu.relax();
        }
        self.locked.store(1, Release);
        1
    }
}

die_lock! {
    TakesRelaxed { locked: AtomicU32 }
    lock(self, cpu) {
        while self.locked.compare_exchange(0, 1, Relaxed, Relaxed).is_err() {
            cpu.relax();
        }
        1
    }
}

die_lock! {
    GivesBackRelaxed { locked: AtomicU32 }
    lock(self, cpu) {
        while self.locked.compare_exchange(0, 1, Acquire, Relaxed).is_err() {
            cpu.relax();
        }
        1
    }
    unlock(self, _cpu) {
        self.locked.store(0, Relaxed);
        0
    }
}

die_lock! {
    WrongWayRound { locked: AtomicU32 }
    lock(self, cpu) {
        while self.locked.swap(1, Release) == 1 {
            cpu.relax();
        }
        1
    }
    unlock(self, _cpu) {
        self.locked.swap(0, Acquire);
        0
    }
}

die_lock! {
    TicketRelaxed { next: AtomicU32, served: AtomicU32 }
    lock(self, cpu) {
        let mine = self.next.fetch_add(1, Acquire); // the wrong one of the two
        while self.served.load(Relaxed) != mine {
            cpu.relax();
        }
        1
    }
    unlock(self, _cpu) {
        self.served.fetch_add(1, Release);
        0
    }
}

die_lock! {
    /// Hands the lock over to a CPU that waits. One that is about to wait is not seen.
    LosesWakeUp { locked: AtomicBool, waits: AtomicBool }
    lock(self, cpu) {
        if self.locked.swap(true, AcqRel) {
            self.waits.store(true, Release);
            while self.waits.load(Acquire) {
                cpu.relax();
            }
        }
        1
    }
    unlock(self, _cpu) {
        if !self.waits.swap(false, AcqRel) {
            self.locked.store(false, Release);
        }
        0
    }
}
