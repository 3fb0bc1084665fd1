//! What the hard-lockup detectors count, and what they remember.
//!
//! | atomic of a CPU | written by | read by | order |
//! |---|---|---|---|
//! | `hrtimer_interrupts` | the owner, once per sample | the CPU that watches it | Relaxed: a count, nothing hangs on it |
//! | `touched` | the owner sets it, and so does a CPU that begins to watch it; the CPU that watches it clears it | the CPU that watches it | Relaxed: a hint, good for one check |
//!
//! | atomic of the machine | written by | read by | order |
//! |---|---|---|---|
//! | `watchdog_cpus` | a CPU whose watchdog starts or stops, after it has touched those that are now watched by another one | a CPU that looks for the one it watches | Release, Acquire: who sees the change sees the touch |
//! | its `generation` | the same, after that | a CPU that keeps a copy of the mask | the same |
//!
//! In Linux: `kernel/watchdog.c`, `hrtimer_interrupts`, `hrtimer_interrupts_saved`, `watchdog_hardlockup_touched`;
//! `kernel/watchdog_buddy.c`, `watchdog_cpus`.
//! Here it differs: what is remembered of a CPU lies with the CPU that watches it.

use std::cell::{Cell, RefCell};

use crate::cpumask::{CpuId, CpuMask};
use crate::kernel::state::flag::Flag;
use crate::kernel::state::standstill::Standstill;
use crate::parts::hardlockup::HardlockupWatch;
use crate::sync::{AtomicBool, AtomicU32, AtomicU64, Ordering::*};

/// What others see of a CPU: see the table above.
#[derive(Debug)]
pub(crate) struct HrtimerInterrupts {
    hrtimer_interrupts: AtomicU64,
    touched: AtomicBool,
}

impl Default for HrtimerInterrupts {
    fn default() -> Self {
        HrtimerInterrupts { hrtimer_interrupts: AtomicU64::new(0), touched: AtomicBool::new(false) }
    }
}

impl HrtimerInterrupts {
    /// Counts one sample. Called by the owner. Returns how many there are now.
    pub(crate) fn count(&self) -> u64 {
        self.hrtimer_interrupts.fetch_add(1, Relaxed) + 1
    }

    /// How many samples there were.
    pub(crate) fn get(&self) -> u64 {
        self.hrtimer_interrupts.load(Relaxed)
    }

    /// The next check of this CPU finds nothing.
    pub(crate) fn touch(&self) {
        self.touched.store(true, Relaxed);
    }

    /// Whether this check is to find nothing. Called by the CPU that watches.
    pub(crate) fn take_touch(&self) -> bool {
        self.touched.swap(false, Relaxed)
    }
}

/// The CPUs whose watchdogs run. It is not `cpu_online_mask`: while `watchdog_thresh` changes, CPUs are online whose
/// watchdogs do not run; and a CPU that was stopped stays in.
#[derive(Debug)]
pub(crate) struct WatchdogCpus {
    watchdog_cpus: Box<[Flag]>,
    generation: AtomicU32,
}

impl WatchdogCpus {
    pub(crate) fn new(nr_cpus: u32) -> Self {
        let watchdog_cpus = (0..nr_cpus).map(|_| Flag::default()).collect();
        WatchdogCpus { watchdog_cpus, generation: AtomicU32::new(0) }
    }

    /// The watchdog of `cpu` starts. In Linux: `cpumask_set_cpu`, behind an `smp_wmb`.
    pub(crate) fn set(&self, cpu: CpuId) {
        self.watchdog_cpus[cpu.index()].set();
        self.generation.fetch_add(1, Release);
    }

    /// It stops. In Linux: `cpumask_clear_cpu`, behind an `smp_wmb`.
    pub(crate) fn clear(&self, cpu: CpuId) {
        self.watchdog_cpus[cpu.index()].clear();
        self.generation.fetch_add(1, Release);
    }

    /// How many times the mask has changed.
    fn generation(&self) -> u32 {
        self.generation.load(Acquire)
    }

    /// The mask, with `also` in it.
    fn mask(&self, also: CpuId) -> CpuMask {
        let nr_cpus = self.watchdog_cpus.len() as u32;
        let mut mask = CpuMask::none(nr_cpus);
        let is_in = |&cpu: &CpuId| cpu == also || self.watchdog_cpus[cpu.index()].is_set();
        (0..nr_cpus).map(CpuId).filter(is_in).for_each(|cpu| mask.set(cpu));
        mask
    }
}

/// What a CPU remembers of the CPUs that it watches. Its own: not shared.
#[derive(Debug, Default)]
pub(crate) struct HardlockupMemory {
    buddy: Cell<Option<CpuId>>,
    buddy_stands: Standstill,
    /// Of the buddy.
    buddy_watch: Cell<HardlockupWatch>,
    /// Of this CPU itself, sampled by its perf NMI.
    perf_watch: Cell<HardlockupWatch>,
    /// A copy of `watchdog_cpus`, and the generation that it is of.
    watchdog_cpus: RefCell<Option<(u32, CpuMask)>>,
}

impl HardlockupMemory {
    /// What is remembered of `buddy`: nothing, if the last look was at another CPU.
    pub(crate) fn of_buddy(&self, buddy: CpuId) -> &Cell<HardlockupWatch> {
        if self.buddy.replace(Some(buddy)) != Some(buddy) {
            self.buddy_watch.set(HardlockupWatch::default());
        }
        &self.buddy_watch
    }

    /// Whether the CPU that was checked last has passed no interruption point since the last sample of this one.
    pub(crate) fn buddy_stands_still(&self, progress: impl FnOnce(CpuId) -> Option<u64>) -> bool {
        self.buddy_stands.look(self.buddy.get(), progress)
    }

    /// Hands `use_it` this CPU and those whose watchdogs run: the mask of last time, unless it has changed since.
    pub(crate) fn with_watchdog_cpus<T>(
        &self,
        this: CpuId,
        cpus: &WatchdogCpus,
        use_it: impl FnOnce(&CpuMask) -> T,
    ) -> T {
        let generation = cpus.generation();
        let mut copy = self.watchdog_cpus.borrow_mut();
        match &*copy {
            Some((of, mask)) if *of == generation => use_it(mask),
            _ => use_it(&copy.insert((generation, cpus.mask(this))).1),
        }
    }

    /// What the perf NMI remembers of this CPU.
    pub(crate) fn of_this_cpu(&self) -> &Cell<HardlockupWatch> {
        &self.perf_watch
    }
}

#[cfg(all(test, loom))]
mod loom_models {
    use std::rc::Rc;

    use loom::thread;

    use super::*;
    use crate::kernel::state::flag::Flag;
    use crate::parts::hardlockup::{HardlockupVerdict, is_hardlockup};

    /// The buddy reads the count without any order. It is enough: counts never go back, and a tick that the buddy can
    /// know of (here: it was told) is one that it sees, so a live CPU is not taken for a dark one.
    #[test]
    fn a_tick_that_the_buddy_can_know_of_is_seen() {
        loom::model(|| {
            let shared = Rc::new((HrtimerInterrupts::default(), Flag::default()));
            shared.0.count();
            let owner = Rc::clone(&shared);
            let ticks = thread::spawn(move || {
                owner.0.count();
                owner.1.set();
            });
            let (interrupts, told) = &*shared;
            let first = interrupts.get();
            let (watch, _) = is_hardlockup(HardlockupWatch::default(), first, 1);
            let knows = told.is_set();
            let second = interrupts.get();
            assert!(second >= first);
            let verdict = is_hardlockup(watch, second, 1).1;
            if knows && first == 1 {
                assert_eq!(verdict, HardlockupVerdict::Alive);
            }
            ticks.join().unwrap();
        });
    }
}
