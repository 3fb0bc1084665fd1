//! Right ones.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
    solution(checks::<ex05_csd_lock_solution::MyCsdLock>),
    right("the kernel's own", checks::<KernelCsdLock>),
    right("fetch_or", checks::<FetchOr>),
    right("an exchange in lock", checks::<Exchange>),
    right("fetch_update", checks::<FetchUpdate>),
    right("SeqCst everywhere", checks::<AllSeqCst>),
    right("fences and Relaxed", checks::<Fences>),
    right("a swap in unlock", checks::<SwapUnlock>),
    right("waits for 0", checks::<WaitsForZero>),
];

csd_lock! {
    /// Which leaves the machine's bit as it is.
    FetchOr {}
    lock(self, flags, cpu) {
        while flags.fetch_or(CSD_FLAG_LOCK, Acquire) & CSD_FLAG_LOCK != 0 {
            cpu.relax();
        }
    }
}

csd_lock! {
    Exchange {}
    lock(self, flags, cpu) {
        while flags.compare_exchange(0, CSD_FLAG_LOCK, Acquire, Relaxed).is_err() {
            cpu.relax();
        }
    }
}

csd_lock! {
    FetchUpdate {}
    lock(self, flags, cpu) {
        let free = |flags| (flags & CSD_FLAG_LOCK == 0).then_some(CSD_FLAG_LOCK);
        while flags.fetch_update(Acquire, Relaxed, free).is_err() {
            cpu.relax();
        }
    }
    unlock(self, flags) {
        flags.fetch_and(0, Release);
    }
}

csd_lock! {
    AllSeqCst {}
    lock(self, flags, cpu) {
        self.wait(flags, cpu);
        flags.store(CSD_FLAG_LOCK, SeqCst);
    }
    unlock(self, flags) {
        flags.store(0, SeqCst);
    }
    wait(self, flags, cpu) {
        while flags.load(SeqCst) & CSD_FLAG_LOCK != 0 {
            cpu.relax();
        }
    }
}

csd_lock! {
    Fences {}
    unlock(self, flags) {
        fence(Release);
        flags.store(0, Relaxed);
    }
    wait(self, flags, cpu) {
        while flags.load(Relaxed) & CSD_FLAG_LOCK != 0 {
            cpu.relax();
        }
        fence(Acquire);
    }
}

csd_lock! {
    SwapUnlock {}
    unlock(self, flags) {
        flags.swap(0, AcqRel);
    }
    wait(self, flags, cpu) {
        loop {
            if flags.load(Acquire) & CSD_FLAG_LOCK == 0 {
                return;
            }
            cpu.relax();
        }
    }
}

csd_lock! {
    WaitsForZero {}
    wait(self, flags, cpu) {
        while flags.load(Acquire) != 0 {
            cpu.relax();
        }
    }
}
