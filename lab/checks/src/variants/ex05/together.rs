//! Wrong only if several CPUs act at once.

use super::*;

const MODEL: &str = "model::csd_lock";

pub(super) const VARIANTS: &[Variant] = &[
    wrong("unlock is Relaxed", MODEL, &["RACE", "Release"], checks::<UnlockRelaxed>),
    wrong("wait is Relaxed", MODEL, &["RACE", "Acquire"], checks::<WaitRelaxed>),
    wrong("lock waits Relaxed", MODEL, &["RACE", "Acquire"], checks::<LockRelaxed>),
    wrong("unlock with an Acquire", MODEL, &["RACE", "Release"], checks::<UnlockAcquire>),
    wrong("the fence after the store", MODEL, &["RACE"], checks::<FenceAfterStore>),
    wrong("the fence before the loads", MODEL, &["RACE"], checks::<FenceBeforeLoads>),
    wrong("a Release that stores too early", MODEL, &["RACE"], checks::<TwoSteps>),
    wrong("a fence for the compiler only", MODEL, &["RACE", "Acquire"], checks::<CompilerFence>),
];

csd_lock! {
    UnlockRelaxed {}
    unlock(self, flags) {
        flags.store(0, Relaxed);
    }
}

csd_lock! {
    WaitRelaxed {}
    lock(self, flags, cpu) {
        while flags.load(Acquire) & CSD_FLAG_LOCK != 0 {
            cpu.relax();
        }
        flags.store(CSD_FLAG_LOCK, Relaxed);
    }
    wait(self, flags, cpu) {
        while flags.load(Relaxed) & CSD_FLAG_LOCK != 0 {
            cpu.relax();
        }
    }
}

csd_lock! {
    LockRelaxed {}
    lock(self, flags, cpu) {
        while flags.load(Relaxed) & CSD_FLAG_LOCK != 0 {
            cpu.relax();
        }
        flags.store(CSD_FLAG_LOCK, Release);
    }
}

csd_lock! {
    UnlockAcquire {}
    unlock(self, flags) {
        flags.swap(0, Acquire);
    }
}

csd_lock! {
    FenceAfterStore {}
    unlock(self, flags) {
        flags.store(0, Relaxed);
        fence(Release);
    }
}

csd_lock! {
    FenceBeforeLoads {}
    wait(self, flags, cpu) {
        fence(Acquire);
        while flags.load(Relaxed) & CSD_FLAG_LOCK != 0 {
            cpu.relax();
        }
    }
}

csd_lock! {
    /// The bit first, and the others with a Release: too late.
    TwoSteps {}
    unlock(self, flags) {
        flags.fetch_and(!CSD_FLAG_LOCK, Relaxed);
        flags.store(0, Release);
    }
}

csd_lock! {
    /// It keeps the compiler from reordering, and no CPU.
    CompilerFence {}
    wait(self, flags, cpu) {
        while flags.load(Relaxed) & CSD_FLAG_LOCK != 0 {
            cpu.relax();
        }
        std::sync::atomic::compiler_fence(SeqCst);
    }
}
