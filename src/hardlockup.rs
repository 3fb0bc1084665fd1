//! The hard-lockup detectors: who notices a CPU that does not even take its timer?
//!
//! It cannot be that CPU, unless something passes its interrupt flag. So the *buddy* lets each CPU's timer look after
//! the next CPU, and the *perf* detector samples a CPU by an NMI of its own.
//!
//! | atomic of a CPU | written by | read by | order |
//! |---|---|---|---|
//! | `hrtimer_interrupts` | the owner, once per sample | whoever watches it | Relaxed: a count, nothing hangs on it |
//! | `hardlockup_touched` | the owner sets it, and whoever begins to watch it; whoever watches it clears it | the latter | Relaxed: a hint, good for one check |
//!
//! In Linux: `kernel/watchdog.c`, `watchdog_hardlockup_check`, `is_hardlockup`; `kernel/watchdog_buddy.c`;
//! `kernel/watchdog_perf.c`.
//! Here it differs: what is remembered of a CPU lies with the CPU that watches it, which forgets it when another CPU comes
//! between; and both detectors can run at once, where Linux is built with one.

use std::cell::Cell;
use std::sync::atomic::Ordering::Relaxed;

use serde::{Deserialize, Serialize};

use crate::record::Event;
use crate::{Cpu, CpuId, NSEC_PER_SEC, ThisCpu, Vector, nmi, panic, watchdog};

/// How the buddy looks at the next CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuddyRule {
    /// At each so-many-th sample of its own.
    pub every: u64,
    /// It reports at this many looks in a row that find the count unchanged.
    pub miss_thresh: u32,
}

impl BuddyRule {
    /// 6.5 to 6.19: every third sample, at once. With the default threshold that is 8 to 24 s after a CPU went dark.
    pub const EVERY_THIRD_SAMPLE: BuddyRule = BuddyRule { every: 3, miss_thresh: 1 };

    /// 2026: every sample, the third time: 8 to 12 s after, and as much more as the watching CPU's samples come after
    /// the watched one's.
    pub const EVERY_SAMPLE: BuddyRule = BuddyRule { every: 1, miss_thresh: 3 };
}

/// What is remembered of a watched CPU from look to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HardlockupWatch {
    /// `hrtimer_interrupts_saved`: its count at the last look that found it changed.
    pub saved: u64,
    /// `hrtimer_interrupts_missed`: looks since then.
    pub missed: u32,
    /// `watchdog_hardlockup_warned`: it has been reported.
    pub warned: bool,
}

/// What one look finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HardlockupVerdict {
    /// Its timer ran since the last look.
    Alive,
    /// It did not, but not for long enough.
    Missed,
    /// Locked up, and already reported.
    AlreadyReported,
    /// `Watchdog detected hard LOCKUP on cpu …`
    Lockup,
}

/// Is the CPU whose timer has run `interrupts` times locked up? Pure. In Linux: `is_hardlockup`.
pub fn is_hardlockup(
    watch: HardlockupWatch,
    interrupts: u64,
    miss_thresh: u32,
) -> (HardlockupWatch, HardlockupVerdict) {
    if watch.saved != interrupts {
        return (
            HardlockupWatch { saved: interrupts, missed: 0, warned: false },
            HardlockupVerdict::Alive,
        );
    }
    let missed = watch.missed + 1;
    let (warned, verdict) = match (missed >= miss_thresh, watch.warned) {
        (false, warned) => (warned, HardlockupVerdict::Missed),
        (true, true) => (true, HardlockupVerdict::AlreadyReported),
        (true, false) => (true, HardlockupVerdict::Lockup),
    };
    (HardlockupWatch { missed, warned, ..watch }, verdict)
}

/// Tells both watchdogs of this CPU that what it does is slow on purpose. In Linux: `touch_nmi_watchdog`.
pub fn touch_nmi_watchdog(cpu: &Cpu) {
    cpu.per_cpu().hardlockup_touched.store(true, Relaxed);
    watchdog::touch_softlockup_watchdog(cpu);
}

/// One sample of this CPU's timer: counts it, and looks after the next CPU if it is time. In Linux:
/// `watchdog_hardlockup_kick`, `watchdog_buddy_check_hardlockup`.
pub(crate) fn watchdog_hardlockup_kick(cpu: &Cpu) {
    let interrupts = cpu.per_cpu().hrtimer_interrupts.fetch_add(1, Relaxed) + 1;
    if let Some(BuddyRule { every, miss_thresh }) = cpu.shared().config.detectors.hardlockup_buddy
        && interrupts.is_multiple_of(every)
        && let Some(next) = watchdog_next_cpu(cpu)
    {
        if cpu.buddy.replace(Some(next)) != Some(next) {
            cpu.buddy_watch.set(HardlockupWatch::default());
        }
        watchdog_hardlockup_check(cpu, next, &cpu.buddy_watch, miss_thresh);
    }
}

/// A CPU comes online. With the buddy, it is touched, because its timer has yet to run, and so is the next one, whose count
/// this one does not remember yet. In Linux: `watchdog_hardlockup_enable` of `watchdog_buddy.c` and `watchdog_perf.c`.
pub(crate) fn watchdog_hardlockup_enable(cpu: &Cpu) {
    if cpu.shared().config.detectors.hardlockup_buddy.is_some() {
        for touched in [Some(cpu.id()), watchdog_next_cpu(cpu)].into_iter().flatten() {
            cpu.shared().per_cpu(touched).hardlockup_touched.store(true, Relaxed);
        }
    }
    start_perf_counter(cpu);
}

/// Starts the perf detector's counter, if there is one: it needs an NMI.
fn start_perf_counter(cpu: &Cpu) {
    let config = &cpu.shared().config;
    if config.detectors.hardlockup_perf && config.has_nmi() {
        let period_ns = config.watchdog_thresh_secs * NSEC_PER_SEC;
        cpu.shared().clock.arm_timer(cpu.id(), Vector::Perf, cpu.now() + period_ns);
    }
}

/// The NMI that a CPU gets for every `watchdog_thresh` seconds of cycles. In Linux: `watchdog_overflow_callback`.
pub(crate) fn watchdog_overflow_callback(cpu: &Cpu) {
    start_perf_counter(cpu); // the next one
    watchdog_hardlockup_check(cpu, cpu.id(), &cpu.perf_watch, 1);
}

/// The CPU after this one, going round. In Linux: `watchdog_next_cpu`.
fn watchdog_next_cpu(cpu: &Cpu) -> Option<CpuId> {
    let nr_cpus = cpu.nr_cpus();
    let after = (1..nr_cpus).map(|n| CpuId((cpu.id().0 + n) % nr_cpus));
    let mut online = after.filter(|next| cpu.shared().is_online(*next));
    online.next()
}

fn watchdog_hardlockup_check(
    cpu: &Cpu,
    watched: CpuId,
    memory: &Cell<HardlockupWatch>,
    miss_thresh: u32,
) {
    let per_cpu = cpu.shared().per_cpu(watched);
    if per_cpu.hardlockup_touched.swap(false, Relaxed) {
        return;
    }
    let interrupts = per_cpu.hrtimer_interrupts.load(Relaxed);
    let (watch, verdict) = is_hardlockup(memory.get(), interrupts, miss_thresh);
    memory.set(watch);
    if verdict != HardlockupVerdict::Lockup {
        return;
    }
    cpu.record(Event::HardLockup { cpu: watched });
    if watched != cpu.id() {
        nmi::trigger_single_cpu_backtrace(cpu, watched);
    }
    if cpu.shared().config.sysctl.hardlockup_panic {
        panic::panic(cpu, "Hard LOCKUP");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At which looks a CPU is reported whose timer ran before the second look, and never again.
    fn reported(miss_thresh: u32) -> Vec<u32> {
        let mut watch = HardlockupWatch::default();
        let mut reported = Vec::new();
        for look in 1..20 {
            let (next, verdict) = is_hardlockup(watch, look.min(2).into(), miss_thresh);
            watch = next;
            if verdict == HardlockupVerdict::Lockup {
                reported.push(look);
            }
        }
        reported
    }

    #[test]
    fn a_dark_cpu_is_reported_once_after_the_looks_it_may_miss() {
        assert_eq!(reported(1), [3]);
        assert_eq!(reported(3), [5]);
    }

    #[test]
    fn a_cpu_that_comes_back_can_be_reported_again() {
        let (watch, _) = is_hardlockup(HardlockupWatch::default(), 1, 1);
        let (watch, verdict) = is_hardlockup(watch, 1, 1);
        assert_eq!(verdict, HardlockupVerdict::Lockup);
        let (watch, verdict) = is_hardlockup(watch, 2, 1);
        assert_eq!(verdict, HardlockupVerdict::Alive);
        assert_eq!(is_hardlockup(watch, 2, 1).1, HardlockupVerdict::Lockup);
    }
}

#[cfg(all(test, loom))]
mod loom_models {
    use std::rc::Rc;

    use loom::thread;

    use super::*;
    use crate::flag::Flag;
    use crate::sync::AtomicU64;

    /// The buddy reads the count without any order. It is enough: counts never go back, and a tick that the buddy can
    /// know of (here: it was told) is one that it sees, so a live CPU is not taken for a dark one.
    #[test]
    fn a_tick_that_the_buddy_can_know_of_is_seen() {
        loom::model(|| {
            let shared = Rc::new((AtomicU64::new(1), Flag::default()));
            let owner = Rc::clone(&shared);
            let ticks = thread::spawn(move || {
                owner.0.fetch_add(1, Relaxed);
                owner.1.set();
            });
            let (interrupts, told) = &*shared;
            let first = interrupts.load(Relaxed);
            let (watch, _) = is_hardlockup(HardlockupWatch::default(), first, 1);
            let knows = told.is_set();
            let second = interrupts.load(Relaxed);
            assert!(second >= first);
            let verdict = is_hardlockup(watch, second, 1).1;
            if knows && first == 1 {
                assert_eq!(verdict, HardlockupVerdict::Alive);
            }
            ticks.join().unwrap();
        });
    }
}
