//! # Exercise 3: the flag that keeps interrupts waiting
//!
//! CPU 0 of the article is silent because its interrupts are off. Its timer still fires and other CPUs still call it;
//! all that stays *pending*. This file is what a CPU does with it.
//!
//! Other CPUs, and the clock, *raise* a vector: one bit of `pending`. The CPU itself *takes* it. Between a `save` and
//! its `restore` interrupts are off. The machine asks `is_off` before it asks `take` for anything but an NMI. Write
//! both halves so that
//!
//! - what is raised stays pending until it is taken, and is then taken once, also if many CPUs raise at the same
//!   moment;
//! - what a CPU wrote before it raised a vector is visible to the CPU that takes it, on arm64 too;
//! - `take` gives the lowest bit of those that are pending *and* asked for; the others stay;
//! - sections nest: after `save`, `save`, `restore` interrupts are still off. The machine hands to each `restore` what
//!   its `save` returned, the last `save` first. You may keep a flag or count a depth.
//!
//! Use the atomics of `softlockup::sync`, and no lock of the standard library: nothing in here can wait.
//!
//! Before you run it, predict: CPU 1 turns its interrupts off at 10 s; a function it calls does so from 11 s to 12 s;
//! at 13 s CPU 1 restores them. CPU 0 calls CPU 1 at 11.5 s. At which second is the call answered? `cargo lab predict
//! ex03.answered SECOND`.
//!
//! In Linux: `include/linux/irqflags.h`, `local_irq_save`, `local_irq_restore`. The pending bits are the GIC's.
//!
//! In the book: `book/src/why-the-others.md`.
//!
//! Grade it: `cargo lab check ex03`. See the incident with it: `cargo lab replay ex03`. A hint: `cargo lab hint ex03`.

use softlockup::parts::irq_state::IrqState;
use softlockup::sync::{AtomicBool, AtomicU32};

/// The interrupts of one CPU.
#[derive(Debug, Default)]
pub struct MyIrqState {
    /// A bit for each vector that is pending. Any CPU sets one, in `raise`; the owner clears it, in `take`.
    pending: AtomicU32,
    /// Whether interrupts are off. The owner alone writes and asks.
    off: AtomicBool,
}

impl IrqState for MyIrqState {
    /// `vector`, one bit, is pending from now on until it is taken. Any CPU calls this.
    fn raise(&self, vector: u32) {
        let _ = (vector, &self.pending);
        todo!("make the vector pending, and lose no vector that another CPU raises at this moment")
    }

    /// Whether one of `vectors` is pending. Takes nothing, and does not ask whether interrupts are off. The owner calls
    /// this, and the clock.
    fn is_pending(&self, vectors: u32) -> bool {
        let _ = vectors;
        todo!("look whether one of these vectors is pending")
    }

    /// Takes the lowest bit that is pending and in `vectors`. The owner calls this. It does not ask whether interrupts
    /// are off: an NMI comes through.
    fn take(&self, vectors: u32) -> Option<u32> {
        let _ = vectors;
        todo!("take one vector out, and see everything that its sender wrote before it")
    }

    /// Turns interrupts off. Returns whether they were off already. The owner calls this.
    fn save(&self) -> bool {
        let _ = &self.off;
        todo!("turn interrupts off, and remember what they were")
    }

    /// Turns interrupts back to what the `save` of this `restore` found, which is `were_off`. Returns whether they are
    /// on now. The owner calls this.
    fn restore(&self, were_off: bool) -> bool {
        let _ = were_off;
        todo!("turn interrupts back to what they were, which is not always on")
    }

    /// Whether interrupts are off.
    fn is_off(&self) -> bool {
        todo!("say whether interrupts are off")
    }
}
