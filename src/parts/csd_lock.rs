//! The lock bit of a call: how a caller knows that its request was answered, and that its csd may be used again.
//!
//! `flags` of one csd, written and read by two CPUs:
//!
//! | step | CPU | does | order |
//! |---|---|---|---|
//! | `lock` | the CPU that owns the csd | waits for LOCK to clear, then sets it | Acquire, then Relaxed: no other CPU reads it before the csd is queued |
//! | `unlock` | the CPU that was called | clears everything | Release: the function's effects come first |
//! | `wait` | the CPU that owns the csd | waits for LOCK to clear | Acquire, pairs with that Release |
//!
//! In Linux: `kernel/smp.c`, `csd_lock`, `csd_unlock`, `csd_lock_wait`.
//! Here it differs: arm64's `smp_cond_load_acquire` sleeps in WFE; ours waits in [`ThisCpu::relax`].

use crate::parts::this_cpu::ThisCpu;
use crate::sync::{AtomicU32, Ordering::*};

/// `CSD_FLAG_LOCK`: the csd is in use. Set from the moment its owner takes it until the called CPU is done with it.
pub const CSD_FLAG_LOCK: u32 = 0x01;

/// The three operations on a csd's flags. A part owns their orderings; the machine owns the csd.
///
/// The flags are not the part's alone. Between `lock` and `unlock` the machine adds the bit that says "the caller waits"
/// ([`CSD_FLAG_SYNCHRONOUS`](crate::version::CSD_FLAG_SYNCHRONOUS), [`CSD_TYPE_SYNC`](crate::version::CSD_TYPE_SYNC)), and
/// it looks at [`CSD_FLAG_LOCK`] to record a wait. So keep no state of your own in them.
///
/// The rules, as tests, are in [`contract::csd_lock`](crate::parts::contract::csd_lock).
pub trait CsdLock: Send + Sync + 'static {
    /// Waits until the csd's older request is done, then sets [`CSD_FLAG_LOCK`]: the csd is in use. Called by its owner
    /// only.
    fn lock(&self, flags: &AtomicU32, cpu: &impl ThisCpu);

    /// Stores 0: the csd is free, and the machine's bits are gone, too. Called by the CPU that was called, after (sync) or
    /// before (async) the function ran.
    fn unlock(&self, flags: &AtomicU32);

    /// Waits until the csd is free. It must not give up: as in the kernel, there is no time-out, because a csd that is
    /// given up is used twice. This is where every victim of the article stands.
    fn wait(&self, flags: &AtomicU32, cpu: &impl ThisCpu);
}

/// The kernel's csd lock.
#[derive(Debug, Default, Clone, Copy)]
pub struct KernelCsdLock;

// ANCHOR: csd_lock_wait
impl CsdLock for KernelCsdLock {
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
// ANCHOR_END: csd_lock_wait
