//! Interrupt states, right and wrong.

use checks::models::irq_state;
use softlockup::parts::irq_state::IrqState;
use softlockup::sync::{AtomicBool, AtomicU32, Ordering::*, fence};

use crate::verdicts::{right, wrong};

/// Pending bits and a flag, with at most one mistake.
#[derive(Debug, Default)]
struct Irq<const MISTAKE: u32> {
    pending: AtomicU32,
    /// For `TWO_WORDS`.
    incoming: AtomicU32,
    off: AtomicBool,
}

const NONE: u32 = 0;
const RELAXED_RAISE: u32 = 1;
const RELAXED_TAKE: u32 = 2;
const RAISE_IN_TWO_STEPS: u32 = 3;
const TAKE_IN_TWO_STEPS: u32 = 4;
const TAKES_ALL: u32 = 5;
const TAKES_NONE: u32 = 6;
const EQUALS: u32 = 7;
const DROPPED_WHILE_OFF: u32 = 8;
const RESTORE_TURNS_ON: u32 = 9;
const TWO_WORDS: u32 = 10;

impl<const MISTAKE: u32> IrqState for Irq<MISTAKE> {
    fn raise(&self, bit: u32) {
        match MISTAKE {
            RELAXED_RAISE => _ = self.pending.fetch_or(bit, Relaxed),
            RAISE_IN_TWO_STEPS => {
                let pending = self.pending.load(Acquire);
                self.pending.store(pending | bit, Release);
            }
            DROPPED_WHILE_OFF if self.off.load(Acquire) => {}
            TWO_WORDS => _ = self.incoming.fetch_or(bit, Release),
            _ => _ = self.pending.fetch_or(bit, Release),
        }
    }

    fn is_pending(&self, vectors: u32) -> bool {
        self.pending.load(Acquire) & vectors != 0
    }

    fn take(&self, vectors: u32) -> Option<u32> {
        if MISTAKE == TWO_WORDS {
            self.pending.fetch_or(self.incoming.swap(0, Acquire), Relaxed);
        }
        let order = if MISTAKE == RELAXED_TAKE { Relaxed } else { Acquire };
        let pending = self.pending.load(order);
        if pending & vectors == 0 || MISTAKE == EQUALS && pending != vectors {
            return None;
        }
        let bit = 1 << (pending & vectors).trailing_zeros();
        match MISTAKE {
            TAKE_IN_TWO_STEPS => self.pending.store(pending & !bit, Relaxed),
            TAKES_ALL => _ = self.pending.swap(0, order),
            TAKES_NONE => {}
            _ => _ = self.pending.fetch_and(!bit, order),
        }
        Some(bit)
    }

    fn save(&self) -> bool {
        self.off.swap(true, Relaxed)
    }

    fn restore(&self, were_off: bool) -> bool {
        self.off.store(were_off && MISTAKE != RESTORE_TURNS_ON, Relaxed);
        !were_off
    }

    fn is_off(&self) -> bool {
        self.off.load(Relaxed)
    }
}

#[test]
fn bits_and_a_flag_are_right() {
    right(|| irq_state(Irq::<NONE>::default));
}

#[test]
fn a_relaxed_raise() {
    let (_, why) = wrong("RACE", || irq_state(Irq::<RELAXED_RAISE>::default));
    assert!(why.contains("Release does"), "{why}");
}

#[test]
fn a_relaxed_take() {
    let (_, why) = wrong("RACE", || irq_state(Irq::<RELAXED_TAKE>::default));
    assert!(why.contains("Acquire does"), "{why}");
}

#[test]
fn a_raise_in_two_steps_brings_a_vector_back() {
    wrong("BROKEN", || irq_state(Irq::<RAISE_IN_TWO_STEPS>::default));
}

#[test]
fn a_take_in_two_steps_loses_a_vector() {
    wrong("BROKEN", || irq_state(Irq::<TAKE_IN_TWO_STEPS>::default));
}

#[test]
fn taking_all_and_giving_one() {
    wrong("BROKEN", || irq_state(Irq::<TAKES_ALL>::default));
}

#[test]
fn taking_without_clearing() {
    let (_, why) = wrong("BROKEN", || irq_state(Irq::<TAKES_NONE>::default));
    assert!(why.contains("taken twice"), "{why}");
}

#[test]
fn equals_where_it_should_be_and() {
    wrong("BROKEN", || irq_state(Irq::<EQUALS>::default));
}

#[test]
fn a_vector_dropped_while_interrupts_are_off() {
    let (_, why) = wrong("BROKEN", || irq_state(Irq::<DROPPED_WHILE_OFF>::default));
    assert!(why.contains("lost"), "{why}");
}

#[test]
fn a_restore_that_always_turns_on() {
    let (_, why) = wrong("BROKEN", || irq_state(Irq::<RESTORE_TURNS_ON>::default));
    assert!(why.contains("should be off"), "{why}");
}

#[test]
fn looking_at_one_word_of_two_before_sleeping() {
    wrong("BROKEN", || irq_state(Irq::<TWO_WORDS>::default));
}

/// The flag is a bit among the pending ones.
#[derive(Debug)]
struct OneWord<const IN_TWO_STEPS: bool>(AtomicU64);

use softlockup::sync::AtomicU64;

const OFF: u64 = 1 << 32;

impl<const IN_TWO_STEPS: bool> IrqState for OneWord<IN_TWO_STEPS> {
    fn raise(&self, vector: u32) {
        self.0.fetch_or(u64::from(vector), SeqCst);
    }

    fn is_pending(&self, vectors: u32) -> bool {
        self.0.load(SeqCst) & u64::from(vectors) != 0
    }

    fn take(&self, vectors: u32) -> Option<u32> {
        let first = |word: u64| (word & u64::from(vectors)).trailing_zeros();
        let take = |word: u64| (first(word) < 32).then(|| word & !(1 << first(word)));
        self.0.fetch_update(SeqCst, SeqCst, take).ok().map(|word| 1 << first(word))
    }

    fn save(&self) -> bool {
        if IN_TWO_STEPS {
            let word = self.0.load(SeqCst);
            self.0.store(word | OFF, SeqCst);
            return word & OFF != 0;
        }
        self.0.fetch_or(OFF, SeqCst) & OFF != 0
    }

    fn restore(&self, were_off: bool) -> bool {
        if !were_off {
            self.0.fetch_and(!OFF, SeqCst);
        }
        !were_off
    }

    fn is_off(&self) -> bool {
        self.0.load(SeqCst) & OFF != 0
    }
}

#[test]
fn flag_and_bits_in_one_word_are_right() {
    right(|| irq_state(|| OneWord::<false>(AtomicU64::new(0))));
}

#[test]
fn a_flag_set_in_two_steps_loses_its_neighbours() {
    let (_, why) = wrong("BROKEN", || irq_state(|| OneWord::<true>(AtomicU64::new(0))));
    assert!(why.contains("lost"), "{why}");
}

/// One atomic for each vector.
#[derive(Debug)]
struct Flags([AtomicBool; 8], AtomicU32);

impl IrqState for Flags {
    fn raise(&self, vector: u32) {
        fence(Release);
        self.0[vector.trailing_zeros() as usize].store(true, Relaxed);
    }

    fn is_pending(&self, vectors: u32) -> bool {
        (0..8).any(|vector| vectors & 1 << vector != 0 && self.0[vector].load(Relaxed))
    }

    fn take(&self, vectors: u32) -> Option<u32> {
        let mut wanted = (0..8).filter(|vector| vectors & 1 << vector != 0);
        let vector = wanted.find(|&vector| self.0[vector as usize].swap(false, Relaxed))?;
        fence(Acquire);
        Some(1 << vector)
    }

    fn save(&self) -> bool {
        self.1.fetch_add(1, Relaxed) > 0
    }

    fn restore(&self, _: bool) -> bool {
        self.1.fetch_sub(1, Relaxed) == 1
    }

    fn is_off(&self) -> bool {
        self.1.load(Relaxed) > 0
    }
}

#[test]
fn a_flag_for_each_vector_and_a_depth_are_right() {
    right(|| {
        irq_state(|| Flags(std::array::from_fn(|_| AtomicBool::new(false)), AtomicU32::new(0)))
    });
}
