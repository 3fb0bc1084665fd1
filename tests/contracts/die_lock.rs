use std::sync::atomic::AtomicU32 as HostAtomicU32;

use softlockup::parts::contract::die_lock;
use softlockup::parts::die_lock::{Arm64DieLock, DieLock, NestingDieLock, X86DieLock};
use softlockup::parts::fake_cpu::FakeCpu;
use softlockup::sync::AtomicU32;
use softlockup::sync::Ordering::*;
use softlockup::{CpuId, ThisCpu};

/// The rules that each lock keeps, and that this one breaks.
fn broken<D: DieLock>(new: impl Fn() -> D) -> Vec<&'static str> {
    let broken = broken!(die_lock(&new): excludes, is_free_at_first, ignores_the_exit_of_others);
    assert_eq!(die_lock::all(new).is_ok(), broken.is_empty());
    broken
}

/// The rules that tell the policies apart, and that this lock breaks.
fn not_kept<D: DieLock>(new: impl Fn() -> D) -> Vec<&'static str> {
    broken!(die_lock(&new): never_lets_itself_in, nests, survives_the_task)
}

#[test]
fn every_shipped_die_lock_excludes_other_cpus() {
    assert!(broken(Arm64DieLock::new).is_empty());
    assert!(broken(X86DieLock::new).is_empty());
    assert!(broken(NestingDieLock::new).is_empty());
}

#[test]
fn the_other_rules_tell_the_policies_apart() {
    assert_eq!(not_kept(Arm64DieLock::new), ["nests", "survives_the_task"]);
    assert_eq!(not_kept(X86DieLock::new), ["never_lets_itself_in", "nests", "survives_the_task"]);
    assert_eq!(not_kept(NestingDieLock::new), ["never_lets_itself_in"]);
}

#[test]
fn each_policy_is_refused_where_its_machine_stands() {
    let arm64 = die_lock::nests(Arm64DieLock::new).unwrap_err();
    assert_eq!(arm64.happened, "the nested lock: CPU#0 still waits after 1000 looks");
    let x86 = die_lock::nests(X86DieLock::new).unwrap_err();
    assert_eq!(x86.happened, "the next nested lock: CPU#0 still waits after 1000 looks");
    let x86 = die_lock::survives_the_task(X86DieLock::new).unwrap_err();
    assert_eq!(x86.happened, "the lock of a later oops: CPU#1 still waits after 1000 looks");
}

/// A lock of one word: how `lock` tries to take it, and how `unlock` frees it.
struct Word {
    word: AtomicU32,
    is_taken: fn(&AtomicU32) -> bool,
    free: fn(&AtomicU32),
}

impl Word {
    fn new(is_taken: fn(&AtomicU32) -> bool, free: fn(&AtomicU32)) -> Self {
        Word { word: AtomicU32::new(0), is_taken, free }
    }

    fn swap() -> Self {
        Word::new(|word| word.swap(1, Acquire) == 0, |word| word.store(0, Release))
    }
}

impl DieLock for Word {
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        while !(self.is_taken)(&self.word) {
            cpu.relax();
        }
        1
    }

    fn unlock(&self, _: &impl ThisCpu) -> u32 {
        (self.free)(&self.word);
        0
    }
}

/// Draw a number, wait until it is called.
#[derive(Default)]
struct Ticket {
    next: AtomicU32,
    owner: AtomicU32,
}

impl DieLock for Ticket {
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        let ticket = self.next.fetch_add(1, Relaxed);
        while self.owner.load(Acquire) != ticket {
            cpu.relax();
        }
        1
    }

    fn unlock(&self, _: &impl ThisCpu) -> u32 {
        self.owner.fetch_add(1, Release);
        0
    }
}

/// A queue of nodes, one for each CPU: `next` and `called` are named by CPU, plus 1.
struct Mcs {
    tail: AtomicU32,
    next: [AtomicU32; 64],
    called: [AtomicU32; 64],
}

impl Default for Mcs {
    fn default() -> Self {
        let [next, called] = [(); 2].map(|()| std::array::from_fn(|_| AtomicU32::new(0)));
        Mcs { tail: AtomicU32::new(0), next, called }
    }
}

impl DieLock for Mcs {
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        let me = cpu.id().index();
        self.next[me].store(0, Relaxed);
        self.called[me].store(0, Relaxed);
        let before = self.tail.swap(cpu.id().0 + 1, AcqRel);
        if before != 0 {
            self.next[before as usize - 1].store(cpu.id().0 + 1, Release);
            while self.called[me].load(Acquire) == 0 {
                cpu.relax();
            }
        }
        1
    }

    fn unlock(&self, cpu: &impl ThisCpu) -> u32 {
        let (me, name) = (cpu.id().index(), cpu.id().0 + 1);
        while self.next[me].load(Acquire) == 0 {
            if self.tail.compare_exchange(name, 0, Release, Relaxed).is_ok() {
                return 0;
            }
            cpu.relax();
        }
        self.called[self.next[me].load(Acquire) as usize - 1].store(1, Release);
        0
    }
}

/// Waits twice as long after each try.
struct BacksOff(Word);

impl DieLock for BacksOff {
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        let mut looks = 1;
        while !(self.0.is_taken)(&self.0.word) {
            (0..looks).for_each(|_| cpu.relax());
            looks *= 2;
        }
        1
    }

    fn unlock(&self, cpu: &impl ThisCpu) -> u32 {
        self.0.unlock(cpu)
    }
}

#[test]
fn every_right_lock_is_accepted() {
    assert!(broken(Word::swap).is_empty());
    let free: fn(&AtomicU32) = |word| word.store(0, SeqCst);
    assert!(broken(|| Word::new(|word| word.fetch_or(1, SeqCst) & 1 == 0, free)).is_empty());
    let test_and_set: fn(&AtomicU32) -> bool =
        |word| word.load(Relaxed) == 0 && word.swap(1, AcqRel) == 0;
    assert!(broken(|| Word::new(test_and_set, |word| _ = word.swap(0, AcqRel))).is_empty());
    assert!(broken(Ticket::default).is_empty());
    assert!(broken(Mcs::default).is_empty());
    assert!(broken(|| BacksOff(Word::swap())).is_empty());
    for not_kept in [not_kept(Word::swap), not_kept(Ticket::default), not_kept(Mcs::default)] {
        assert_eq!(not_kept, ["nests", "survives_the_task"]);
    }
}

/// A ticket lock that knows its holder. Right in every way.
#[derive(Default)]
struct NestingTicket {
    lock: Ticket,
    holder: AtomicU32,
    depth: AtomicU32,
}

impl NestingTicket {
    fn is_holder(&self, cpu: &impl ThisCpu) -> bool {
        self.holder.load(Relaxed) == cpu.id().0 + 1
    }

    fn free(&self, cpu: &impl ThisCpu) {
        self.holder.store(0, Relaxed);
        self.depth.store(0, Relaxed);
        self.lock.unlock(cpu);
    }
}

impl DieLock for NestingTicket {
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        if !self.is_holder(cpu) {
            self.lock.lock(cpu);
            self.holder.store(cpu.id().0 + 1, Relaxed);
        }
        self.depth.fetch_add(1, Relaxed) + 1
    }

    fn unlock(&self, cpu: &impl ThisCpu) -> u32 {
        let left = self.depth.fetch_sub(1, Relaxed) - 1;
        if left == 0 {
            self.free(cpu);
        }
        left
    }

    fn task_exit(&self, cpu: &impl ThisCpu) {
        if self.is_holder(cpu) {
            self.free(cpu);
        }
    }
}

#[test]
fn a_nesting_lock_that_queues_its_waiters_is_accepted() {
    assert!(broken(NestingTicket::default).is_empty());
    assert_eq!(not_kept(NestingTicket::default), ["never_lets_itself_in"]);
}

/// Gives up, and goes on as if it held the lock.
struct GivesUp {
    lock: Word,
    after_looks: u32,
    after_secs: u64,
}

impl DieLock for GivesUp {
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        let (began, mut looks) = (cpu.now(), 0);
        while !(self.lock.is_taken)(&self.lock.word)
            && looks < self.after_looks
            && cpu.now().ns_since(began) < self.after_secs * 1_000_000_000
        {
            cpu.relax();
            looks += 1;
        }
        1
    }

    fn unlock(&self, cpu: &impl ThisCpu) -> u32 {
        self.lock.unlock(cpu)
    }
}

#[test]
fn a_lock_that_gives_up_excludes_no_cpu() {
    let lock = |after_looks, after_secs| GivesUp { lock: Word::swap(), after_looks, after_secs };
    let looks = || lock(2_000, u64::MAX >> 32);
    let time = || lock(u32::MAX, 10);
    assert_eq!(broken(looks), ["excludes"]);
    assert_eq!(broken(time), ["excludes"]);
    assert_eq!(
        die_lock::excludes(time).unwrap_err().happened,
        "CPU#1's lock while CPU#0 holds it came back too early, after 1000 looks and 10.000000 s (it gave 1)"
    );
    assert!(not_kept(looks).contains(&"never_lets_itself_in"));
    assert!(not_kept(time).contains(&"never_lets_itself_in"));
}

/// One word for all locks of the program.
struct Static;

static WORD: HostAtomicU32 = HostAtomicU32::new(0);

impl DieLock for Static {
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        while WORD.swap(1, Acquire) == 1 {
            cpu.relax();
        }
        1
    }

    fn unlock(&self, _: &impl ThisCpu) -> u32 {
        WORD.store(0, Release);
        0
    }
}

#[test]
fn a_static_lock_is_refused() {
    let refused = die_lock::excludes(|| Static).unwrap_err();
    assert_eq!(refused.rule, "a new lock is free, whatever other locks are held");
    assert_eq!(refused.happened, "the first lock of another: CPU#1 still waits after 1000 looks");
}

#[test]
fn wrong_locks_of_one_word_are_refused() {
    let free: fn(&AtomicU32) = |word| word.store(0, Release);
    // No lock; check, then act (which a single thread cannot see); never freed; freed for others only once.
    assert!(broken(|| Word::new(|_| true, free)).contains(&"excludes"));
    let leaky = || Word::new(|word| word.swap(1, Acquire) == 0, |_| {});
    assert!(broken(leaky).contains(&"excludes"));
    let semaphore = || Word::new(|word| word.fetch_add(1, Acquire) < 2, free);
    assert!(broken(semaphore).contains(&"excludes"));
    assert_eq!(
        die_lock::excludes(leaky).unwrap_err().happened,
        "CPU#1's lock while CPU#0 holds it still waits 50000 looks after it could go on"
    );
}

/// A nesting lock with one thing wrong.
#[derive(Clone, Copy)]
enum Wrong {
    /// Every exit frees the lock.
    AnyExitFrees,
    /// An exit gives one level back.
    ExitGivesOneLevel,
    /// An exit does nothing.
    ExitDoesNothing,
    /// The inner unlock frees the lock.
    InnerUnlockFrees,
    /// It says 1 at each depth.
    ForgetsItsDepth,
    /// It stands in for "held by this CPU": held by any CPU.
    LetsEachCpuIn,
    /// It lets its holder in once.
    NestsOnce,
}

struct WrongNesting {
    right: NestingDieLock,
    wrong: Wrong,
    holder: AtomicU32,
    depth: AtomicU32,
}

impl WrongNesting {
    fn new(wrong: Wrong) -> Self {
        let (holder, depth) = (AtomicU32::new(u32::MAX - 1), AtomicU32::new(0));
        WrongNesting { right: NestingDieLock::new(), wrong, holder, depth }
    }

    fn free(&self) {
        let holder = FakeCpu::new(CpuId(self.holder.load(Relaxed)));
        self.depth.store(0, Relaxed);
        self.right.task_exit(&holder);
    }
}

impl DieLock for WrongNesting {
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        let (held, me) = (self.depth.load(Relaxed), cpu.id().0);
        match self.wrong {
            Wrong::LetsEachCpuIn if held > 0 => return self.depth.fetch_add(1, Relaxed) + 1,
            Wrong::NestsOnce if held == 2 && self.holder.load(Relaxed) == me => loop {
                cpu.relax();
            },
            _ => {}
        }
        let depth = self.right.lock(cpu);
        self.depth.store(depth, Relaxed);
        self.holder.store(me, Relaxed);
        if matches!(self.wrong, Wrong::ForgetsItsDepth) { 1 } else { depth }
    }

    fn unlock(&self, cpu: &impl ThisCpu) -> u32 {
        let left = self.depth.fetch_sub(1, Relaxed) - 1;
        match self.wrong {
            Wrong::InnerUnlockFrees | Wrong::LetsEachCpuIn => self.free(),
            _ => _ = self.right.unlock(cpu),
        }
        left
    }

    fn task_exit(&self, cpu: &impl ThisCpu) {
        let is_holder = self.holder.load(Relaxed) == cpu.id().0;
        match self.wrong {
            Wrong::AnyExitFrees => self.free(),
            Wrong::ExitGivesOneLevel if is_holder && self.depth.load(Relaxed) > 0 => {
                self.unlock(cpu);
            }
            Wrong::ExitDoesNothing | Wrong::ExitGivesOneLevel => {}
            _ if is_holder => self.free(),
            _ => {}
        }
    }
}

#[test]
fn wrong_nesting_locks_are_refused() {
    let lock = |wrong| move || WrongNesting::new(wrong);
    let rules = |wrong| {
        let mut rules = broken(lock(wrong));
        rules.extend(not_kept(lock(wrong)));
        rules.retain(|&rule| rule != "never_lets_itself_in");
        rules
    };
    assert_eq!(rules(Wrong::AnyExitFrees), ["ignores_the_exit_of_others"]);
    assert_eq!(rules(Wrong::ExitGivesOneLevel), ["survives_the_task"]);
    assert_eq!(rules(Wrong::ExitDoesNothing), ["survives_the_task"]);
    assert_eq!(rules(Wrong::InnerUnlockFrees), ["nests", "survives_the_task"]);
    assert_eq!(rules(Wrong::ForgetsItsDepth), ["nests", "survives_the_task"]);
    assert!(rules(Wrong::LetsEachCpuIn).contains(&"excludes"));
    assert_eq!(rules(Wrong::NestsOnce), ["nests", "survives_the_task"]);
}

/// Knows its holder by a number below `cpus`; and its `task_exit` works on the first CPUs only.
struct SmallMachine {
    cpus: u32,
    exits_below: u32,
    right: NestingDieLock,
}

/// A CPU whose number wraps.
struct Wrapped<'a, C>(&'a C, CpuId);

impl<C: ThisCpu> ThisCpu for Wrapped<'_, C> {
    fn id(&self) -> CpuId {
        self.1
    }

    fn now(&self) -> softlockup::KernelTime {
        self.0.now()
    }

    fn relax(&self) {
        self.0.relax();
    }

    fn relax_until(&self, deadline: softlockup::KernelTime) {
        self.0.relax_until(deadline);
    }
}

impl SmallMachine {
    fn as_seen<'a, C: ThisCpu>(&self, cpu: &'a C) -> Wrapped<'a, C> {
        Wrapped(cpu, CpuId(cpu.id().0 % self.cpus))
    }
}

impl DieLock for SmallMachine {
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        self.right.lock(&self.as_seen(cpu))
    }

    fn unlock(&self, cpu: &impl ThisCpu) -> u32 {
        self.right.unlock(&self.as_seen(cpu))
    }

    fn task_exit(&self, cpu: &impl ThisCpu) {
        if cpu.id().0 < self.exits_below {
            self.right.task_exit(&self.as_seen(cpu));
        }
    }
}

#[test]
fn a_lock_for_a_small_machine_or_for_cpu_0_is_refused() {
    let lock = |cpus, exits_below| {
        move || SmallMachine { cpus, exits_below, right: NestingDieLock::new() }
    };
    assert!(broken(lock(64, 64)).is_empty());
    assert!(die_lock::survives_the_task(lock(64, 64)).is_ok());
    assert_eq!(broken(lock(32, 64)), ["excludes", "ignores_the_exit_of_others"]);
    assert!(die_lock::survives_the_task(lock(64, 1)).is_err());
}
