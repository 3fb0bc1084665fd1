//! The rules of each part, written once.
//!
//! A rule is generic over the part, so that the shipped parts, an exercise, its solution and every known wrong answer
//! go through the same code. Rules here need no threads: they run on a [`FakeCpu`], where waiting for ever is an
//! answer. What only shows between real CPUs (orderings, lost wake-ups) is model-checked in `tests/loom.rs`.

use std::fmt;

use crate::cpumask::CpuId;
use crate::parts::call_queue::{CallQueue, CsdId, Link, Links};
use crate::parts::csd_lock::{CSD_FLAG_LOCK, CsdLock};
use crate::parts::die_lock::DieLock;
use crate::parts::fake_cpu::{FakeCpu, Stuck};
use crate::parts::softlockup::{Heartbeat, SampleContext, SoftlockupDetector, SoftlockupVerdict};
use crate::sync::{AtomicU32, Ordering::*};
use crate::version::CSD_FLAG_SYNCHRONOUS;

/// A rule that a part broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The rule, as a sentence.
    pub rule: &'static str,
    /// What happened instead.
    pub happened: String,
    /// Why the rule matters on a real machine.
    pub why: &'static str,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; but {}. {}", self.rule, self.happened, self.why)
    }
}

impl std::error::Error for Broken {}

/// A rule on trial: remembers the sentence and the reason for the case that something else happens.
struct Rule(&'static str, &'static str);

impl Rule {
    fn expect<T: PartialEq + fmt::Debug>(
        &self,
        what: &str,
        seen: Result<T, Stuck>,
        want: T,
    ) -> Result<(), Broken> {
        match seen {
            Ok(got) if got == want => Ok(()),
            Ok(got) => self.broken(format!("{what} gave {got:?} and not {want:?}")),
            Err(stuck) => self.broken(format!("{what}: {stuck}")),
        }
    }

    fn expect_stuck<T: fmt::Debug>(
        &self,
        what: &str,
        seen: Result<T, Stuck>,
    ) -> Result<(), Broken> {
        match seen {
            Err(_) => Ok(()),
            Ok(got) => self.broken(format!("{what} did not wait (it gave {got:?})")),
        }
    }

    fn broken(&self, happened: String) -> Result<(), Broken> {
        Err(Broken { rule: self.0, happened, why: self.1 })
    }
}

/// The rules of a [`DieLock`]. Every policy keeps [`excludes`](die_lock::excludes); the others tell policies apart.
pub mod die_lock {
    use super::*;

    const CPU0: CpuId = CpuId(0);
    const CPU1: CpuId = CpuId(1);

    /// One CPU at a time reports an oops.
    ///
    /// # Errors
    /// The rule it broke.
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

    /// An oops inside an oops report gets through, however often.
    ///
    /// # Errors
    /// The rule it broke: [`Arm64DieLock`](crate::parts::die_lock::Arm64DieLock) at the second lock, as the article's machine did;
    /// [`X86DieLock`](crate::parts::die_lock::X86DieLock) at lock, lock, unlock, lock.
    pub fn nests<D: DieLock>(new: impl Fn() -> D) -> Result<(), Broken> {
        let rule = Rule(
            "a CPU that oopses while it reports an oops is let through",
            "Nobody else can give the lock back: the CPU waits for itself, with interrupts off.",
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

    /// After a task died inside a nested oops, the next oops is reported, on whichever CPU it comes.
    ///
    /// # Errors
    /// The rule it broke: [`X86DieLock`](crate::parts::die_lock::X86DieLock) leaks one level.
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
}

/// The rules of a [`CsdLock`].
pub mod csd_lock {
    use super::*;

    /// A csd serves one request at a time, and waiting for it lasts exactly until it is answered.
    ///
    /// # Errors
    /// The rule it broke.
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
}

/// The rules of a [`CallQueue`].
pub mod call_queue {
    use super::*;

    /// First in, first out; nothing lost, nothing twice; "was empty" is said once per emptying.
    ///
    /// # Errors
    /// The rule it broke.
    pub fn first_in_first_out<Q: CallQueue>() -> Result<(), Broken> {
        let rule = Rule(
            "calls are taken in the order in which they were posted, and only the first one needs an IPI",
            "A call that overtakes another runs on stale data; a missing IPI leaves its caller waiting for ever.",
        );
        let queue = Q::default();
        let links: Vec<Link> = (0..8).map(|_| Link::new()).collect();
        let push = |csd| queue.push(CsdId(csd), &links[..]);
        let take = || Ok(taken(queue.take_all(&links[..]), &links));
        rule.expect("taking from an empty queue", take(), vec![])?;
        for round in 0..2 {
            rule.expect("`push` on an empty queue", Ok(push(5)), true)?;
            rule.expect("`push` on a queue of one", Ok(push(0)), false)?;
            rule.expect("`push` on a queue of two", Ok(push(7)), false)?;
            rule.expect("taking three", take(), vec![5, 0, 7])?;
            rule.expect("taking again", take(), vec![])?;
            rule.expect("`push` after it", Ok(push(round)), true)?;
            rule.expect("taking one", take(), vec![round])?;
        }
        Ok(())
    }

    fn taken(first: Option<CsdId>, links: &[Link]) -> Vec<u32> {
        let next = |csd: &CsdId| links.link(*csd).get();
        // A list that bites its own tail must not hang its judge.
        std::iter::successors(first, next).take(links.len() + 1).map(|csd| csd.0).collect()
    }
}

/// The rules of a [`SoftlockupDetector`].
pub mod lockup_detector {
    use super::*;

    const THRESH: u64 = 20;

    fn context(now: u64) -> SampleContext {
        SampleContext { now, softlockup_thresh: THRESH, current: 7 }
    }

    /// Reports a CPU that was not fed for *more* than the threshold, with the units since it was fed; wrap-safe.
    ///
    /// # Errors
    /// The rule it broke.
    pub fn reports_a_starved_cpu<L: SoftlockupDetector>(detector: &L) -> Result<(), Broken> {
        let rule = Rule(
            "a CPU is reported when more than the threshold has passed since it was fed, and not before",
            "One unit early is a false alarm on every busy machine; one unit late is a sample late, 4 s.",
        );
        for fed_at in [100, 1 << 40, u64::MAX - 10] {
            let fed = detector.feed(Heartbeat::default(), fed_at);
            let verdict =
                |units: u64| Ok(detector.sample(fed, context(fed_at.wrapping_add(units))).1);
            rule.expect("a sample at once", verdict(0), SoftlockupVerdict::Healthy)?;
            rule.expect("a sample at the threshold", verdict(THRESH), SoftlockupVerdict::Healthy)?;
            let late = SoftlockupVerdict::Lockup { units: THRESH + 1 };
            rule.expect("a sample one unit later", verdict(THRESH + 1), late)?;
            let later = SoftlockupVerdict::Lockup { units: 22 };
            rule.expect("the sixth sample", verdict(22), later)?;
        }
        Ok(())
    }

    /// A touched CPU is not reported at its next sample, and gets a full threshold of time from then on.
    ///
    /// # Errors
    /// The rule it broke.
    pub fn a_touch_buys_time<L: SoftlockupDetector>(detector: &L) -> Result<(), Broken> {
        let rule = Rule(
            "after a touch the count starts again at the next sample",
            "Code that is slow on purpose (a long dump) touches the watchdog so as not to be reported for it.",
        );
        let touched = detector.touch(detector.feed(Heartbeat::default(), 100));
        let (after, verdict) = detector.sample(touched, context(130));
        rule.expect("the sample after the touch", Ok(verdict), SoftlockupVerdict::Reset)?;
        let quiet = detector.sample(after, context(130 + THRESH)).1;
        rule.expect("a sample one threshold later", Ok(quiet), SoftlockupVerdict::Healthy)?;
        let loud = detector.sample(after, context(130 + THRESH + 1)).1;
        match loud {
            SoftlockupVerdict::Lockup { .. } => Ok(()),
            other => rule.broken(format!("a sample after that gave {other:?}")),
        }
    }
}
