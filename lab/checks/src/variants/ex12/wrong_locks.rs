//! Locks that are wrong also step by step.

use super::*;

const NESTS: &str = "contract::die_lock::nests";

pub(super) const VARIANTS: &[Variant] = &[
    wrong("arm64's", NESTS, &["the nested lock: CPU#0 still waits"], checks::<Arm64DieLock, Chain>),
    wrong(
        "x86's",
        NESTS,
        &["the next nested lock: CPU#0 still waits"],
        checks::<X86DieLock, Chain>,
    ),
    wrong(
        "two levels at most",
        NESTS,
        &["the third lock gave 2 and not 3"],
        checks::<TwoLevels, Chain>,
    ),
    wrong(
        "gives it back at every level",
        NESTS,
        &["CPU#1's oops went on before"],
        checks::<EveryLevel, Chain>,
    ),
    wrong("gives up after 10 s", EXCLUDES, &["too early"], checks::<GivesUp, Chain>),
    wrong(
        "lets other CPUs in as well",
        EXCLUDES,
        &["too early, after 0 looks"],
        checks::<LetsAllIn, Chain>,
    ),
    wrong(
        "the holder stays written",
        EXCLUDES,
        &["CPU#1's lock while CPU#0 holds it", "too early"],
        checks::<StaleHolder, Chain>,
    ),
    wrong(
        "32 CPUs at most",
        EXCLUDES,
        &["CPU#32's lock while CPU#0 holds it", "too early"],
        checks::<ThirtyTwo, Chain>,
    ),
];

die_lock! {
    /// A second level is a flag.
    TwoLevels { holder: AtomicU32, nested: AtomicBool }
    lock(self, cpu) {
        if self.holder.load(Relaxed) == me(cpu) {
            self.nested.store(true, Relaxed);
            return 2;
        }
        while self.holder.compare_exchange(0, me(cpu), Acquire, Relaxed).is_err() {
            cpu.relax();
        }
        1
    }
    unlock(self, _cpu) {
        if self.nested.swap(false, Relaxed) {
            return 1;
        }
        self.holder.store(0, Release);
        0
    }
    task_exit(self, cpu) {
        if self.holder.load(Relaxed) == me(cpu) {
            self.nested.store(false, Relaxed);
            self.holder.store(0, Release);
        }
    }
}

holder_lock! {
    EveryLevel
    unlock(self, _cpu) {
        let left = self.depth.fetch_sub(1, Relaxed) - 1;
        self.holder.store(0, Release);
        left
    }
}

holder_lock! {
    GivesUp
    lock(self, cpu) {
        let began = cpu.now();
        if self.holder.load(Relaxed) != me(cpu) {
            while self.holder.compare_exchange(0, me(cpu), Acquire, Relaxed).is_err()
                && cpu.now().ns_since(began) < 10_000_000_000
            {
                cpu.relax();
            }
        }
        self.depth.fetch_add(1, Relaxed) + 1
    }
}

die_lock! {
    /// A lock that never hangs.
    LetsAllIn { depth: AtomicU32 }
    lock(self, _cpu) { self.depth.fetch_add(1, Acquire) + 1 }
    unlock(self, _cpu) { self.depth.fetch_sub(1, Release) - 1 }
    task_exit(self, _cpu) { self.depth.store(0, Release); }
}

die_lock! {
    /// The last holder finds its number, and walks in.
    StaleHolder { locked: AtomicBool, owner: AtomicU32, depth: AtomicU32 }
    lock(self, cpu) {
        if self.owner.load(Relaxed) != me(cpu) {
            while self.locked.swap(true, Acquire) {
                cpu.relax();
            }
            self.owner.store(me(cpu), Relaxed);
        }
        self.depth.fetch_add(1, Relaxed) + 1
    }
    unlock(self, _cpu) {
        let left = self.depth.fetch_sub(1, Relaxed) - 1;
        if left == 0 {
            self.locked.store(false, Release);
        }
        left
    }
    task_exit(self, cpu) {
        if self.owner.load(Relaxed) == me(cpu) {
            self.depth.store(0, Relaxed);
            self.locked.store(false, Release);
        }
    }
}

die_lock! {
    /// A bit of the word says which CPU holds it.
    ThirtyTwo { holder: AtomicU32, depth: AtomicU32 }
    lock(self, cpu) {
        let mine = 1_u32.wrapping_shl(cpu.id().0);
        if self.holder.load(Relaxed) != mine {
            while self.holder.compare_exchange(0, mine, Acquire, Relaxed).is_err() {
                cpu.relax();
            }
        }
        self.depth.fetch_add(1, Relaxed) + 1
    }
    unlock(self, _cpu) {
        let left = self.depth.fetch_sub(1, Relaxed) - 1;
        if left == 0 {
            self.holder.store(0, Release);
        }
        left
    }
    task_exit(self, cpu) {
        if self.holder.load(Relaxed) == 1_u32.wrapping_shl(cpu.id().0) {
            self.depth.store(0, Relaxed);
            self.holder.store(0, Release);
        }
    }
}
