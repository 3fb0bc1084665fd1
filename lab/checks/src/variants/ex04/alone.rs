//! Wrong also step by step.

use super::*;

const ITSELF: &str = "contract::die_lock::never_lets_itself_in";

pub(super) const VARIANTS: &[Variant] = &[
    wrong(
        "lets every CPU in",
        EXCLUDES,
        &["CPU#1's lock while CPU#0 holds it", "too early"],
        checks::<NoLock>,
    ),
    wrong("never gives it back", EXCLUDES, &["still waits"], checks::<NeverGivesBack>),
    wrong(
        "gives up after 2000 looks",
        EXCLUDES,
        &["too early, after 2000 looks"],
        checks::<GivesUpAfterLooks>,
    ),
    wrong("gives up after 10 s", EXCLUDES, &["too early", "10.0"], checks::<GivesUpAfterTime>),
    wrong(
        "gives it back while it waits",
        EXCLUDES,
        &["too early, after 1 looks"],
        checks::<GivesBackWhileWaiting>,
    ),
    wrong("one lock for all machines", EXCLUDES, &["a new lock is free"], checks::<Static>),
    wrong(
        "says that the lock is still held",
        EXCLUDES,
        &["the depth that is left", "unlock", "gave 1 and not 0"],
        checks::<WrongDepth>,
    ),
    wrong(
        "the depth from 0",
        EXCLUDES,
        &["`lock` gives the depth", "gave 0 and not 1"],
        checks::<DepthFromZero>,
    ),
    wrong(
        "lets its holder in",
        ITSELF,
        &["second lock came back after 0 looks"],
        checks::<LetsItselfIn>,
    ),
    wrong(
        "serves the next ticket that will be drawn",
        EXCLUDES,
        &["still waits"],
        checks::<ServesTheNextDrawn>,
    ),
    wrong(
        "32 CPUs at most",
        EXCLUDES,
        &["CPU#32's lock while CPU#0 holds it"],
        checks::<ThirtyTwo>,
    ),
    wrong("a variable of the host's thread", "replay", &["CPU#"], checks::<ThreadLocal>),
];

die_lock! {
    /// The constants that the first test wants.
    NoLock {}
    lock(self, _cpu) { 1 }
    unlock(self, _cpu) { 0 }
}

die_lock! {
    NeverGivesBack { locked: AtomicU32 }
    unlock(self, _cpu) { 0 }
}

die_lock! {
    GivesUpAfterLooks { locked: AtomicU32 }
    lock(self, cpu) {
        for _ in 0..2000 {
            if self.locked.swap(1, Acquire) == 0 {
                break;
            }
            cpu.relax();
        }
        1
    }
}

die_lock! {
    GivesUpAfterTime { locked: AtomicU32 }
    lock(self, cpu) {
        let began = cpu.now();
        while self.locked.swap(1, Acquire) == 1 {
            cpu.relax_until(began + 10_000_000_000);
            if cpu.now().ns_since(began) >= 10_000_000_000 {
                break;
            }
        }
        1
    }
}

die_lock! {
    /// Releases a lock that it does not hold.
    GivesBackWhileWaiting { locked: AtomicU32 }
    lock(self, cpu) {
        while self.locked.swap(1, Acquire) == 1 {
            self.unlock(cpu);
            cpu.relax();
        }
        1
    }
}

static LOCKED: HostBool = HostBool::new(false);

die_lock! {
    Static {}
    lock(self, cpu) {
        while LOCKED.swap(true, Acquire) {
            cpu.relax();
        }
        1
    }
    unlock(self, _cpu) {
        LOCKED.store(false, Release);
        0
    }
}

die_lock! {
    WrongDepth { locked: AtomicU32 }
    unlock(self, _cpu) { self.locked.swap(0, Release) }
}

die_lock! {
    /// Returns what the exchange returns, which is what was there before.
    DepthFromZero { locked: AtomicU32 }
    lock(self, cpu) {
        loop {
            match self.locked.compare_exchange(0, 1, Acquire, Relaxed) {
                Ok(depth) => return depth,
                Err(_) => cpu.relax(),
            }
        }
    }
}

die_lock! {
    /// x86's, without a count.
    LetsItselfIn { holder: AtomicU32 }
    lock(self, cpu) {
        let me = cpu.id().0 + 1;
        while self.holder.compare_exchange(0, me, Acquire, Relaxed).is_err() {
            if self.holder.load(Relaxed) == me {
                return 2;
            }
            cpu.relax();
        }
        1
    }
    unlock(self, _cpu) {
        self.holder.store(0, Release);
        0
    }
}

die_lock! {
    ServesTheNextDrawn { next: AtomicU32, served: AtomicU32 }
    lock(self, cpu) {
        let mine = self.next.fetch_add(1, Relaxed);
        while self.served.load(Acquire) != mine {
            cpu.relax();
        }
        1
    }
    unlock(self, _cpu) {
        self.served.store(self.next.load(Relaxed), Release);
        0
    }
}

die_lock! {
    /// A bit for each CPU that holds it or wants it, and the lowest one goes first.
    ThirtyTwo { taken: AtomicU32 }
    lock(self, cpu) {
        let mine = 1_u32.wrapping_shl(cpu.id().0);
        while self.taken.fetch_or(mine, AcqRel) & !mine != 0 {
            self.taken.fetch_and(!mine, AcqRel);
            cpu.relax();
        }
        1
    }
    unlock(self, cpu) {
        self.taken.fetch_and(!1_u32.wrapping_shl(cpu.id().0), Release);
        0
    }
}

static LOCKS: HostU32 = HostU32::new(0);

thread_local! {
    /// The locks that are held.
    static HELD: RefCell<HashSet<u32>> = RefCell::default();
}

struct Number(u32);

impl Default for Number {
    fn default() -> Self {
        Number(LOCKS.fetch_add(1, Relaxed))
    }
}

die_lock! {
    /// On one thread it does all that a lock does.
    ThreadLocal { number: Number }
    lock(self, cpu) {
        while !HELD.with_borrow_mut(|held| held.insert(self.number.0)) {
            cpu.relax();
        }
        1
    }
    unlock(self, _cpu) {
        HELD.with_borrow_mut(|held| held.remove(&self.number.0));
        0
    }
}
