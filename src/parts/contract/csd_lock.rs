//! The rules of a [`CsdLock`].

use crate::cpumask::CpuId;
use crate::parts::contract::{Broken, Rule};
use crate::parts::csd_lock::{CSD_FLAG_LOCK, CsdLock};
use crate::parts::fake_cpu::FakeCpu;
use crate::sync::{AtomicU32, Ordering::*};
use crate::version::CSD_FLAG_SYNCHRONOUS;

/// A csd serves one request at a time, and a wait for it ends exactly when the request is answered.
///
/// # Errors
/// The rule that the part broke.
pub fn one_request_at_a_time<C: CsdLock>(new: impl Fn() -> C) -> Result<(), Broken> {
    let rule = Rule(
        "a csd is taken by `lock` and free again after `unlock`",
        "A csd that is used twice at once loses a call, and the caller of the lost one waits for ever.",
    );
    let (csd, cpu) = (new(), FakeCpu::new(CpuId(3)));
    let flags = AtomicU32::new(0);
    rule.expect("waiting for a free csd", cpu.attempt(|cpu| csd.wait(&flags, cpu)), ())?;
    rule.expect("locking a free csd", cpu.attempt(|cpu| csd.lock(&flags, cpu)), ())?;
    rule.expect("CSD_FLAG_LOCK", Ok(flags.load(Relaxed) & CSD_FLAG_LOCK), CSD_FLAG_LOCK)?;
    rule.expect_stuck("waiting for the answer", cpu.attempt(|cpu| csd.wait(&flags, cpu)))?;
    rule.expect_stuck("locking it again", cpu.attempt(|cpu| csd.lock(&flags, cpu)))?;

    // Bits beside the lock are the caller's, and must not outlive the request.
    flags.store(flags.load(Relaxed) | CSD_FLAG_SYNCHRONOUS, Relaxed);
    csd.unlock(&flags);
    rule.expect("the flags after `unlock`", Ok(flags.load(Relaxed)), 0)?;

    csd.lock(&flags, &cpu);
    let mut looks = 0;
    let waiting = FakeCpu::with_others(CpuId(3), || {
        looks += 1;
        if looks == 3 {
            csd.unlock(&flags);
        }
    });
    rule.expect("an answer while waiting", waiting.attempt(|cpu| csd.wait(&flags, cpu)), ())
}
