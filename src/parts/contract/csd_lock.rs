//! The rules of a [`CsdLock`]. Each csd lock keeps all of them.
//!
//! Between `lock` and `unlock` the machine adds a flag of its own, as it does for a caller that waits. So each rule is
//! checked with the flags 1, 3 (4.19) and 0x11 (5.8 and later).

use crate::cpumask::CpuId;
use crate::parts::contract::{Broken, LONG_WAIT, Rule, SHORT_WAIT, wait_until};
use crate::parts::csd_lock::{CSD_FLAG_LOCK, CsdLock};
use crate::parts::fake_cpu::FakeCpu;
use crate::sync::{AtomicU32, Ordering::*};
use crate::version::{CSD_FLAG_SYNCHRONOUS, CSD_TYPE_SYNC};

/// The CPU that owns the csd.
const CALLER: CpuId = CpuId(3);

/// What the machine adds between `lock` and `unlock`.
const MACHINES: [u32; 3] = [0, CSD_FLAG_SYNCHRONOUS, CSD_TYPE_SYNC];

/// Every rule.
///
/// # Errors
/// The first rule that the part broke.
pub fn all<C: CsdLock>(new: impl Fn() -> C) -> Result<(), Broken> {
    takes_a_free_csd(&new)?;
    unlock_clears_everything(&new)?;
    wait_ends_at_the_unlock(&new)?;
    wait_for_a_free_csd_is_over(&new)?;
    keeps_csds_apart(&new)?;
    lock_waits_by_itself(&new)
}

/// `lock` takes a free csd, and shows that it is taken.
///
/// # Errors
/// The rule that the part broke.
pub fn takes_a_free_csd<C: CsdLock>(new: impl Fn() -> C) -> Result<(), Broken> {
    let rule = Rule(
        "`lock` takes a free csd at once and sets CSD_FLAG_LOCK, and that alone",
        "A csd that does not look taken is used twice: one call is lost, and its caller waits for ever.",
    );
    let (csd, cpu, flags) = (new(), FakeCpu::new(CALLER), AtomicU32::new(0));
    rule.expect("locking a free csd", cpu.attempt(|cpu| csd.lock(&flags, cpu)), ())?;
    rule.equal("the flags after it", flags.load(Relaxed), CSD_FLAG_LOCK)
}

/// `unlock` clears the machine's flags, too.
///
/// # Errors
/// The rule that the part broke.
pub fn unlock_clears_everything<C: CsdLock>(new: impl Fn() -> C) -> Result<(), Broken> {
    let rule = Rule(
        "`unlock` clears every flag, the machine's too",
        "A flag that outlives its request makes the next call look as if its caller waited.",
    );
    let csd = new();
    for machines in MACHINES {
        let in_use = CSD_FLAG_LOCK | machines;
        let flags = AtomicU32::new(in_use);
        csd.unlock(&flags);
        rule.equal(&format!("`unlock` of the flags {in_use:#x}"), flags.load(Relaxed), 0)?;
    }
    Ok(())
}

/// A wait lasts until the request is answered. It has no time-out, and leaves the flags alone.
///
/// # Errors
/// The rule that the part broke.
pub fn wait_ends_at_the_unlock<C: CsdLock>(new: impl Fn() -> C) -> Result<(), Broken> {
    let rule = Rule(
        "a csd is in use from `lock` to `unlock`, and a wait for it ends only then",
        "A caller that goes on early frees what the called CPU still reads; one that never does is soft-locked.",
    );
    ends_at_the_unlock(&rule, &new(), "`wait`", |csd, flags, cpu| csd.wait(flags, cpu), 0)
}

/// `lock` waits for the older request: no caller does that for it.
///
/// # Errors
/// The rule that the part broke.
pub fn lock_waits_by_itself<C: CsdLock>(new: impl Fn() -> C) -> Result<(), Broken> {
    let rule = Rule(
        "`lock` waits by itself until the csd's older request is answered, and only then changes the flags",
        "A caller that does not wait for its answer uses the csd again at once: it overwrites the call that is still queued.",
    );
    ends_at_the_unlock(
        &rule,
        &new(),
        "`lock`",
        |csd, flags, cpu| csd.lock(flags, cpu),
        CSD_FLAG_LOCK,
    )
}

/// Lets `wait` wait for a csd in use, once for long; it must end at the `unlock`, leave the flags alone until then, and leave `after`.
fn ends_at_the_unlock<C: CsdLock>(
    rule: &Rule,
    csd: &C,
    name: &str,
    wait: impl Fn(&C, &AtomicU32, &FakeCpu<'_>),
    after: u32,
) -> Result<(), Broken> {
    for machines in MACHINES {
        let flags = AtomicU32::new(0);
        let locked = FakeCpu::new(CALLER).attempt(|cpu| csd.lock(&flags, cpu));
        rule.expect("locking a free csd", locked, ())?;
        let in_use = flags.load(Relaxed) | machines;
        flags.store(in_use, Relaxed);
        let mut seen = in_use;
        let answer = || {
            seen = flags.load(Relaxed);
            csd.unlock(&flags);
        };
        let looks = if machines == 0 { LONG_WAIT } else { SHORT_WAIT };
        let waited = wait_until(CALLER, looks, answer, |cpu| wait(csd, &flags, cpu));
        rule.expect_wait(&format!("{name} with the flags {in_use:#x}"), waited, ())?;
        rule.equal(&format!("the flags {in_use:#x} while {name} waits"), seen, in_use)?;
        rule.equal(&format!("the flags after {name}"), flags.load(Relaxed), after)?;
    }
    Ok(())
}

/// A wait for an answer that has come does not wait.
///
/// # Errors
/// The rule that the part broke.
pub fn wait_for_a_free_csd_is_over<C: CsdLock>(new: impl Fn() -> C) -> Result<(), Broken> {
    let rule = Rule(
        "a wait for a free csd is over at once",
        "The answer may come before its caller begins to wait: that caller would wait for an answer that never comes again.",
    );
    let (csd, cpu, flags) = (new(), FakeCpu::new(CALLER), AtomicU32::new(0));
    let wait = || cpu.attempt(|cpu| csd.wait(&flags, cpu));
    rule.expect("waiting for a csd that was never used", wait(), ())?;
    rule.expect("locking it", cpu.attempt(|cpu| csd.lock(&flags, cpu)), ())?;
    csd.unlock(&flags);
    rule.expect("waiting for a csd that was answered", wait(), ())?;
    rule.equal("the flags after it", flags.load(Relaxed), 0)
}

/// What is remembered of a csd lies in its flags.
///
/// # Errors
/// The rule that the part broke: a lock that keeps something in itself, which all csds share.
pub fn keeps_csds_apart<C: CsdLock>(new: impl Fn() -> C) -> Result<(), Broken> {
    let rule = Rule(
        "a csd in use keeps no other csd from being locked, answered and waited for",
        "A broadcast locks 63 csds before it waits for the first: if one deaf CPU keeps all of them, no other CPU is called.",
    );
    let (csd, cpu) = (new(), FakeCpu::new(CALLER));
    let [deaf, other] = [0, 0].map(AtomicU32::new);
    rule.expect("locking the csd of a deaf CPU", cpu.attempt(|cpu| csd.lock(&deaf, cpu)), ())?;
    rule.expect("then locking another csd", cpu.attempt(|cpu| csd.lock(&other, cpu)), ())?;
    csd.unlock(&other);
    rule.expect("waiting for it, once answered", cpu.attempt(|cpu| csd.wait(&other, cpu)), ())?;
    let flags = deaf.load(Relaxed);
    rule.check(flags & CSD_FLAG_LOCK != 0, || {
        format!("the deaf CPU's csd has the flags {flags:#x}")
    })
}
