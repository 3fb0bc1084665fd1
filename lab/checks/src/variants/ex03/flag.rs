//! Whether interrupts are off.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
    wrong(
        "save does not mask",
        FLAG,
        &["`is_off` after `save` number 1 gave false"],
        checks::<NoMask>,
    ),
    wrong(
        "restore always turns them on",
        FLAG,
        &["`is_off` after the `restore` of `save` number 3 gave false"],
        checks::<AlwaysOn>,
    ),
    wrong(
        "restore never turns them on",
        FLAG,
        &["`restore` of `save` number 1 gave true and not false"],
        checks::<NeverOn>,
    ),
    wrong(
        "save says that they were on",
        FLAG,
        &["`save` number 2 gave false and not true"],
        checks::<SaysOn>,
    ),
    wrong(
        "save says that they were off",
        FLAG,
        &["`save` number 1 gave true and not false"],
        checks::<SaysOff>,
    ),
    wrong("save turns the flag over", FLAG, &["`is_off` after `save` number 2"], checks::<Toggles>),
    wrong(
        "restore says what it was given",
        FLAG,
        &["`restore` says whether", "true and not false"],
        checks::<SaysWereOff>,
    ),
    wrong("interrupts are off at first", FLAG, &["at first"], checks::<OffAtFirst>),
];

irq_state! {
    NoMask
    save(self) { self.off.load(Relaxed) }
}

irq_state! {
    /// `local_irq_enable` for `local_irq_restore`.
    AlwaysOn
    restore(self, _were_off) {
        self.off.store(false, Relaxed);
        true
    }
}

irq_state! {
    NeverOn
    restore(self, were_off) { !were_off }
}

irq_state! {
    SaysOn
    save(self) {
        self.off.store(true, Relaxed);
        false
    }
}

irq_state! {
    /// Looks after it has changed it.
    SaysOff
    save(self) {
        self.off.store(true, Relaxed);
        self.off.load(Relaxed)
    }
}

irq_state! {
    Toggles
    save(self) { self.off.fetch_xor(true, Relaxed) }
}

irq_state! {
    SaysWereOff
    restore(self, were_off) {
        self.off.store(were_off, Relaxed);
        were_off
    }
}

/// The flag is "interrupts are on", and its default is `false`.
#[derive(Debug, Default)]
struct OffAtFirst {
    pending: AtomicU32,
    on: AtomicBool,
}

impl IrqState for OffAtFirst {
    fn raise(&self, vector: u32) {
        self.pending.fetch_or(vector, Release);
    }
    fn is_pending(&self, vectors: u32) -> bool {
        self.pending.load(Acquire) & vectors != 0
    }
    fn take(&self, vectors: u32) -> Option<u32> {
        let first = lowest(self.pending.load(Relaxed) & vectors)?;
        self.pending.fetch_and(!first, Acquire);
        Some(first)
    }
    fn save(&self) -> bool {
        !self.on.swap(false, Relaxed)
    }
    fn restore(&self, were_off: bool) -> bool {
        self.on.store(!were_off, Relaxed);
        !were_off
    }
    fn is_off(&self) -> bool {
        !self.on.load(Relaxed)
    }
}
