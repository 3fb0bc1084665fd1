//! # Exercise 5: waiting for an answer
//!
//! A CPU that calls another one fills a *csd* (call single data) with its request, posts it, and waits. How does it
//! know that the request was answered? By one bit in the csd's `flags`: [`CSD_FLAG_LOCK`]. It is set from `lock` to
//! `unlock`.
//!
//! | step | on which CPU | what it must do |
//! |---|---|---|
//! | `lock` | the owner of the csd | wait until the csd's older request is answered, if there is one; then set the bit |
//! | `unlock` | the CPU that was called | clear *every* flag: the csd is free |
//! | `wait` | the owner of the csd | wait until the csd is free; it may be free already |
//!
//! - A wait calls `cpu.relax()` at every look. It never gives up, and it leaves the flags as they are.
//! - The flags are not yours alone. Between `lock` and `unlock` the machine sets the bit that says "the caller waits":
//!   then they are 3 on 4.19, and 0x11 on 6.12. A locked csd keeps that bit, however often `lock` looks at it.
//! - What the called CPU wrote before `unlock` (the answer) is visible to the owner after `wait`, and after the next
//!   `lock` of the csd: on arm64 too, where each CPU may see another's stores late and in another order.
//!
//! Only its owner locks a csd. So no two CPUs race for it; `lock` races with `unlock` alone.
//!
//! Use the atomics of `softlockup::sync`, and no lock of the standard library: a CPU cannot sleep.
//!
//! Before you run it, predict: `cargo lab predict ex05.equal`.
//!
//! In Linux: `kernel/smp.c`: `csd_lock`, `csd_unlock`, `csd_lock_wait`, where each victim of the article stands.
//!
//! In the book: `book/src/why-the-others.md`.
//!
//! Grade it: `cargo lab check ex05`. See the incident with it: `cargo lab replay ex05`. A hint: `cargo lab hint ex05`.

use softlockup::ThisCpu;
use softlockup::parts::csd_lock::{CSD_FLAG_LOCK, CsdLock};
use softlockup::sync::AtomicU32;

/// The csd lock of the kernel. It keeps nothing itself: all is in the flags of each csd.
#[derive(Clone, Copy, Debug, Default)]
pub struct MyCsdLock;

impl CsdLock for MyCsdLock {
    /// Waits until the csd's older request is answered, then sets [`CSD_FLAG_LOCK`]. The flags are that bit alone then.
    fn lock(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        let _ = (flags, cpu, CSD_FLAG_LOCK);
        todo!("wait until the csd is free, and mark it as in use")
    }

    /// Gives the csd back to its owner, together with everything that this CPU wrote.
    fn unlock(&self, flags: &AtomicU32) {
        let _ = flags;
        todo!("release the csd so that its owner sees the answer")
    }

    /// Waits until the csd is free.
    fn wait(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        let _ = (flags, cpu);
        todo!("wait until the called CPU has unlocked the csd")
    }
}
