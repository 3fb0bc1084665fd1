//! # Why it works
//!
//! | operation | order | because |
//! |---|---|---|
//! | the store of 0 in `unlock` | Release | the answer was written before it; it pairs with the Acquire of the owner's wait |
//! | the load in `wait` that finds the bit clear | Acquire | the owner reads the answer after it: that read may not come earlier |
//! | the loads in `wait` that find it set | Acquire, and Relaxed would do | they only look, and look again |
//! | the wait inside `lock` | Acquire | the owner overwrites the csd next, and may still read the last answer |
//! | the store of the bit in `lock` | Relaxed | only the owner knows the csd until it is posted: the queue carries the flags to the called CPU, as it carries the request |
//!
//! The called CPU needs no Acquire here. It got the csd from the queue, and the queue is exercise 6.
//!
//! `&` and not `==`: the machine adds a bit for a caller that waits, and the flags are 3 or 0x11. With `==` no caller
//! waits any more: the article's machine has no victims, and its callers go on without their answers.
//!
//! "Check, then act" in `lock` is right for once. Between its last look and its store no other CPU changes the flags:
//! only the owner locks, and `unlock` has come already.
//!
//! On x86 each plain store is a Release and each plain load an Acquire: with Relaxed everywhere every test there
//! passes, unless the compiler moves something. That is why a model checks this, and not a test.

use softlockup::ThisCpu;
use softlockup::parts::csd_lock::{CSD_FLAG_LOCK, CsdLock};
use softlockup::sync::{AtomicU32, Ordering::*};

/// The csd lock of the kernel. It keeps nothing itself: all is in the flags of each csd.
#[derive(Clone, Copy, Debug, Default)]
pub struct MyCsdLock;

impl CsdLock for MyCsdLock {
    fn lock(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        self.wait(flags, cpu);
        flags.store(CSD_FLAG_LOCK, Relaxed);
    }

    fn unlock(&self, flags: &AtomicU32) {
        flags.store(0, Release);
    }

    fn wait(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        while flags.load(Acquire) & CSD_FLAG_LOCK != 0 {
            cpu.relax();
        }
    }
}
