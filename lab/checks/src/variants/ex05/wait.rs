//! `wait`.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
    wrong(
        "== for &",
        WAIT,
        &["`wait` with the flags 0x3", "too early, after 0 looks"],
        checks::<Equal>,
    ),
    wrong("!= for &", WAIT, &["free csd", "still waits"], checks::<NotEqual>),
    wrong(
        "waits for the bit to be set",
        WAIT,
        &["free csd", "still waits"],
        checks::<WaitInverted>,
    ),
    wrong(
        "does not wait",
        WAIT,
        &["`wait` with the flags 0x1", "too early, after 0 looks"],
        checks::<NeverWaits>,
    ),
    wrong("looks twice", WAIT, &["too early, after 1 looks"], checks::<LooksTwice>),
    wrong(
        "gives up after 2000 looks",
        WAIT,
        &["too early, after 2000 looks"],
        checks::<GivesUpAfterLooks>,
    ),
    wrong("gives up after 10 s", WAIT, &["too early", "10.0"], checks::<GivesUpAfterTime>),
    wrong("wait takes the bit away", WAIT, &["too early, after 0 looks"], checks::<WaitClears>),
    wrong(
        "wait marks the csd as its own",
        WAIT,
        &["the flags 0x1 while `wait` waits"],
        checks::<WaitMarks>,
    ),
    wrong("looks once before it waits", WAIT, &["looks after it could go on"], checks::<LooksOnce>),
];

csd_lock! {
    Equal {}
    wait(self, flags, cpu) {
        while flags.load(Acquire) == CSD_FLAG_LOCK {
            cpu.relax();
        }
    }
}

csd_lock! {
    NotEqual {}
    lock(self, flags, cpu) {
        while flags.load(Acquire) & CSD_FLAG_LOCK != 0 {
            cpu.relax();
        }
        flags.store(CSD_FLAG_LOCK, Relaxed);
    }
    wait(self, flags, cpu) {
        while flags.load(Acquire) != CSD_FLAG_LOCK {
            cpu.relax();
        }
    }
}

csd_lock! {
    WaitInverted {}
    lock(self, flags, cpu) {
        while flags.load(Acquire) & CSD_FLAG_LOCK != 0 {
            cpu.relax();
        }
        flags.store(CSD_FLAG_LOCK, Relaxed);
    }
    wait(self, flags, cpu) {
        while flags.load(Acquire) & CSD_FLAG_LOCK == 0 {
            cpu.relax();
        }
    }
}

csd_lock! {
    NeverWaits {}
    wait(self, _flags, _cpu) {}
}

csd_lock! {
    LooksTwice {}
    wait(self, flags, cpu) {
        if flags.load(Acquire) & CSD_FLAG_LOCK != 0 {
            cpu.relax();
        }
    }
}

csd_lock! {
    GivesUpAfterLooks {}
    wait(self, flags, cpu) {
        for _ in 0..2_000 {
            if flags.load(Acquire) & CSD_FLAG_LOCK == 0 {
                return;
            }
            cpu.relax();
        }
    }
}

csd_lock! {
    GivesUpAfterTime {}
    wait(self, flags, cpu) {
        let began = cpu.now();
        while flags.load(Acquire) & CSD_FLAG_LOCK != 0 && cpu.now().ns_since(began) < 10_000_000_000 {
            cpu.relax();
        }
    }
}

csd_lock! {
    WaitClears {}
    wait(self, flags, _cpu) {
        flags.store(0, Release);
    }
}

csd_lock! {
    /// A bit of its own in flags that are not its own.
    WaitMarks {}
    wait(self, flags, cpu) {
        while flags.load(Acquire) & CSD_FLAG_LOCK != 0 {
            flags.fetch_or(0x100, Relaxed);
            cpu.relax();
        }
    }
}

csd_lock! {
    LooksOnce {}
    wait(self, flags, cpu) {
        if flags.load(Acquire) & CSD_FLAG_LOCK != 0 {
            loop {
                cpu.relax();
            }
        }
    }
}
