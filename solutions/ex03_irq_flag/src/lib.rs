//! # Why it works
//!
//! Many CPUs change `pending` at once, so every change is one read-modify-write: `fetch_or` sets a bit and `fetch_and`
//! clears one, and neither touches what another CPU does to the other bits meanwhile. The owner alone clears bits. So
//! the bit that its load saw is still there when it clears it.
//!
//! | operation | order | because |
//! |---|---|---|
//! | `fetch_or` in `raise` | Release | what the sender wrote (a call in the queue) comes before the bit |
//! | `fetch_and` in `take` | Acquire | the handler reads what the sender wrote; none of that may come before the bit is seen. It reads the newest value, so it pairs with every sender's Release, also if other CPUs set bits in between |
//! | the loads in `take` and `is_pending` | Relaxed | they only look: what they see is taken with Acquire, or not at all. That a CPU does not fall asleep over a bit is the work of two fences, in `hardware/clock/sleeper.rs`: without `fence(SeqCst)` the sleeper could miss the bit and the sender could miss that it sleeps |
//! | `off` | Relaxed | one CPU writes and reads it. It orders nothing: it keeps this CPU, and no other, from taking interrupts |
//!
//! `save` returns what it found, and `restore` writes that back. So the inner of two sections writes "off", and only
//! the outermost one writes "on". No depth is needed: the depth is in the callers' hands, one `were_off` in each.
//!
//! The NMI needs no code at all. The flag has no say in `take`; the machine does not ask for anything else while
//! interrupts are off. That is why a pseudo-NMI can show where CPU 0 stands, and why its own timer cannot.

use softlockup::parts::irq_state::IrqState;
use softlockup::sync::{AtomicBool, AtomicU32, Ordering::*};

/// The interrupts of one CPU.
#[derive(Debug, Default)]
pub struct MyIrqState {
    /// A bit for each vector that is pending. Any CPU sets one, in `raise`; the owner clears it, in `take`.
    pending: AtomicU32,
    /// Whether interrupts are off. The owner alone writes and asks.
    off: AtomicBool,
}

impl IrqState for MyIrqState {
    fn raise(&self, vector: u32) {
        self.pending.fetch_or(vector, Release);
    }

    fn is_pending(&self, vectors: u32) -> bool {
        self.pending.load(Relaxed) & vectors != 0
    }

    fn take(&self, vectors: u32) -> Option<u32> {
        let wanted = self.pending.load(Relaxed) & vectors;
        if wanted == 0 {
            return None;
        }
        let first = 1 << wanted.trailing_zeros();
        self.pending.fetch_and(!first, Acquire);
        Some(first)
    }

    fn save(&self) -> bool {
        let were_off = self.is_off();
        self.off.store(true, Relaxed);
        were_off
    }

    fn restore(&self, were_off: bool) -> bool {
        self.off.store(were_off, Relaxed);
        !were_off
    }

    fn is_off(&self) -> bool {
        self.off.load(Relaxed)
    }
}
