//! Known answers to ex03.

use std::sync::Mutex;

use softlockup::parts::irq_state::IrqState;
use softlockup::sync::{AtomicBool, AtomicU32, AtomicU64, Ordering::*, fence};

use crate::check::Check;
use crate::ex03::{ID, checks};
use crate::variants::{Kind, Variant};

const fn right(name: &'static str, checks: fn() -> Vec<Check>) -> Variant {
    Variant::new(ID, name, Kind::Alternative, checks)
}

const fn wrong(
    name: &'static str,
    by: &'static str,
    words: &'static [&'static str],
    checks: fn() -> Vec<Check>,
) -> Variant {
    Variant::new(ID, name, Kind::Mutant { by, words }, checks)
}

const FLAG: &str = "contract::irq_state::save_and_restore";
const PENDING: &str = "contract::irq_state::pending";
const TAKE: &str = "contract::irq_state::take";
const MODEL: &str = "model::irq_state";

/// Solution, alternatives, mutants.
pub const VARIANTS: &[Variant] = &[
    Variant::new(ID, "solution", Kind::Solution, checks::<ex03_irq_flag_solution::MyIrqState>),
    right("a depth that is counted", checks::<Depth>),
    right("SeqCst everywhere", checks::<AllSeqCst>),
    right("fences and Relaxed", checks::<Fences>),
    right("compare-exchange loops", checks::<Exchanges>),
    right("one word for both", checks::<OneWord>),
    right("a flag for each vector", checks::<FlagPerVector>),
    right("takes all, and puts the rest back", checks::<PutsBack>),
    // The flag.
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
    // What is pending.
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
    // What is taken.
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
    // What only a model sees.
    wrong("raise loads, then stores", MODEL, &["lost"], checks::<RaiseLoadsStores>),
    wrong("take loads, then stores", MODEL, &["lost"], checks::<TakeLoadsStores>),
    wrong("raise Relaxed", MODEL, &["RACE", "Release"], checks::<RaiseRelaxed>),
    wrong("take Relaxed", MODEL, &["RACE", "Acquire"], checks::<TakeRelaxed>),
    wrong("a std Mutex", MODEL, &["softlockup::sync"], checks::<StdMutex>),
    // What is no answer.
    wrong("panics if it is raised twice", PENDING, &["panicked: raised twice"], checks::<Panics>),
    wrong("not yet written", FLAG, &["not written yet"], checks::<Todo>),
    wrong("prints that all is well", FLAG, &["`is_off`"], checks::<Prints>),
    wrong("ends the process with 0", FLAG, &["exit code 0"], checks::<Exits>).hostile(),
    wrong("waits until it is taken", PENDING, &["relax"], checks::<Waits>).hostile(),
];

/// An interrupt state of two words, with what differs from the solution.
macro_rules! irq_state {
    ($(#[$doc:meta])* $name:ident
     $(raise($raise_me:ident, $raised:ident) $raise:block)?
     $(is_pending($pend_me:ident, $looked:ident) $is_pending:block)?
     $(take($take_me:ident, $asked:ident) $take:block)?
     $(save($save_me:ident) $save:block)?
     $(restore($restore_me:ident, $were_off:ident) $restore:block)?) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        struct $name {
            pending: AtomicU32,
            off: AtomicBool,
        }

        impl IrqState for $name {
            or_right! {
                [$(fn raise(&$raise_me, $raised: u32) $raise)?]
                fn raise(&self, vector: u32) {
                    self.pending.fetch_or(vector, Release);
                }
            }
            or_right! {
                [$(fn is_pending(&$pend_me, $looked: u32) -> bool $is_pending)?]
                fn is_pending(&self, vectors: u32) -> bool {
                    self.pending.load(Acquire) & vectors != 0
                }
            }
            or_right! {
                [$(fn take(&$take_me, $asked: u32) -> Option<u32> $take)?]
                fn take(&self, vectors: u32) -> Option<u32> {
                    let first = lowest(self.pending.load(Relaxed) & vectors)?;
                    self.pending.fetch_and(!first, Acquire);
                    Some(first)
                }
            }
            or_right! {
                [$(fn save(&$save_me) -> bool $save)?]
                fn save(&self) -> bool {
                    self.off.swap(true, Relaxed)
                }
            }
            or_right! {
                [$(fn restore(&$restore_me, $were_off: bool) -> bool $restore)?]
                fn restore(&self, were_off: bool) -> bool {
                    self.off.store(were_off, Relaxed);
                    !were_off
                }
            }
            fn is_off(&self) -> bool {
                self.off.load(Relaxed)
            }
        }
    };
}

macro_rules! or_right {
    ([] $($right:tt)*) => { $($right)* };
    ([$($given:tt)+] $($right:tt)*) => { $($given)+ };
}

/// The lowest bit.
fn lowest(wanted: u32) -> Option<u32> {
    (wanted != 0).then(|| 1 << wanted.trailing_zeros())
}

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

const OFF: u64 = 1 << 32;

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
    Panics
    raise(self, vector) {
        let before = self.pending.fetch_or(vector, Release);
        assert!(before & vector == 0, "raised twice");
    }
}

irq_state! {
    /// As it was handed out.
    Todo
    raise(self, _vector) { todo!("make the vector pending in {:?}", self.pending) }
    is_pending(self, _vectors) { todo!("look") }
    take(self, _vectors) { todo!("take one vector out") }
    save(self) { todo!("turn interrupts off, and remember what they were") }
    restore(self, _were_off) { todo!("turn interrupts back to what they were") }
}

irq_state! {
    Prints
    save(self) {
        println!("test result: ok. 7 passed; 0 failed");
        false
    }
}

irq_state! {
    Exits
    save(self) { std::process::exit(0) }
}

irq_state! {
    /// Raised while it is pending: waits until it was taken, in a place where nothing can wait.
    Waits
    raise(self, vector) {
        while self.pending.fetch_or(vector, Release) & vector != 0 {
            std::hint::spin_loop();
        }
    }
}
