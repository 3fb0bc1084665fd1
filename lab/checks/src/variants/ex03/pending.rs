//! What was raised.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
    wrong(
        "drops what comes while off",
        PENDING,
        &["raised while interrupts are off"],
        checks::<Drops>,
    ),
    wrong(
        "raise overwrites",
        PENDING,
        &["after `raise(0x10)`, `is_pending(0x8)` gave false"],
        checks::<Overwrites>,
    ),
    wrong(
        "raise adds",
        PENDING,
        &["also if it is pending already", "`is_pending(0x10)` gave false"],
        checks::<Adds>,
    ),
    wrong(
        "raise turns the bit over",
        PENDING,
        &["also if it is pending already", "`is_pending(0x10)` gave false"],
        checks::<TurnsOver>,
    ),
    wrong(
        "take takes everything",
        PENDING,
        &["`take` leaves the others pending"],
        checks::<TakesAll>,
    ),
    wrong("take leaves it pending", PENDING, &["the second `take`"], checks::<LeavesIt>),
    wrong(
        "take returns the constant",
        PENDING,
        &["could still be taken gave 0 and not 3"],
        checks::<Constant>,
    ),
    wrong(
        "restore throws away what came meanwhile",
        PENDING,
        &["raised while interrupts are off"],
        checks::<ThrowsAway>,
    ),
];

irq_state! {
    Drops
    raise(self, vector) {
        if !self.off.load(Relaxed) {
            self.pending.fetch_or(vector, Release);
        }
    }
}

irq_state! {
    Overwrites
    raise(self, vector) { self.pending.store(vector, Release); }
}

irq_state! {
    Adds
    raise(self, vector) { self.pending.fetch_add(vector, Release); }
}

irq_state! {
    TurnsOver
    raise(self, vector) { self.pending.fetch_xor(vector, Release); }
}

irq_state! {
    TakesAll
    take(self, vectors) { lowest(self.pending.swap(0, Acquire) & vectors) }
}

irq_state! {
    LeavesIt
    take(self, vectors) { lowest(self.pending.load(Acquire) & vectors) }
}

irq_state! {
    /// What the first test raised.
    Constant
    take(self, vectors) {
        let call = 1 << 4;
        (vectors & call != 0 && self.pending.fetch_and(!call, AcqRel) & call != 0).then_some(call)
    }
}

irq_state! {
    /// A clean start.
    ThrowsAway
    restore(self, were_off) {
        if !were_off {
            self.pending.store(0, Relaxed);
        }
        self.off.store(were_off, Relaxed);
        !were_off
    }
}
