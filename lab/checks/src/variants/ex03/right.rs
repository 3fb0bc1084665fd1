//! Right ones.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
    solution(checks::<ex03_irq_flag_solution::MyIrqState>),
    right("a depth that is counted", checks::<Depth>),
    right("SeqCst everywhere", checks::<AllSeqCst>),
    right("fences and Relaxed", checks::<Fences>),
    right("compare-exchange loops", checks::<Exchanges>),
    right("one word for both", checks::<OneWord>),
    right("a flag for each vector", checks::<FlagPerVector>),
    right("takes all, and puts the rest back", checks::<PutsBack>),
    right("take turns the bit over", checks::<TurnsOverInTake>),
];

#[derive(Debug, Default)]
struct Depth {
    pending: AtomicU32,
    depth: AtomicU32,
}

impl IrqState for Depth {
    fn raise(&self, vector: u32) {
        self.pending.fetch_or(vector, AcqRel);
    }
    fn is_pending(&self, vectors: u32) -> bool {
        self.pending.load(Acquire) & vectors != 0
    }
    fn take(&self, vectors: u32) -> Option<u32> {
        let first = lowest(self.pending.load(Acquire) & vectors)?;
        self.pending.fetch_and(!first, AcqRel);
        Some(first)
    }
    fn save(&self) -> bool {
        self.depth.fetch_add(1, Relaxed) > 0
    }
    fn restore(&self, _were_off: bool) -> bool {
        self.depth.fetch_sub(1, Relaxed) == 1
    }
    fn is_off(&self) -> bool {
        self.depth.load(Relaxed) > 0
    }
}

irq_state! {
    AllSeqCst
    raise(self, vector) {
        self.pending.fetch_or(vector, SeqCst);
    }
    is_pending(self, vectors) { self.pending.load(SeqCst) & vectors != 0 }
    take(self, vectors) {
        let first = lowest(self.pending.load(SeqCst) & vectors)?;
        self.pending.fetch_and(!first, SeqCst);
        Some(first)
    }
    save(self) { self.off.swap(true, SeqCst) }
    restore(self, were_off) {
        self.off.store(were_off, SeqCst);
        !self.off.load(SeqCst)
    }
}

irq_state! {
    /// The orders in fences.
    Fences
    raise(self, vector) {
        fence(SeqCst);
        self.pending.fetch_or(vector, Relaxed);
    }
    is_pending(self, vectors) { self.pending.load(Relaxed) & vectors != 0 }
    take(self, vectors) {
        let first = lowest(self.pending.load(Relaxed) & vectors)?;
        self.pending.fetch_and(!first, Relaxed);
        fence(SeqCst);
        Some(first)
    }
}

irq_state! {
    Exchanges
    raise(self, vector) {
        let mut pending = self.pending.load(Relaxed);
        while let Err(now) = self.pending.compare_exchange_weak(pending, pending | vector, Release, Relaxed) {
            pending = now;
        }
    }
    take(self, vectors) {
        let mut pending = self.pending.load(Relaxed);
        loop {
            let first = lowest(pending & vectors)?;
            match self.pending.compare_exchange(pending, pending & !first, Acquire, Relaxed) {
                Ok(_) => return Some(first),
                Err(now) => pending = now,
            }
        }
    }
}

/// The flag is bit 32.
#[derive(Debug, Default)]
struct OneWord(AtomicU64);

impl IrqState for OneWord {
    fn raise(&self, vector: u32) {
        self.0.fetch_or(vector.into(), Release);
    }
    fn is_pending(&self, vectors: u32) -> bool {
        self.0.load(Acquire) & u64::from(vectors) != 0
    }
    fn take(&self, vectors: u32) -> Option<u32> {
        let first = lowest(self.0.load(Relaxed) as u32 & vectors)?;
        self.0.fetch_and(!u64::from(first), Acquire);
        Some(first)
    }
    fn save(&self) -> bool {
        self.0.fetch_or(OFF, Relaxed) & OFF != 0
    }
    fn restore(&self, were_off: bool) -> bool {
        if !were_off {
            self.0.fetch_and(!OFF, Relaxed);
        }
        !were_off
    }
    fn is_off(&self) -> bool {
        self.0.load(Relaxed) & OFF != 0
    }
}

const OFF: u64 = 1 << 32;

/// No two senders share a word.
#[derive(Debug)]
struct FlagPerVector {
    pending: [AtomicBool; 32],
    off: AtomicBool,
}

impl Default for FlagPerVector {
    fn default() -> Self {
        let off = || AtomicBool::new(false);
        FlagPerVector { pending: std::array::from_fn(|_| off()), off: off() }
    }
}

impl IrqState for FlagPerVector {
    fn raise(&self, vector: u32) {
        self.pending[vector.trailing_zeros() as usize].store(true, Release);
    }
    fn is_pending(&self, vectors: u32) -> bool {
        (0..32).any(|n| vectors >> n & 1 == 1 && self.pending[n].load(Acquire))
    }
    fn take(&self, vectors: u32) -> Option<u32> {
        let asked = (0..32).filter(|n| vectors >> n & 1 == 1);
        let mut taken = asked
            .filter(|&n| self.pending[n].load(Relaxed) && self.pending[n].swap(false, Acquire));
        taken.next().map(|n| 1 << n)
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
    PutsBack
    take(self, vectors) {
        let pending = self.pending.swap(0, AcqRel);
        let first = lowest(pending & vectors);
        self.pending.fetch_or(pending & !first.unwrap_or(0), AcqRel);
        first
    }
}

irq_state! {
    /// The owner alone clears, so the bit is still set.
    TurnsOverInTake
    take(self, vectors) {
        let first = lowest(self.pending.load(Relaxed) & vectors)?;
        self.pending.fetch_xor(first, Acquire);
        Some(first)
    }
}
