//! Locks whose task dies.

use super::*;

const DIES: &str = "contract::die_lock::survives_the_task";
const OTHERS: &str = "contract::die_lock::ignores_the_exit_of_others";

pub(super) const VARIANTS: &[Variant] = &[
    wrong(
        "x86's, unlocked in order",
        DIES,
        &["a later oops: CPU#1 still waits"],
        checks::<NoExit, Chain>,
    ),
    wrong(
        "the exit gives one level back",
        DIES,
        &["a later oops: CPU#1 still waits"],
        checks::<ExitOneLevel, Chain>,
    ),
    wrong(
        "the exit keeps the depth",
        DIES,
        &["a later oops gave 2 and not 1"],
        checks::<ExitKeepsDepth, Chain>,
    ),
    wrong(
        "the exit frees whatever lock is held",
        OTHERS,
        &["after an exit there", "too early"],
        checks::<ExitOfAll, Chain>,
    ),
    wrong(
        "an exit on CPU 0 only",
        DIES,
        &["a later oops: CPU#0 still waits"],
        checks::<ExitOnZero, Chain>,
    ),
];

holder_lock! {
    /// Linux has no such step.
    NoExit
    task_exit(self, _cpu) {}
}

holder_lock! {
    ExitOneLevel
    task_exit(self, cpu) {
        if self.holder.load(Relaxed) == me(cpu) {
            DieLock::unlock(self, cpu);
        }
    }
}

holder_lock! {
    ExitKeepsDepth
    task_exit(self, cpu) {
        if self.holder.load(Relaxed) == me(cpu) {
            self.holder.store(0, Release);
        }
    }
}

holder_lock! {
    ExitOfAll
    task_exit(self, _cpu) {
        self.depth.store(0, Relaxed);
        self.holder.store(0, Release);
    }
}

holder_lock! {
    /// In the article it is CPU 0.
    ExitOnZero
    task_exit(self, cpu) {
        if cpu.id() == CpuId(0) && self.holder.load(Relaxed) == me(cpu) {
            self.depth.store(0, Relaxed);
            self.holder.store(0, Release);
        }
    }
}
