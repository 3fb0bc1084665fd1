//! Known answers to ex12.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use ex12_make_it_reboot_solution::{MyDieChain as Chain, MyDieLock as Lock};
use softlockup::parts::die_chain::{Callbacks, DieChain, KernelDieChain, Notify};
use softlockup::parts::die_lock::{Arm64DieLock, X86DieLock};
use softlockup::sync::{AtomicBool, AtomicU32, AtomicU64, Ordering::*, fence};
use softlockup::{CpuId, ThisCpu};

use crate::check::Check;
use crate::ex12::{ID, checks};
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
const NESTS: &str = "contract::die_lock::nests";
const DIES: &str = "contract::die_lock::survives_the_task";
const OTHERS: &str = "contract::die_lock::ignores_the_exit_of_others";
const WALKS: &str = "contract::die_chain::walks";
const FAULTS: &str = "contract::die_chain::survives_a_faulting_callback";
const MODEL: &str = "model::die_lock";

/// Solution, alternatives, mutants.
pub const VARIANTS: &[Variant] = &[
    Variant::new(ID, "solution", Kind::Solution, checks::<Lock, Chain>),
    right("holder and depth in one word", checks::<OneWord, Chain>),
    right("x86's, with an exit", checks::<MendedX86, Chain>),
    right("a ticket lock that knows its holder", checks::<Ticket, Chain>),
    right("a depth for each CPU", checks::<DepthPerCpu, Chain>),
    right("fences and Relaxed", checks::<Fences, Chain>),
    right("SeqCst everywhere", checks::<AllSeqCst, Chain>),
    right("a word for each callback", checks::<Lock, WordPerCallback>),
    right("tries a callback again at the next oops", checks::<Lock, TriesAgain>),
    right("a list of what runs", checks::<Lock, List>),
    // The lock alone.
    wrong("arm64's", NESTS, &["the nested lock: CPU#0 still waits"], checks::<Arm64DieLock, Chain>),
    wrong(
        "x86's",
        NESTS,
        &["the next nested lock: CPU#0 still waits"],
        checks::<X86DieLock, Chain>,
    ),
    wrong(
        "x86's, unlocked in order",
        DIES,
        &["a later oops: CPU#1 still waits"],
        checks::<NoExit, Chain>,
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
        "a std Mutex that sleeps",
        EXCLUDES,
        &["sleeps, and no CPU wakes it"],
        checks::<Sleeps, Chain>,
    ),
    wrong(
        "not yet written",
        EXCLUDES,
        &["not written yet: let this CPU in"],
        checks::<Todo, Chain>,
    ),
    wrong("prints that all is well", EXCLUDES, &["too early"], checks::<Prints, Chain>),
    // The chain alone.
    wrong(
        "the kernel's chain",
        FAULTS,
        &["inside callbacks [1]", "called [0, 1"],
        checks::<Lock, KernelDieChain>,
    ),
    wrong(
        "no callback inside a fault",
        FAULTS,
        &["inside callbacks [1]", "called []"],
        checks::<Lock, NoneInside>,
    ),
    wrong(
        "one memory for all CPUs",
        WALKS,
        &["while CPU#0 was in callback 0"],
        checks::<Lock, OneMemory>,
    ),
    wrong(
        "is never over",
        FAULTS,
        &["the next oops on CPU#0 called []"],
        checks::<Lock, NeverOver>,
    ),
    wrong(
        "skips only the last fault",
        FAULTS,
        &["inside callbacks [0, 2]"],
        checks::<Lock, LastFaultOnly>,
    ),
    wrong("notes it after the call", FAULTS, &["inside callbacks [1]"], checks::<Lock, NotesAfter>),
    wrong("catches the fault", FAULTS, &["inside callbacks [1]"], checks::<Lock, Catches>),
    wrong("each callback once in a lifetime", WALKS, &["walk 2"], checks::<Lock, OnceInALifetime>),
    wrong("does not hear Stop", WALKS, &["Stop", "called [0, 1"], checks::<Lock, DeafToStop>),
    wrong(
        "always answers Done",
        WALKS,
        &["gave Some(Done) and not Some(Ok)"],
        checks::<Lock, AnswersDone>,
    ),
    wrong(
        "from the last to the first",
        WALKS,
        &["in the order of the chain"],
        checks::<Lock, Backwards>,
    ),
    wrong("leaves out the last one", WALKS, &["gave [] and not [0]"], checks::<Lock, OffByOne>),
    // What only a model sees.
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
    // What ends the process, or never ends.
    wrong("spins without relax", EXCLUDES, &["relax"], checks::<NoRelax, Chain>).hostile(),
    wrong("the chain ends the process with 0", WALKS, &["exit code 0"], checks::<Lock, Exits>)
        .hostile(),
];

fn me(cpu: &impl ThisCpu) -> u32 {
    cpu.id().0 + 1
}

/// A word for each CPU.
struct PerCpu([AtomicU32; 64]);

impl Default for PerCpu {
    fn default() -> Self {
        PerCpu(std::array::from_fn(|_| AtomicU32::new(0)))
    }
}

impl PerCpu {
    fn of(&self, cpu: CpuId) -> &AtomicU32 {
        &self.0[cpu.index()]
    }
}

// Right locks.

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

die_lock! {
    Fences { holder: AtomicU32, depth: AtomicU32 }
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

die_lock! {
    AllSeqCst { holder: AtomicU32, depth: AtomicU32 }
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

// Wrong locks.

/// The solution's two words, with what is wrong with it.
macro_rules! holder_lock {
    ($(#[$doc:meta])* $name:ident
     take: $take:expr, give: $give:expr, exit($exit_me:ident, $exit_cpu:ident) $exit:block) => {
        die_lock! {
            $(#[$doc])*
            $name { holder: AtomicU32, depth: AtomicU32 }
            lock(self, cpu) {
                if self.holder.load(Relaxed) != me(cpu) {
                    while self.holder.compare_exchange(0, me(cpu), $take, Relaxed).is_err() {
                        cpu.relax();
                    }
                }
                self.depth.fetch_add(1, Relaxed) + 1
            }
            unlock(self, _cpu) {
                let left = self.depth.fetch_sub(1, Relaxed) - 1;
                if left == 0 {
                    self.holder.store(0, $give);
                }
                left
            }
            task_exit($exit_me, $exit_cpu) $exit
        }
    };
}

holder_lock! {
    /// Linux has no such step.
    NoExit
    take: Acquire, give: Release, exit(self, _cpu) {}
}

holder_lock! {
    ExitOneLevel
    take: Acquire, give: Release, exit(self, cpu) {
        if self.holder.load(Relaxed) == me(cpu) {
            softlockup::parts::die_lock::DieLock::unlock(self, cpu);
        }
    }
}

holder_lock! {
    ExitKeepsDepth
    take: Acquire, give: Release, exit(self, cpu) {
        if self.holder.load(Relaxed) == me(cpu) {
            self.holder.store(0, Release);
        }
    }
}

holder_lock! {
    ExitOfAll
    take: Acquire, give: Release, exit(self, _cpu) {
        self.depth.store(0, Relaxed);
        self.holder.store(0, Release);
    }
}

holder_lock! {
    ExitRelaxed
    take: Acquire, give: Release, exit(self, cpu) {
        if self.holder.load(Relaxed) == me(cpu) {
            self.depth.store(0, Relaxed);
            self.holder.store(0, Relaxed);
        }
    }
}

holder_lock! {
    ExitDepthLast
    take: Acquire, give: Release, exit(self, cpu) {
        if self.holder.load(Relaxed) == me(cpu) {
            self.holder.store(0, Release);
            self.depth.store(0, Relaxed);
        }
    }
}

holder_lock! {
    TakesRelaxed
    take: Relaxed, give: Release, exit(self, cpu) {
        if self.holder.load(Relaxed) == me(cpu) {
            self.depth.store(0, Relaxed);
            self.holder.store(0, Release);
        }
    }
}

holder_lock! {
    GivesBackRelaxed
    take: Acquire, give: Relaxed, exit(self, cpu) {
        if self.holder.load(Relaxed) == me(cpu) {
            self.depth.store(0, Relaxed);
            self.holder.store(0, Release);
        }
    }
}

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

die_lock! {
    EveryLevel { holder: AtomicU32, depth: AtomicU32 }
    lock(self, cpu) {
        if self.holder.load(Relaxed) != me(cpu) {
            while self.holder.compare_exchange(0, me(cpu), Acquire, Relaxed).is_err() {
                cpu.relax();
            }
        }
        self.depth.fetch_add(1, Relaxed) + 1
    }
    unlock(self, _cpu) {
        let left = self.depth.fetch_sub(1, Relaxed) - 1;
        self.holder.store(0, Release);
        left
    }
    task_exit(self, cpu) {
        if self.holder.load(Relaxed) == me(cpu) {
            self.depth.store(0, Relaxed);
            self.holder.store(0, Release);
        }
    }
}

die_lock! {
    GivesUp { holder: AtomicU32, depth: AtomicU32 }
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
    unlock(self, _cpu) {
        let left = self.depth.fetch_sub(1, Relaxed) - 1;
        if left == 0 {
            self.holder.store(0, Release);
        }
        left
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
    Sleeps { reporting: Mutex<()>, depth: AtomicU32 }
    lock(self, _cpu) {
        std::mem::forget(self.reporting.lock());
        self.depth.fetch_add(1, Relaxed) + 1
    }
    unlock(self, _cpu) { self.depth.fetch_sub(1, Relaxed) - 1 }
}

die_lock! {
    /// As it was handed out.
    Todo {}
    lock(self, _cpu) { todo!("let this CPU in if it holds the lock") }
    unlock(self, _cpu) { todo!("give one level back, and the lock with the last one") }
    task_exit(self, _cpu) { todo!("give back every level that this CPU holds") }
}

die_lock! {
    Prints {}
    lock(self, _cpu) {
        println!("test result: ok. 12 passed; 0 failed");
        1
    }
    unlock(self, _cpu) { 0 }
}

die_lock! {
    CheckThenAct { holder: AtomicU32, depth: AtomicU32 }
    lock(self, cpu) {
        while self.holder.load(Acquire) != 0 && self.holder.load(Acquire) != me(cpu) {
            cpu.relax();
        }
        self.holder.store(me(cpu), Release);
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
        if self.holder.load(Relaxed) == me(cpu) {
            self.depth.store(0, Relaxed);
            self.holder.store(0, Release);
        }
    }
}

die_lock! {
    NoRelax { holder: AtomicU32 }
    lock(self, cpu) {
        while self.holder.compare_exchange(0, me(cpu), Acquire, Relaxed).is_err() {
            std::hint::spin_loop();
        }
        1
    }
    unlock(self, _cpu) {
        self.holder.store(0, Release);
        0
    }
}

// Chains.

macro_rules! die_chain {
    ($(#[$doc:meta])* $name:ident { $($fields:tt)* } call($me:ident, $callbacks:ident) $call:block) => {
        $(#[$doc])*
        #[derive(Default)]
        struct $name { $($fields)* }

        impl DieChain for $name {
            fn call(&$me, $callbacks: &impl Callbacks) -> Notify $call
        }
    };
}

/// Calls those callbacks that `next` lets through, from the first on, until one ends the chain.
fn walk(callbacks: &impl Callbacks, next: impl FnMut(usize) -> Option<Notify>) -> Notify {
    let mut answer = Notify::Done;
    for given in (0..callbacks.count()).filter_map(next) {
        answer = given;
        if answer.ends_the_chain() {
            break;
        }
    }
    answer
}

/// For each callback: a bit for each CPU that is in it.
struct WordPerCallback([AtomicU64; 32]);

impl Default for WordPerCallback {
    fn default() -> Self {
        WordPerCallback(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl DieChain for WordPerCallback {
    fn call(&self, callbacks: &impl Callbacks) -> Notify {
        let bit = 1 << callbacks.cpu().0;
        walk(callbacks, |n| {
            if self.0[n].fetch_or(bit, SeqCst) & bit != 0 {
                return None;
            }
            let answer = callbacks.call(n);
            self.0[n].fetch_and(!bit, SeqCst);
            Some(answer)
        })
    }
}

die_chain! {
    /// A walk that reaches its end forgets what it was inside of: if it is a nested one, the task dies now.
    TriesAgain { inside: PerCpu }
    call(self, callbacks) {
        let inside = self.inside.of(callbacks.cpu());
        let answer = walk(callbacks, |n| {
            let mine = inside.load(Relaxed);
            if mine >> n & 1 == 1 {
                return None;
            }
            inside.store(mine | 1 << n, Relaxed);
            let answer = callbacks.call(n);
            inside.store(mine, Relaxed);
            Some(answer)
        });
        if answer != Notify::Stop {
            inside.store(0, Relaxed);
        }
        answer
    }
}

die_chain! {
    /// A lock of the host, held for a moment.
    List { running: Mutex<Vec<(CpuId, usize)>> }
    call(self, callbacks) {
        walk(callbacks, |n| {
            let it = (callbacks.cpu(), n);
            {
                let mut running = self.running.lock().unwrap();
                if running.contains(&it) {
                    return None;
                }
                running.push(it);
            }
            let answer = callbacks.call(n);
            self.running.lock().unwrap().retain(|other| *other != it);
            Some(answer)
        })
    }
}

die_chain! {
    NoneInside { walks: PerCpu }
    call(self, callbacks) {
        let walks = self.walks.of(callbacks.cpu());
        if walks.swap(1, Relaxed) == 1 {
            walks.store(0, Relaxed);
            return Notify::Done;
        }
        let answer = walk(callbacks, |n| Some(callbacks.call(n)));
        walks.store(0, Relaxed);
        answer
    }
}

die_chain! {
    OneMemory { inside: AtomicU32 }
    call(self, callbacks) {
        walk(callbacks, |n| {
            if self.inside.fetch_or(1 << n, AcqRel) >> n & 1 == 1 {
                return None;
            }
            let answer = callbacks.call(n);
            self.inside.fetch_and(!(1 << n), AcqRel);
            Some(answer)
        })
    }
}

die_chain! {
    /// Goes on where the last walk of this CPU was; only a walk that began at the first callback begins anew.
    NeverOver { entered: PerCpu }
    call(self, callbacks) {
        let entered = self.entered.of(callbacks.cpu());
        let first = entered.load(Relaxed) as usize;
        let answer = walk(callbacks, |n| {
            if n < first {
                return None;
            }
            entered.store(n as u32 + 1, Relaxed);
            Some(callbacks.call(n))
        });
        if first == 0 {
            entered.store(0, Relaxed);
        }
        answer
    }
}

die_chain! {
    /// Remembers one callback, and a second one makes it forget the first.
    LastFaultOnly { inside: PerCpu }
    call(self, callbacks) {
        let inside = self.inside.of(callbacks.cpu());
        walk(callbacks, |n| {
            if inside.load(Relaxed) == n as u32 + 1 {
                return None;
            }
            let before = inside.swap(n as u32 + 1, Relaxed);
            let answer = callbacks.call(n);
            inside.store(before, Relaxed);
            Some(answer)
        })
    }
}

die_chain! {
    NotesAfter { called: PerCpu }
    call(self, callbacks) {
        let called = self.called.of(callbacks.cpu());
        let answer = walk(callbacks, |n| {
            if called.load(Relaxed) >> n & 1 == 1 {
                return None;
            }
            let answer = callbacks.call(n);
            called.fetch_or(1 << n, Relaxed);
            Some(answer)
        });
        called.store(0, Relaxed);
        answer
    }
}

die_chain! {
    /// As a program would.
    Catches {}
    call(self, callbacks) {
        walk(callbacks, |n| {
            Some(catch_unwind(AssertUnwindSafe(|| callbacks.call(n))).unwrap_or(Notify::Done))
        })
    }
}

die_chain! {
    OnceInALifetime { called: PerCpu }
    call(self, callbacks) {
        let called = self.called.of(callbacks.cpu());
        walk(callbacks, |n| (called.fetch_or(1 << n, Relaxed) >> n & 1 == 0).then(|| callbacks.call(n)))
    }
}

/// The solution's, but for what `answer` makes of a callback's answer.
fn right_walk(
    inside: &AtomicU32,
    callbacks: &impl Callbacks,
    ends: impl Fn(Notify) -> bool,
) -> Notify {
    let mut answer = Notify::Done;
    for n in 0..callbacks.count() {
        if inside.fetch_or(1 << n, Relaxed) >> n & 1 == 1 {
            continue;
        }
        answer = callbacks.call(n);
        inside.fetch_and(!(1 << n), Relaxed);
        if ends(answer) {
            break;
        }
    }
    answer
}

die_chain! {
    DeafToStop { inside: PerCpu }
    call(self, callbacks) {
        right_walk(self.inside.of(callbacks.cpu()), callbacks, |answer| answer == Notify::Bad)
    }
}

die_chain! {
    AnswersDone { inside: PerCpu }
    call(self, callbacks) {
        right_walk(self.inside.of(callbacks.cpu()), callbacks, Notify::ends_the_chain);
        Notify::Done
    }
}

die_chain! {
    Backwards {}
    call(self, callbacks) {
        let last = callbacks.count();
        walk(callbacks, |n| Some(callbacks.call(last - 1 - n)))
    }
}

die_chain! {
    OffByOne {}
    call(self, callbacks) {
        let last = callbacks.count();
        walk(callbacks, |n| (n + 1 < last).then(|| callbacks.call(n)))
    }
}

die_chain! {
    Exits {}
    call(self, _callbacks) { std::process::exit(0) }
}
