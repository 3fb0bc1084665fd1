//! # Exercise 4: the die_lock of arm64
//!
//! An oops report is many lines long. So that two CPUs' reports do not mix, `die` takes a lock before the
//! line `Internal error: Oops` and gives it back after the report: `die_lock`. On arm64 it is a plain spinlock, which
//! does not know which CPU holds it. Here one word is enough for it, 0 or 1.
//!
//! Write that lock. Any spinlock is right, fair or not, if
//!
//! - one CPU at a time holds it: another CPU that wants it waits, and calls `cpu.relax()` at every look;
//! - what a CPU wrote while it held the lock is visible to the next CPU that holds it, on arm64 too;
//! - it never gives up.
//!
//! Use the atomics of `softlockup::sync`, and no lock of the standard library: a CPU cannot sleep.
//!
//! Before you run it, predict: what will the machine do with a lock that is right?
//! `cargo lab predict ex04.hangs yes` or `no`.
//!
//! In Linux: `arch/arm64/kernel/traps.c`, `die`: `raw_spin_lock_irqsave(&die_lock, flags)`.
//!
//! In the book: `book/src/why-the-others.md`.
//!
//! Grade it: `cargo lab check ex04`. See the incident with it: `cargo lab replay ex04`. A hint: `cargo lab hint ex04`.

use softlockup::ThisCpu;
use softlockup::parts::die_lock::DieLock;
use softlockup::sync::AtomicU32;

/// The lock of arm64.
#[derive(Debug, Default)]
pub struct MyDieLock {
    /// 0: free. 1: a CPU holds it, and it does not say which.
    locked: AtomicU32,
}

impl DieLock for MyDieLock {
    /// Takes the lock. Returns the nesting depth after that, which is 1: this lock lets no CPU in twice.
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        let _ = (cpu, &self.locked);
        todo!("wait until the lock is free, and take it before any other CPU can")
    }

    /// Gives the lock back. Returns the depth that is left, which is 0: the lock is free.
    fn unlock(&self, cpu: &impl ThisCpu) -> u32 {
        let _ = cpu;
        todo!("let the next CPU in, together with everything that this CPU wrote")
    }
}
