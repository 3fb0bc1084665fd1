//! Right ones.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
    solution(checks::<ex04_die_lock_solution::MyDieLock>),
    right("swap", checks::<Swap>),
    right("fetch_or", checks::<FetchOr>),
    right("looks before it exchanges", checks::<LooksFirst>),
    right("SeqCst everywhere", checks::<AllSeqCst>),
    right("fences and Relaxed", checks::<Fences>),
    right("a ticket lock", checks::<Ticket>),
    right("a queue of CPUs", checks::<Queue>),
    right("the holder's number", checks::<Holder>),
];

die_lock! {
    /// `swap` instead of an exchange.
    Swap { locked: AtomicBool }
    lock(self, cpu) {
        while self.locked.swap(true, Acquire) {
            cpu.relax();
        }
        1
    }
    unlock(self, _cpu) {
        self.locked.store(false, Release);
        0
    }
}

die_lock! {
    /// Sets a bit, and looks whether it was set.
    FetchOr { locked: AtomicU32 }
    lock(self, cpu) {
        while self.locked.fetch_or(1, Acquire) & 1 != 0 {
            cpu.relax();
        }
        1
    }
    unlock(self, _cpu) {
        self.locked.fetch_and(!1, Release);
        0
    }
}

die_lock! {
    /// Test and test-and-set: it writes only if it saw the lock free.
    LooksFirst { locked: AtomicU32 }
    lock(self, cpu) {
        loop {
            if self.locked.load(Relaxed) == 0 && self.locked.compare_exchange_weak(0, 1, Acquire, Relaxed).is_ok() {
                return 1;
            }
            cpu.relax();
        }
    }
}

die_lock! {
    /// Stronger than it needs to be.
    AllSeqCst { locked: AtomicU32 }
    lock(self, cpu) {
        while self.locked.compare_exchange(0, 1, SeqCst, SeqCst).is_err() {
            cpu.relax();
        }
        1
    }
    unlock(self, _cpu) {
        self.locked.store(0, SeqCst);
        0
    }
}

die_lock! {
    /// The orders in fences.
    Fences { locked: AtomicU32 }
    lock(self, cpu) {
        while self.locked.compare_exchange(0, 1, Relaxed, Relaxed).is_err() {
            cpu.relax();
        }
        fence(Acquire);
        1
    }
    unlock(self, _cpu) {
        fence(Release);
        self.locked.store(0, Relaxed);
        0
    }
}

die_lock! {
    /// First come, first served; as arm64 had it before 4.19.
    Ticket { next: AtomicU32, served: AtomicU32 }
    lock(self, cpu) {
        let mine = self.next.fetch_add(1, Relaxed);
        while self.served.load(Acquire) != mine {
            cpu.relax();
        }
        1
    }
    unlock(self, _cpu) {
        self.served.store(self.served.load(Relaxed) + 1, Release);
        0
    }
}

/// MCS, with CPUs for nodes: each CPU spins on a word of its own. A CPU that comes twice waits for itself.
struct Queue {
    /// The CPU that came last, plus one; 0: free.
    tail: AtomicU32,
    /// Per CPU: who comes after it, plus one.
    next: [AtomicU32; 64],
    waits: [AtomicBool; 64],
}

impl Default for Queue {
    fn default() -> Self {
        Queue {
            tail: AtomicU32::new(0),
            next: std::array::from_fn(|_| AtomicU32::new(0)),
            waits: std::array::from_fn(|_| AtomicBool::new(false)),
        }
    }
}

impl DieLock for Queue {
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        let CpuId(me) = cpu.id();
        self.next[me as usize].store(0, Relaxed);
        self.waits[me as usize].store(true, Relaxed);
        let before = self.tail.swap(me + 1, AcqRel);
        if before != 0 {
            self.next[before as usize - 1].store(me + 1, Release);
            while self.waits[me as usize].load(Acquire) {
                cpu.relax();
            }
        }
        1
    }

    fn unlock(&self, cpu: &impl ThisCpu) -> u32 {
        let CpuId(me) = cpu.id();
        if self.tail.compare_exchange(me + 1, 0, AcqRel, Acquire).is_ok() {
            return 0;
        }
        loop {
            let after = self.next[me as usize].load(Acquire);
            if after != 0 {
                self.waits[after as usize - 1].store(false, Release);
                return 0;
            }
            cpu.relax();
        }
    }
}

die_lock! {
    /// It knows its holder, and makes nothing of it.
    Holder { holder: AtomicU32 }
    lock(self, cpu) {
        while self.holder.compare_exchange(0, cpu.id().0 + 1, AcqRel, Relaxed).is_err() {
            cpu.relax();
        }
        1
    }
    unlock(self, cpu) {
        let CpuId(me) = cpu.id();
        let _ = self.holder.compare_exchange(me + 1, 0, Release, Relaxed);
        0
    }
}
