//! Wrong only if several CPUs act at once.

use super::*;

const MODEL: &str = "model::irq_state";

pub(super) const VARIANTS: &[Variant] = &[
    wrong("raise loads, then stores", MODEL, &["lost"], checks::<RaiseLoadsStores>),
    wrong("take loads, then stores", MODEL, &["lost"], checks::<TakeLoadsStores>),
    wrong("raise Relaxed", MODEL, &["RACE", "Release"], checks::<RaiseRelaxed>),
    wrong("take Relaxed", MODEL, &["RACE", "Acquire"], checks::<TakeRelaxed>),
    wrong("a std Mutex", MODEL, &["softlockup::sync"], checks::<StdMutex>),
    wrong("puts the rest back with a store", MODEL, &["lost"], checks::<PutsBackWithStore>),
    wrong("raise tries once", MODEL, &["lost"], checks::<RaiseInTwo>),
];

irq_state! {
    RaiseLoadsStores
    raise(self, vector) {
        let pending = self.pending.load(Acquire);
        self.pending.store(pending | vector, Release);
    }
}

irq_state! {
    TakeLoadsStores
    take(self, vectors) {
        let pending = self.pending.load(Acquire);
        let first = lowest(pending & vectors)?;
        self.pending.store(pending & !first, Release);
        Some(first)
    }
}

irq_state! {
    RaiseRelaxed
    raise(self, vector) { self.pending.fetch_or(vector, Relaxed); }
}

irq_state! {
    TakeRelaxed
    take(self, vectors) {
        let first = lowest(self.pending.load(Relaxed) & vectors)?;
        self.pending.fetch_and(!first, Relaxed);
        Some(first)
    }
}

/// A lock in code that a CPU runs with interrupts off.
#[derive(Debug, Default)]
struct StdMutex {
    pending: Mutex<u32>,
    off: AtomicBool,
}

impl IrqState for StdMutex {
    fn raise(&self, vector: u32) {
        *self.pending.lock().unwrap() |= vector;
    }
    fn is_pending(&self, vectors: u32) -> bool {
        *self.pending.lock().unwrap() & vectors != 0
    }
    fn take(&self, vectors: u32) -> Option<u32> {
        let mut pending = self.pending.lock().unwrap();
        let first = lowest(*pending & vectors)?;
        *pending &= !first;
        Some(first)
    }
    fn save(&self) -> bool {
        self.off.swap(true, Relaxed)
    }
    fn restore(&self, were_off: bool) -> bool {
        self.off.store(were_off, Relaxed);
        !were_off
    }
    fn is_off(&self) -> bool {
        self.off.load(Relaxed)
    }
}

irq_state! {
    /// What is raised between the two is overwritten.
    PutsBackWithStore
    take(self, vectors) {
        let pending = self.pending.swap(0, AcqRel);
        let first = lowest(pending & vectors);
        self.pending.store(pending & !first.unwrap_or(0), Release);
        first
    }
}

irq_state! {
    /// Looks first, so as not to write for nothing; then tries once.
    RaiseInTwo
    raise(self, vector) {
        let pending = self.pending.load(Acquire);
        let _ = self.pending.compare_exchange(pending, pending | vector, AcqRel, Relaxed);
    }
}
