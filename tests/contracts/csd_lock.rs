use softlockup::ThisCpu;
use softlockup::parts::contract::csd_lock;
use softlockup::parts::csd_lock::{CSD_FLAG_LOCK, CsdLock, KernelCsdLock};
use softlockup::sync::AtomicU32;
use softlockup::sync::Ordering::*;

/// The rules that a csd lock breaks.
fn broken<C: CsdLock>(new: impl Fn() -> C) -> Vec<&'static str> {
    let broken = broken!(csd_lock(&new): takes_a_free_csd, unlock_clears_everything, wait_ends_at_the_unlock,
        wait_for_a_free_csd_is_over, keeps_csds_apart, lock_waits_by_itself);
    assert_eq!(csd_lock::all(new).is_ok(), broken.is_empty());
    broken
}

/// A csd lock that is put together: how `lock` tries to take the csd, what `unlock` does, and when `wait` is over.
#[derive(Clone, Copy)]
struct Made {
    is_taken: fn(&AtomicU32) -> bool,
    unlock: fn(&AtomicU32),
    is_free: fn(&AtomicU32) -> bool,
    gives_up_after: u32,
}

/// As the kernel's.
const RIGHT: Made = Made {
    is_taken: |flags| {
        let is_free = flags.load(Acquire) & CSD_FLAG_LOCK == 0;
        if is_free {
            flags.store(CSD_FLAG_LOCK, Relaxed);
        }
        is_free
    },
    unlock: |flags| flags.store(0, Release),
    is_free: |flags| flags.load(Acquire) & CSD_FLAG_LOCK == 0,
    gives_up_after: u32::MAX,
};

impl CsdLock for Made {
    fn lock(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        while !(self.is_taken)(flags) {
            cpu.relax();
        }
    }

    fn unlock(&self, flags: &AtomicU32) {
        (self.unlock)(flags);
    }

    fn wait(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        let mut looks = 0;
        while !(self.is_free)(flags) && looks < self.gives_up_after {
            cpu.relax();
            looks += 1;
        }
    }
}

#[test]
fn the_kernels_csd_lock_keeps_the_rules() {
    assert!(broken(|| KernelCsdLock).is_empty());
}

#[test]
fn every_right_csd_lock_is_accepted() {
    let fetch_or = |flags: &AtomicU32| flags.fetch_or(CSD_FLAG_LOCK, Acquire) & CSD_FLAG_LOCK == 0;
    let exchange =
        |flags: &AtomicU32| flags.compare_exchange(0, CSD_FLAG_LOCK, SeqCst, Relaxed).is_ok();
    for right in [
        RIGHT,
        Made { is_taken: fetch_or, ..RIGHT },
        Made { is_taken: exchange, ..RIGHT },
        Made { unlock: |flags| _ = flags.swap(0, AcqRel), ..RIGHT },
        Made { unlock: |flags| _ = flags.fetch_and(0, SeqCst), ..RIGHT },
        Made { is_free: |flags| flags.fetch_or(0, SeqCst) & 1 == 0, ..RIGHT },
        Made { is_free: |flags| flags.load(SeqCst) == 0, ..RIGHT },
    ] {
        assert!(broken(|| right).is_empty());
    }
}

#[test]
fn wrong_csd_locks_are_refused() {
    let rules = |wrong: Made| broken(move || wrong);
    // `lock` does not wait.
    let at_once = |flags: &AtomicU32| {
        flags.store(CSD_FLAG_LOCK, Relaxed);
        true
    };
    assert_eq!(rules(Made { is_taken: at_once, ..RIGHT }), ["lock_waits_by_itself"]);
    // `lock` overwrites the flags of the request that it waits for.
    let swaps = |flags: &AtomicU32| flags.swap(CSD_FLAG_LOCK, Acquire) & CSD_FLAG_LOCK == 0;
    assert_eq!(rules(Made { is_taken: swaps, ..RIGHT }), ["lock_waits_by_itself"]);
    // `lock` sets no flag, or one of its own besides.
    let sets_none = |flags: &AtomicU32| flags.load(Acquire) & CSD_FLAG_LOCK == 0;
    assert!(rules(Made { is_taken: sets_none, ..RIGHT }).contains(&"takes_a_free_csd"));
    let sets_two = |flags: &AtomicU32| {
        let is_free = flags.load(Acquire) & CSD_FLAG_LOCK == 0;
        if is_free {
            flags.store(CSD_FLAG_LOCK | 0x80, Relaxed);
        }
        is_free
    };
    let rules_of_two = rules(Made { is_taken: sets_two, ..RIGHT });
    assert_eq!(rules_of_two, ["takes_a_free_csd", "lock_waits_by_itself"]);
    // `unlock` clears one flag, or the flags that it knows.
    let clears_lock = |flags: &AtomicU32| _ = flags.fetch_and(!CSD_FLAG_LOCK, Release);
    let rules_of_lock = rules(Made { unlock: clears_lock, ..RIGHT });
    assert!(rules_of_lock.contains(&"unlock_clears_everything"));
    let clears_three = |flags: &AtomicU32| _ = flags.fetch_and(!3, Release);
    let rules_of_three = rules(Made { unlock: clears_three, ..RIGHT });
    assert!(rules_of_three.contains(&"unlock_clears_everything"));
    // `==` for `&`.
    let equals = |flags: &AtomicU32| flags.load(Acquire) != CSD_FLAG_LOCK;
    assert_eq!(rules(Made { is_free: equals, ..RIGHT }), ["wait_ends_at_the_unlock"]);
    // `wait` knows 4.19's flag only.
    let knows_three = |flags: &AtomicU32| !matches!(flags.load(Acquire), CSD_FLAG_LOCK | 3);
    assert_eq!(rules(Made { is_free: knows_three, ..RIGHT }), ["wait_ends_at_the_unlock"]);
    // `wait` does not wait, or gives up, or takes the lock away, or never ends.
    assert_eq!(rules(Made { gives_up_after: 0, ..RIGHT }), ["wait_ends_at_the_unlock"]);
    assert_eq!(rules(Made { gives_up_after: 2_000, ..RIGHT }), ["wait_ends_at_the_unlock"]);
    let takes_away = |flags: &AtomicU32| flags.fetch_and(!CSD_FLAG_LOCK, Acquire) & 1 == 0;
    assert_eq!(rules(Made { is_free: takes_away, ..RIGHT }), ["wait_ends_at_the_unlock"]);
    let never = |_: &AtomicU32| false;
    assert_eq!(
        rules(Made { is_free: never, ..RIGHT }),
        ["wait_ends_at_the_unlock", "wait_for_a_free_csd_is_over", "keeps_csds_apart"]
    );
}

#[test]
fn a_wait_that_ends_early_is_told_with_its_flags() {
    let equals = Made { is_free: |flags| flags.load(Acquire) != CSD_FLAG_LOCK, ..RIGHT };
    let broken = csd_lock::wait_ends_at_the_unlock(|| equals).unwrap_err();
    assert_eq!(
        broken.rule,
        "a csd is in use from `lock` to `unlock`, and a wait for it ends only then"
    );
    assert_eq!(
        broken.happened,
        "`wait` with the flags 0x3 came back too early, after 0 looks and 0.000000 s (it gave ())"
    );
}

/// A bit in the lock itself, beside the one in the flags.
#[derive(Default)]
struct OneAtATime(AtomicU32);

impl CsdLock for OneAtATime {
    fn lock(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        while self.0.swap(1, Acquire) == 1 {
            cpu.relax();
        }
        flags.store(CSD_FLAG_LOCK, Relaxed);
    }

    fn unlock(&self, flags: &AtomicU32) {
        flags.store(0, Release);
        self.0.store(0, Release);
    }

    fn wait(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        KernelCsdLock.wait(flags, cpu);
    }
}

#[test]
fn one_csd_at_a_time_is_refused() {
    assert!(broken(OneAtATime::default).contains(&"keeps_csds_apart"));
}
