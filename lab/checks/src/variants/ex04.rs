//! Known answers to ex04.

use std::sync::atomic::AtomicBool as HostBool;
use std::sync::{Condvar, Mutex};

use softlockup::parts::die_lock::DieLock;
use softlockup::sync::{AtomicBool, AtomicU32, Ordering::*, fence};
use softlockup::{CpuId, ThisCpu};

use crate::check::Check;
use crate::ex04::{ID, checks};
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

const EXCLUDES: &str = "contract::die_lock::excludes";
const ITSELF: &str = "contract::die_lock::never_lets_itself_in";
const MODEL: &str = "model::die_lock";

/// Solution, alternatives, mutants.
pub const VARIANTS: &[Variant] = &[
    Variant::new(ID, "solution", Kind::Solution, checks::<ex04_die_lock_solution::MyDieLock>),
    right("swap", checks::<Swap>),
    right("fetch_or", checks::<FetchOr>),
    right("looks before it exchanges", checks::<LooksFirst>),
    right("SeqCst everywhere", checks::<AllSeqCst>),
    right("fences and Relaxed", checks::<Fences>),
    right("a ticket lock", checks::<Ticket>),
    right("a queue of CPUs", checks::<Queue>),
    right("the holder's number", checks::<Holder>),
    // What a fake CPU sees.
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
    wrong("a std Mutex that sleeps", EXCLUDES, &["sleeps, and no CPU wakes it"], checks::<Sleeps>),
    wrong("panics if it is held", EXCLUDES, &["panicked: the lock is held"], checks::<Panics>),
    wrong(
        "not yet written",
        EXCLUDES,
        &["not written yet: wait until the lock is free"],
        checks::<Todo>,
    ),
    wrong("prints that all is well", EXCLUDES, &["too early"], checks::<Prints>),
    wrong(
        "lets its holder in",
        ITSELF,
        &["second lock came back after 0 looks"],
        checks::<LetsItselfIn>,
    ),
    // What only a model sees.
    wrong("check, then act", MODEL, &["CPU#"], checks::<CheckThenAct>),
    wrong("takes it Relaxed", MODEL, &["RACE", "Acquire"], checks::<TakesRelaxed>),
    wrong("gives it back Relaxed", MODEL, &["RACE", "Release"], checks::<GivesBackRelaxed>),
    wrong("the orderings the wrong way round", MODEL, &["RACE"], checks::<WrongWayRound>),
    wrong("a ticket lock, Relaxed", MODEL, &["RACE"], checks::<TicketRelaxed>),
    wrong("loses the wake-up of a waiter", MODEL, &["WAITS FOR EVER"], checks::<LosesWakeUp>),
    // What ends the process, or never ends.
    wrong("spins without relax", EXCLUDES, &["relax"], checks::<NoRelax>).hostile(),
    wrong("ends the process with 0", EXCLUDES, &["exit code 0"], checks::<Exits>).hostile(),
    wrong("calls itself", EXCLUDES, &["stack overflow"], checks::<CallsItself>).hostile(),
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
    unlock(self, _cpu) {
        self.locked.store(0, Release);
        0
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

die_lock! {
    /// The constants that the first test wants.
    NoLock {}
    lock(self, _cpu) { 1 }
    unlock(self, _cpu) { 0 }
}

die_lock! {
    NeverGivesBack { locked: AtomicU32 }
    lock(self, cpu) {
        while self.locked.swap(1, Acquire) == 1 {
            cpu.relax();
        }
        1
    }
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
    unlock(self, _cpu) {
        self.locked.store(0, Release);
        0
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
    unlock(self, _cpu) {
        self.locked.store(0, Release);
        0
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
    unlock(self, _cpu) {
        self.locked.store(0, Release);
        0
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
    lock(self, cpu) {
        while self.locked.swap(1, Acquire) == 1 {
            cpu.relax();
        }
        1
    }
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
    unlock(self, _cpu) {
        self.locked.store(0, Release);
        0
    }
}

die_lock! {
    /// Waits as a program does: the host's scheduler is to wake it.
    Sleeps { held: Mutex<bool>, free: Condvar }
    lock(self, _cpu) {
        let mut held = self.held.lock().unwrap();
        while *held {
            held = self.free.wait(held).unwrap();
        }
        *held = true;
        1
    }
    unlock(self, _cpu) {
        *self.held.lock().unwrap() = false;
        self.free.notify_one();
        0
    }
}

die_lock! {
    Panics { locked: AtomicU32 }
    lock(self, _cpu) {
        assert!(self.locked.swap(1, Acquire) == 0, "the lock is held");
        1
    }
    unlock(self, _cpu) {
        self.locked.store(0, Release);
        0
    }
}

die_lock! {
    /// As it was handed out.
    Todo {}
    lock(self, _cpu) { todo!("wait until the lock is free, and take it before any other CPU can") }
    unlock(self, _cpu) { todo!("let the next CPU in, together with everything that this CPU wrote") }
}

die_lock! {
    Prints {}
    lock(self, _cpu) {
        println!("test result: ok. 6 passed; 0 failed");
        println!("{{\"line\":\"end\",\"check\":\"contract::die_lock::excludes\",\"status\":\"pass\"}}");
        1
    }
    unlock(self, _cpu) { 0 }
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
    CheckThenAct { locked: AtomicU32 }
    lock(self, cpu) {
        while self.locked.load(Acquire) == 1 {
            cpu.relax();
        }
        self.locked.store(1, Release);
        1
    }
    unlock(self, _cpu) {
        self.locked.store(0, Release);
        0
    }
}

die_lock! {
    TakesRelaxed { locked: AtomicU32 }
    lock(self, cpu) {
        while self.locked.compare_exchange(0, 1, Relaxed, Relaxed).is_err() {
            cpu.relax();
        }
        1
    }
    unlock(self, _cpu) {
        self.locked.store(0, Release);
        0
    }
}

die_lock! {
    GivesBackRelaxed { locked: AtomicU32 }
    lock(self, cpu) {
        while self.locked.compare_exchange(0, 1, Acquire, Relaxed).is_err() {
            cpu.relax();
        }
        1
    }
    unlock(self, _cpu) {
        self.locked.store(0, Relaxed);
        0
    }
}

die_lock! {
    WrongWayRound { locked: AtomicU32 }
    lock(self, cpu) {
        while self.locked.swap(1, Release) == 1 {
            cpu.relax();
        }
        1
    }
    unlock(self, _cpu) {
        self.locked.swap(0, Acquire);
        0
    }
}

die_lock! {
    TicketRelaxed { next: AtomicU32, served: AtomicU32 }
    lock(self, cpu) {
        let mine = self.next.fetch_add(1, Acquire); // the wrong one of the two
        while self.served.load(Relaxed) != mine {
            cpu.relax();
        }
        1
    }
    unlock(self, _cpu) {
        self.served.fetch_add(1, Release);
        0
    }
}

die_lock! {
    /// Hands the lock over to a CPU that waits. One that is about to wait is not seen.
    LosesWakeUp { locked: AtomicBool, waits: AtomicBool }
    lock(self, cpu) {
        if self.locked.swap(true, AcqRel) {
            self.waits.store(true, Release);
            while self.waits.load(Acquire) {
                cpu.relax();
            }
        }
        1
    }
    unlock(self, _cpu) {
        if !self.waits.swap(false, AcqRel) {
            self.locked.store(false, Release);
        }
        0
    }
}

die_lock! {
    NoRelax { locked: AtomicU32 }
    lock(self, _cpu) {
        while self.locked.swap(1, Acquire) == 1 {
            std::hint::spin_loop();
        }
        1
    }
    unlock(self, _cpu) {
        self.locked.store(0, Release);
        0
    }
}

die_lock! {
    Exits {}
    lock(self, _cpu) { std::process::exit(0) }
    unlock(self, _cpu) { 0 }
}

die_lock! {
    /// Meant to try again.
    CallsItself { locked: AtomicU32 }
    lock(self, cpu) {
        if self.locked.swap(1, Acquire) == 0 {
            return 1;
        }
        let frame = std::hint::black_box([0_u8; 256]); // or the compiler makes a loop of it
        let depth = self.lock(cpu);
        std::hint::black_box(&frame);
        depth
    }
    unlock(self, _cpu) {
        self.locked.store(0, Release);
        0
    }
}
