//! The rules of a [`DieLock`]. Every policy keeps [`excludes`]; the other rules tell the policies
//! apart.

use crate::cpumask::CpuId;
use crate::parts::contract::{Broken, Rule};
use crate::parts::die_lock::DieLock;
use crate::parts::fake_cpu::FakeCpu;

const CPU0: CpuId = CpuId(0);
const CPU1: CpuId = CpuId(1);

/// One CPU at a time reports an oops.
///
/// # Errors
/// The rule that the part broke.
pub fn excludes<D: DieLock>(new: impl Fn() -> D) -> Result<(), Broken> {
    let rule = Rule(
        "while a CPU reports an oops, another CPU's oops waits",
        "Two reports at once are interleaved on the console and neither can be read.",
    );
    let (lock, cpu0, cpu1) = (new(), FakeCpu::new(CPU0), FakeCpu::new(CPU1));
    rule.expect("the first lock", cpu0.attempt(|cpu| lock.lock(cpu)), 1)?;
    rule.expect_stuck("CPU#1's lock", cpu1.attempt(|cpu| lock.lock(cpu)))?;
    rule.expect("the unlock", cpu0.attempt(|cpu| lock.unlock(cpu)), 0)?;
    rule.expect("CPU#1's lock after it", cpu1.attempt(|cpu| lock.lock(cpu)), 1)?;
    rule.expect_stuck("CPU#0's lock", cpu0.attempt(|cpu| lock.lock(cpu)))?;

    let lock = new();
    rule.expect("CPU#0's lock", cpu0.attempt(|cpu| lock.lock(cpu)), 1)?;
    let mut looks = 0;
    let waiting = FakeCpu::with_others(CPU1, || {
        looks += 1;
        if looks == 3 {
            lock.unlock(&FakeCpu::new(CPU0));
        }
    });
    rule.expect("a lock released meanwhile", waiting.attempt(|cpu| lock.lock(cpu)), 1)
}

/// An oops inside an oops report gets through, however often that happens.
///
/// # Errors
/// The rule that the part broke: [`Arm64DieLock`](crate::parts::die_lock::Arm64DieLock) at the second lock, as the
/// article's machine did; [`X86DieLock`](crate::parts::die_lock::X86DieLock) at lock, lock, unlock, lock.
pub fn nests<D: DieLock>(new: impl Fn() -> D) -> Result<(), Broken> {
    let rule = Rule(
        "a CPU that oopses while it reports an oops is let through",
        "No other CPU can give the lock back: this CPU waits for itself, with interrupts off.",
    );
    let (lock, cpu0, cpu1) = (new(), FakeCpu::new(CPU0), FakeCpu::new(CPU1));
    rule.expect("the first lock", cpu0.attempt(|cpu| lock.lock(cpu)), 1)?;
    rule.expect("the nested lock", cpu0.attempt(|cpu| lock.lock(cpu)), 2)?;
    rule.expect_stuck("CPU#1's lock at depth 2", cpu1.attempt(|cpu| lock.lock(cpu)))?;
    rule.expect("the inner unlock", cpu0.attempt(|cpu| lock.unlock(cpu)), 1)?;
    rule.expect_stuck("CPU#1's lock at depth 1", cpu1.attempt(|cpu| lock.lock(cpu)))?;
    rule.expect("the next nested lock", cpu0.attempt(|cpu| lock.lock(cpu)), 2)?;
    rule.expect("its unlock", cpu0.attempt(|cpu| lock.unlock(cpu)), 1)?;
    rule.expect("the outer unlock", cpu0.attempt(|cpu| lock.unlock(cpu)), 0)?;
    rule.expect("CPU#1's lock in the end", cpu1.attempt(|cpu| lock.lock(cpu)), 1)
}

/// After a task died inside a nested oops, the next oops is reported, whichever CPU it is on.
///
/// # Errors
/// The rule that the part broke: [`X86DieLock`](crate::parts::die_lock::X86DieLock) leaks one level.
pub fn survives_the_task<D: DieLock>(new: impl Fn() -> D) -> Result<(), Broken> {
    let rule = Rule(
        "a task that dies in a nested oops does not keep the lock",
        "Its stack is gone and with it the code that would have unlocked: the next oops on any CPU is silent.",
    );
    for later in [CPU0, CPU1] {
        let (lock, cpu0) = (new(), FakeCpu::new(CPU0));
        rule.expect("the first lock", cpu0.attempt(|cpu| lock.lock(cpu)), 1)?;
        rule.expect("the nested lock", cpu0.attempt(|cpu| lock.lock(cpu)), 2)?;
        rule.expect("the inner unlock", cpu0.attempt(|cpu| lock.unlock(cpu)), 1)?;
        rule.expect("the task's exit", cpu0.attempt(|cpu| lock.task_exit(cpu)), ())?;
        let next = FakeCpu::new(later);
        rule.expect("a later oops", next.attempt(|cpu| lock.lock(cpu)), 1)?;
    }
    Ok(())
}
