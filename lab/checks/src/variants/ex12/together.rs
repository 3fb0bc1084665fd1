//! Locks that are wrong only if several CPUs act at once.

use super::*;

const MODEL: &str = "model::die_lock";

pub(super) const VARIANTS: &[Variant] = &[
    wrong("check, then act", MODEL, &["CPU#"], checks::<CheckThenAct, Chain>),
    wrong("takes it Relaxed", MODEL, &["RACE", "Acquire"], checks::<TakesRelaxed, Chain>),
    wrong("gives it back Relaxed", MODEL, &["RACE", "Release"], checks::<GivesBackRelaxed, Chain>),
    wrong(
        "the exit gives it back Relaxed",
        MODEL,
        &["RACE", "Release"],
        checks::<ExitRelaxed, Chain>,
    ),
    wrong("the exit clears the depth last", MODEL, &["CPU#"], checks::<ExitDepthLast, Chain>),
];

holder_lock! {
    ExitRelaxed
    task_exit(self, cpu) {
        if self.holder.load(Relaxed) == me(cpu) {
            self.depth.store(0, Relaxed);
            self.holder.store(0, Relaxed);
        }
    }
}

holder_lock! {
    ExitDepthLast
    task_exit(self, cpu) {
        if self.holder.load(Relaxed) == me(cpu) {
            self.holder.store(0, Release);
            self.depth.store(0, Relaxed);
        }
    }
}

holder_lock! {
    TakesRelaxed
    lock(self, cpu) {
        if self.holder.load(Relaxed) != me(cpu) {
            while self.holder.compare_exchange(0, me(cpu), Relaxed, Relaxed).is_err() {
                cpu.relax();
            }
        }
        self.depth.fetch_add(1, Relaxed) + 1
    }
}

holder_lock! {
    GivesBackRelaxed
    unlock(self, _cpu) {
        let left = self.depth.fetch_sub(1, Relaxed) - 1;
        if left == 0 {
            self.holder.store(0, Relaxed);
        }
        left
    }
}

holder_lock! {
    CheckThenAct
    lock(self, cpu) {
        while self.holder.load(Acquire) != 0 && self.holder.load(Acquire) != me(cpu) {
            cpu.relax();
        }
        self.holder.store(me(cpu), Release);
        self.depth.fetch_add(1, Relaxed) + 1
    }
}
