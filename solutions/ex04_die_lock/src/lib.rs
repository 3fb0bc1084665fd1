//! # Why it works
//!
//! `compare_exchange(0, 1)` looks and changes in one step: of two CPUs that see 0 only one succeeds.
//!
//! | operation | order | because |
//! |---|---|---|
//! | the exchange that succeeds | Acquire | the CPU goes on to read and write what the last holder wrote: none of that may come before the lock is taken |
//! | the exchange that fails | Relaxed | it only looks, and looks again |
//! | the store of 0 | Release | everything that this CPU wrote while it held the lock comes before it; it pairs with the Acquire of the next holder |
//!
//! The lock is right, and the machine hangs: CPU 0 holds it, oopses again inside its report, and waits for a CPU that
//! will never give the lock back, which is itself. A lock of one bit cannot tell "another CPU holds it" from "I hold
//! it".

use softlockup::ThisCpu;
use softlockup::parts::die_lock::DieLock;
use softlockup::sync::{AtomicU32, Ordering::*};

/// The lock of arm64.
#[derive(Debug, Default)]
pub struct MyDieLock {
    /// 0: free. 1: a CPU holds it, and it does not say which.
    locked: AtomicU32,
}

impl DieLock for MyDieLock {
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        while self.locked.compare_exchange(0, 1, Acquire, Relaxed).is_err() {
            cpu.relax();
        }
        1
    }

    fn unlock(&self, _cpu: &impl ThisCpu) -> u32 {
        self.locked.store(0, Release);
        0
    }
}
