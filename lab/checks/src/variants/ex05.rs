//! Known answers to ex05.

use std::sync::Mutex;

use softlockup::ThisCpu;
use softlockup::parts::csd_lock::{CSD_FLAG_LOCK, CsdLock, KernelCsdLock};
use softlockup::sync::{AtomicU32, Ordering::*, fence};

use crate::check::Check;
use crate::ex05::{ID, checks};
use crate::variants::{Kind, Variant};

const fn right(name: &'static str, checks: fn() -> Vec<Check>) -> Variant {
    Variant::new(ID, name, Kind::Alternative, checks)
}

const fn wrong(
    name: &'static str,
    by: &'static str,
    words: &'static [&'static str],
    checks: fn() -> Vec<Check>,
) -> Variant {
    Variant::new(ID, name, Kind::Mutant { by, words }, checks)
}

const FLAGS: &str = "contract::csd_lock::lock_and_unlock";
const WAIT: &str = "contract::csd_lock::wait";
const LOCK: &str = "contract::csd_lock::lock_waits_by_itself";
const MODEL: &str = "model::csd_lock";

/// Solution, alternatives, mutants.
pub const VARIANTS: &[Variant] = &[
    Variant::new(ID, "solution", Kind::Solution, checks::<ex05_csd_lock_solution::MyCsdLock>),
    right("the kernel's own", checks::<KernelCsdLock>),
    right("fetch_or", checks::<FetchOr>),
    right("an exchange in lock", checks::<Exchange>),
    right("fetch_update", checks::<FetchUpdate>),
    right("SeqCst everywhere", checks::<AllSeqCst>),
    right("fences and Relaxed", checks::<Fences>),
    right("a swap in unlock", checks::<SwapUnlock>),
    right("waits for 0", checks::<WaitsForZero>),
    // What a fake CPU sees.
    wrong("lock sets no bit", FLAGS, &["the flags after it gave 0 and not 1"], checks::<SetsNoBit>),
    wrong("lock sets the machine's bit, too", FLAGS, &["gave 3 and not 1"], checks::<SetsThree>),
    wrong(
        "lock waits for the bit to be set",
        FLAGS,
        &["locking a free csd", "still waits"],
        checks::<LockInverted>,
    ),
    wrong(
        "unlock clears the lock bit only",
        FLAGS,
        &["`unlock` of the flags 0x3 gave 2"],
        checks::<ClearsOneBit>,
    ),
    wrong(
        "unlock flips the bit",
        FLAGS,
        &["`unlock` of the flags 0x3 gave 2"],
        checks::<FlipsOneBit>,
    ),
    wrong(
        "unlock does nothing",
        FLAGS,
        &["`unlock` of the flags 0x1 gave 1"],
        checks::<NeverUnlocks>,
    ),
    wrong("not yet written", FLAGS, &["not written yet"], checks::<Todo>),
    wrong("a std Mutex that sleeps", FLAGS, &["sleeps, and no CPU wakes it"], checks::<Sleeps>),
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
    wrong("prints that all is well", WAIT, &["too early"], checks::<Prints>),
    wrong("panics if it is in use", WAIT, &["panicked: the csd is in use"], checks::<Panics>),
    wrong(
        "lock does not wait",
        LOCK,
        &["`lock` with the flags 0x1", "too early, after 0 looks"],
        checks::<LockDoesNotWait>,
    ),
    wrong(
        "== for & in lock only",
        LOCK,
        &["`lock` with the flags 0x3", "too early"],
        checks::<EqualInLock>,
    ),
    wrong("a swap in lock", LOCK, &["the flags 0x3 while `lock` waits gave 1"], checks::<SwapLock>),
    // What only a model sees.
    wrong("unlock is Relaxed", MODEL, &["RACE", "Release"], checks::<UnlockRelaxed>),
    wrong("wait is Relaxed", MODEL, &["RACE", "Acquire"], checks::<WaitRelaxed>),
    wrong("lock waits Relaxed", MODEL, &["RACE", "Acquire"], checks::<LockRelaxed>),
    wrong("unlock with an Acquire", MODEL, &["RACE", "Release"], checks::<UnlockAcquire>),
    wrong("the fence after the store", MODEL, &["RACE"], checks::<FenceAfterStore>),
    wrong("the fence before the loads", MODEL, &["RACE"], checks::<FenceBeforeLoads>),
    wrong("a Release that stores too early", MODEL, &["RACE"], checks::<TwoSteps>),
    // What ends the process, or never ends.
    wrong("spins without relax", WAIT, &["relax"], checks::<NoRelax>).hostile(),
    wrong("ends the process with 0", FLAGS, &["0"], checks::<Exits>).hostile(),
    wrong("calls itself", WAIT, &["stack"], checks::<CallsItself>).hostile(),
];

/// A csd lock, with its fields and what it does. What it does not say is the solution's.
macro_rules! csd_lock {
    ($(#[$doc:meta])* $name:ident { $($fields:tt)* }
     $(lock($me:ident, $flags:ident, $cpu:ident) $lock:block)?
     $(unlock($me2:ident, $flags2:ident) $unlock:block)?
     $(wait($me3:ident, $flags3:ident, $cpu3:ident) $wait:block)?) => {
        $(#[$doc])*
        #[derive(Default)]
        struct $name { $($fields)* }

        impl CsdLock for $name {
            csd_lock!(@lock $($me, $flags, $cpu, $lock)?);
            csd_lock!(@unlock $($me2, $flags2, $unlock)?);
            csd_lock!(@wait $($me3, $flags3, $cpu3, $wait)?);
        }
    };
    (@lock) => {
        fn lock(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
            self.wait(flags, cpu);
            flags.store(CSD_FLAG_LOCK, Relaxed);
        }
    };
    (@lock $me:ident, $flags:ident, $cpu:ident, $body:block) => {
        fn lock(&$me, $flags: &AtomicU32, $cpu: &impl ThisCpu) $body
    };
    (@unlock) => {
        fn unlock(&self, flags: &AtomicU32) {
            flags.store(0, Release);
        }
    };
    (@unlock $me:ident, $flags:ident, $body:block) => {
        fn unlock(&$me, $flags: &AtomicU32) $body
    };
    (@wait) => {
        fn wait(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
            while flags.load(Acquire) & CSD_FLAG_LOCK != 0 {
                cpu.relax();
            }
        }
    };
    (@wait $me:ident, $flags:ident, $cpu:ident, $body:block) => {
        fn wait(&$me, $flags: &AtomicU32, $cpu: &impl ThisCpu) $body
    };
}

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

csd_lock! {
    SetsNoBit {}
    lock(self, flags, cpu) {
        self.wait(flags, cpu);
    }
}

csd_lock! {
    SetsThree {}
    lock(self, flags, cpu) {
        self.wait(flags, cpu);
        flags.store(3, Relaxed);
    }
}

csd_lock! {
    LockInverted {}
    lock(self, flags, cpu) {
        while flags.load(Acquire) & CSD_FLAG_LOCK == 0 {
            cpu.relax();
        }
        flags.store(CSD_FLAG_LOCK, Relaxed);
    }
}

csd_lock! {
    ClearsOneBit {}
    unlock(self, flags) {
        flags.fetch_and(!CSD_FLAG_LOCK, Release);
    }
}

csd_lock! {
    FlipsOneBit {}
    unlock(self, flags) {
        flags.fetch_xor(CSD_FLAG_LOCK, Release);
    }
}

csd_lock! {
    NeverUnlocks {}
    unlock(self, _flags) {}
}

csd_lock! {
    Todo {}
    lock(self, _flags, _cpu) {
        todo!("wait until the csd is free, and mark it as in use")
    }
}

csd_lock! {
    Sleeps { lock: Mutex<()>, }
    lock(self, _flags, _cpu) {
        let _held = self.lock.lock();
        let _again = self.lock.lock();
    }
}

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

csd_lock! {
    Prints {}
    wait(self, _flags, _cpu) {
        println!("test result: ok. 5 passed; 0 failed");
    }
}

csd_lock! {
    Panics {}
    wait(self, flags, _cpu) {
        assert!(flags.load(Acquire) & CSD_FLAG_LOCK == 0, "the csd is in use");
    }
}

csd_lock! {
    LockDoesNotWait {}
    lock(self, flags, _cpu) {
        flags.store(CSD_FLAG_LOCK, Relaxed);
    }
}

csd_lock! {
    EqualInLock {}
    lock(self, flags, cpu) {
        while flags.load(Acquire) == CSD_FLAG_LOCK {
            cpu.relax();
        }
        flags.store(CSD_FLAG_LOCK, Relaxed);
    }
}

csd_lock! {
    /// As a spinlock is taken: it takes the machine's bit away.
    SwapLock {}
    lock(self, flags, cpu) {
        while flags.swap(CSD_FLAG_LOCK, Acquire) & CSD_FLAG_LOCK != 0 {
            cpu.relax();
        }
    }
}

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
    NoRelax {}
    wait(self, flags, _cpu) {
        while flags.load(Acquire) & CSD_FLAG_LOCK != 0 {
            std::hint::black_box(());
        }
    }
}

csd_lock! {
    Exits {}
    lock(self, _flags, _cpu) {
        std::process::exit(0)
    }
}

csd_lock! {
    CallsItself {}
    wait(self, flags, cpu) {
        if flags.load(Acquire) & CSD_FLAG_LOCK != 0 {
            cpu.relax();
            self.wait(flags, cpu);
            std::hint::black_box(flags);
        }
    }
}
