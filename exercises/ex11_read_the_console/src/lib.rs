//! # Exercise 11: what does the console prove?
//!
//! The machine is gone, and its console is all that is left. Which CPU did not answer? Read the console's bytes and say
//! its number; or `None`, if the console does not prove it. A guess is worse than `None`.
//!
//! A CPU that prints a soft lockup is not the one: it takes its timer. But some lines name the CPU that does not
//! answer:
//!
//! | the console says | it names | unless |
//! |---|---|---|
//! | `Watchdog detected hard LOCKUP on cpu 3` | CPU 3 takes no timer | |
//! | `csd: Detected non-responsive CSD lock (#1) on CPU#5, … for CPU#03` | CPU 5 waits for CPU 3 | a later line says that CPU 3 released the lock: `got unstuck` |
//! | a waiting CPU's registers | see below | |
//!
//! On the article's kernel, 4.19, a CPU that waits in `smp_call_function_many` holds in x0 the number of the CPU that
//! it waits for, and in x1 the flags of the csd: 3. So `pc : smp_call_function_many+…` and, below it, `x1 : …3` and
//! `x0 : …c` name CPU 12. A later compiler keeps other things there: the flags are 0x11, and x0 is a pointer, or by chance
//! a small number. On x86 there is no x0. A CPU at another pc has anything in x0.
//!
//! If lines name different CPUs, the last one counts.
//!
//! A log ends anywhere. Its last line may be cut in the middle of a number: it counts only if its newline is there. Its
//! bytes need not be UTF-8. [`softlockup::dmesg::parse`] gives the entries of a log in order, and takes care of stamps,
//! prefixes, and lines that were wrapped; you may use it or read the bytes yourself. Its `Pc` and `Regs` entries come
//! after the `SoftLockup` that they belong to.
//!
//! Predict first: `cargo lab predict ex11.six_twelve ANSWER`.
//!
//! In the book: `book/src/why-that-function.md`.
//!
//! Grade it: `cargo lab check ex11`. See what it says of each console: `cargo lab replay ex11`. A hint: `cargo lab hint
//! ex11`.

use softlockup::CpuId;
use softlockup::dmesg::{Message, parse};

/// The CPU that does not answer, as far as `console` proves it.
pub fn silent_cpu(console: &[u8]) -> Option<CpuId> {
    for entry in parse(console) {
        if let Message::HardLockup { cpu, .. } = entry.message {
            let _ = cpu;
        }
    }
    todo!("which lines name the CPU that does not answer, and which take it back?")
}
