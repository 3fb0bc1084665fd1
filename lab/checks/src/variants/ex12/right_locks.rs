//! Right locks.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
    right("holder and depth in one word", checks::<OneWord, Chain>),
    right("x86's, with an exit", checks::<MendedX86, Chain>),
    right("a ticket lock that knows its holder", checks::<Ticket, Chain>),
    right("a depth for each CPU", checks::<DepthPerCpu, Chain>),
    right("fences and Relaxed", checks::<Fences, Chain>),
    right("SeqCst everywhere", checks::<AllSeqCst, Chain>),
];

die_lock! {
    /// The low byte is the depth.
    OneWord { word: AtomicU32 }
    lock(self, cpu) {
        let mine = me(cpu) << 8;
        loop {
            let word = self.word.load(Relaxed);
            if word != 0 && word & !0xff != mine {
                cpu.relax();
            } else if self.word.compare_exchange(word, (word | mine) + 1, Acquire, Relaxed).is_ok() {
                return (word & 0xff) + 1;
            }
        }
    }
    unlock(self, _cpu) {
        let left = (self.word.load(Relaxed) & 0xff) - 1;
        if left == 0 {
            self.word.store(0, Release);
        } else {
            self.word.fetch_sub(1, Relaxed);
        }
        left
    }
    task_exit(self, cpu) {
        if self.word.load(Relaxed) >> 8 == me(cpu) {
            self.word.store(0, Release);
        }
    }
}

die_lock! {
    /// Its owner is cleared with the last level only, and at an exit.
    MendedX86 { locked: AtomicBool, owner: AtomicU32, nest_count: AtomicU32 }
    lock(self, cpu) {
        if self.owner.load(Relaxed) != me(cpu) {
            while self.locked.swap(true, Acquire) {
                cpu.relax();
            }
            self.owner.store(me(cpu), Relaxed);
        }
        self.nest_count.fetch_add(1, Relaxed) + 1
    }
    unlock(self, _cpu) {
        let left = self.nest_count.fetch_sub(1, Relaxed) - 1;
        if left == 0 {
            self.owner.store(0, Relaxed);
            self.locked.store(false, Release);
        }
        left
    }
    task_exit(self, cpu) {
        if self.owner.load(Relaxed) == me(cpu) {
            self.nest_count.store(0, Relaxed);
            self.owner.store(0, Relaxed);
            self.locked.store(false, Release);
        }
    }
}

die_lock! {
    Ticket { next: AtomicU32, served: AtomicU32, owner: AtomicU32, depth: AtomicU32 }
    lock(self, cpu) {
        if self.owner.load(Relaxed) != me(cpu) {
            let mine = self.next.fetch_add(1, Relaxed);
            while self.served.load(Acquire) != mine {
                cpu.relax();
            }
            self.owner.store(me(cpu), Relaxed);
        }
        self.depth.fetch_add(1, Relaxed) + 1
    }
    unlock(self, _cpu) {
        let left = self.depth.fetch_sub(1, Relaxed) - 1;
        if left == 0 {
            self.owner.store(0, Relaxed);
            self.served.fetch_add(1, Release);
        }
        left
    }
    task_exit(self, cpu) {
        if self.owner.load(Relaxed) == me(cpu) {
            self.depth.store(0, Relaxed);
            self.owner.store(0, Relaxed);
            self.served.fetch_add(1, Release);
        }
    }
}

die_lock! {
    /// A CPU holds the lock if its own depth is not 0.
    DepthPerCpu { locked: AtomicU32, depths: PerCpu }
    lock(self, cpu) {
        let depth = self.depths.of(cpu.id());
        if depth.load(Relaxed) == 0 {
            while self.locked.fetch_or(1, Acquire) == 1 {
                cpu.relax();
            }
        }
        depth.fetch_add(1, Relaxed) + 1
    }
    unlock(self, cpu) {
        let left = self.depths.of(cpu.id()).fetch_sub(1, Relaxed) - 1;
        if left == 0 {
            self.locked.store(0, Release);
        }
        left
    }
    task_exit(self, cpu) {
        if self.depths.of(cpu.id()).swap(0, Relaxed) > 0 {
            self.locked.store(0, Release);
        }
    }
}

holder_lock! {
    Fences
    lock(self, cpu) {
        if self.holder.load(Relaxed) != me(cpu) {
            while self.holder.compare_exchange(0, me(cpu), Relaxed, Relaxed).is_err() {
                cpu.relax();
            }
            fence(Acquire);
        }
        self.depth.fetch_add(1, Relaxed) + 1
    }
    unlock(self, _cpu) {
        let left = self.depth.fetch_sub(1, Relaxed) - 1;
        if left == 0 {
            fence(Release);
            self.holder.store(0, Relaxed);
        }
        left
    }
    task_exit(self, cpu) {
        if self.holder.load(Relaxed) == me(cpu) {
            self.depth.store(0, Relaxed);
            fence(Release);
            self.holder.store(0, Relaxed);
        }
    }
}

holder_lock! {
    AllSeqCst
    lock(self, cpu) {
        if self.holder.load(SeqCst) != me(cpu) {
            while self.holder.compare_exchange(0, me(cpu), SeqCst, SeqCst).is_err() {
                cpu.relax();
            }
        }
        self.depth.fetch_add(1, SeqCst) + 1
    }
    unlock(self, _cpu) {
        let left = self.depth.fetch_sub(1, SeqCst) - 1;
        if left == 0 {
            self.holder.store(0, SeqCst);
        }
        left
    }
    task_exit(self, cpu) {
        if self.holder.load(SeqCst) == me(cpu) {
            self.depth.store(0, SeqCst);
            self.holder.store(0, SeqCst);
        }
    }
}
