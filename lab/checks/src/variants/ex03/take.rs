//! What is taken.

use super::*;

const TAKE: &str = "contract::irq_state::take";

pub(super) const VARIANTS: &[Variant] = &[
    wrong("the highest bit first", TAKE, &["lowest", "0x80000000 and not 0x10"], checks::<Highest>),
    wrong(
        "take ignores what is asked for",
        TAKE,
        &["lowest", "0x4 and not nothing"],
        checks::<IgnoresAsked>,
    ),
    wrong(
        "take returns everything that is wanted",
        PENDING,
        &["`take` leaves the others pending"],
        checks::<SeveralBits>,
    ),
    wrong(
        "is_pending ignores what is asked for",
        PENDING,
        &["`is_pending` of another"],
        checks::<AnyPending>,
    ),
    wrong(
        "is_pending asks whether all are pending",
        PENDING,
        &["`is_pending` of it or another"],
        checks::<AllPending>,
    ),
    wrong("take asks the flag", TAKE, &["NMI"], checks::<TakeAsksTheFlag>),
    wrong("take gives the bit's number", PENDING, &["gave 0x4 and not 0x10"], checks::<Number>),
];

irq_state! {
    Highest
    take(self, vectors) {
        let wanted = self.pending.load(Acquire) & vectors;
        let first = (wanted != 0).then(|| 1 << wanted.ilog2())?;
        self.pending.fetch_and(!first, AcqRel);
        Some(first)
    }
}

irq_state! {
    IgnoresAsked
    take(self, _vectors) {
        let first = lowest(self.pending.load(Acquire))?;
        self.pending.fetch_and(!first, AcqRel);
        Some(first)
    }
}

irq_state! {
    SeveralBits
    take(self, vectors) {
        let wanted = self.pending.fetch_and(!vectors, AcqRel) & vectors;
        (wanted != 0).then_some(wanted)
    }
}

irq_state! {
    AnyPending
    is_pending(self, _vectors) { self.pending.load(Acquire) != 0 }
}

irq_state! {
    AllPending
    is_pending(self, vectors) { self.pending.load(Acquire) & vectors == vectors }
}

irq_state! {
    TakeAsksTheFlag
    take(self, vectors) {
        if self.off.load(Relaxed) {
            return None;
        }
        let first = lowest(self.pending.load(Acquire) & vectors)?;
        self.pending.fetch_and(!first, AcqRel);
        Some(first)
    }
}

irq_state! {
    /// 4 for 1 << 4.
    Number
    take(self, vectors) {
        let first = lowest(self.pending.load(Relaxed) & vectors)?;
        self.pending.fetch_and(!first, Acquire);
        Some(first.trailing_zeros())
    }
}
