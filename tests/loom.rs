//! The shipped parts under a model checker: every interleaving of two or three CPUs, and every stale value that the
//! orderings permit.
//!
//! ```sh
//! RUSTFLAGS="--cfg loom" cargo test --release --target-dir target/loom --test loom
//! ```
//!
//! | model | checks |
//! |---|---|
//! | `one_report_at_a_time` | `DieLock`: excludes, nested and killed reports included; a holder sees what the last one wrote |
//! | `calls_are_answered` | `CsdLock`: the called CPU sees the request, the caller the answer; then the csd can be used again |
//! | `no_call_is_stranded` | `CallQueue`: nothing lost, nothing twice, in each poster's order, and no call without an IPI on its way |
//!
//! What a part protects lies in loom's `Cell`: two accesses of which neither happens before the other are a "Causality
//! violation". That the models find such things is tested as well: `wrong` has each part once more, with one ordering
//! or one step wrong, and every wrong part must fail the model that the shipped part passes.
#![cfg(loom)]

use std::iter;
// loom's threads are coroutines of one OS thread, so `Rc` will do; loom's own `Arc` would synchronise when it is
// dropped.
use std::rc::Rc;

use loom::cell::Cell;
use loom::thread;
use softlockup::parts::call_queue::{CallQueue, CsdId, KernelCallQueue, Link};
use softlockup::parts::csd_lock::{CsdLock, KernelCsdLock};
use softlockup::parts::die_lock::{Arm64DieLock, DieLock, NestingDieLock, X86DieLock};
use softlockup::sync::Ordering::*;
use softlockup::sync::{AtomicBool, AtomicU32};
use softlockup::{CpuId, KernelTime, ThisCpu};

/// A CPU that waits by letting the others run. (A loop that never yields, or that writes as it waits, has no end in
/// loom; none of the parts has one.)
struct LoomCpu {
    id: CpuId,
}

const CPU0: LoomCpu = LoomCpu { id: CpuId(0) };
const CPU1: LoomCpu = LoomCpu { id: CpuId(1) };

impl ThisCpu for LoomCpu {
    fn id(&self) -> CpuId {
        self.id
    }

    fn now(&self) -> KernelTime {
        KernelTime::BOOT
    }

    fn relax(&self) {
        thread::yield_now();
    }

    fn relax_until(&self, _deadline: KernelTime) {
        thread::yield_now();
    }
}

/// What becomes of an oops report.
#[derive(Clone, Copy, PartialEq)]
enum Oops {
    /// Lock, unlock.
    Plain,
    /// Lock, lock, unlock, unlock.
    Nested,
    /// Lock, lock, unlock; and there the task dies.
    Killed,
}

/// CPU 0 oopses several times, CPU 1 once.
fn one_report_at_a_time<D: DieLock>(new: fn() -> D, on_cpu0: &'static [Oops]) {
    loom::model(move || {
        let shared = Rc::new((new(), Cell::new(0)));
        let on = |cpu: LoomCpu, oopses: &'static [Oops]| {
            let shared = shared.clone();
            move || oopses.iter().map(|&oops| report(&shared.0, &shared.1, &cpu, oops)).sum::<u32>()
        };
        let cpu1 = thread::spawn(on(CPU1, &[Oops::Plain]));
        let printed = on(CPU0, on_cpu0)() + cpu1.join().unwrap();
        assert_eq!(shared.1.get(), printed);
    });
}

/// Returns how many lines it printed.
fn report(die_lock: &impl DieLock, console: &Cell<u32>, cpu: &LoomCpu, oops: Oops) -> u32 {
    let print = || console.set(console.get() + 1);
    let mut printed = 1;
    assert_eq!(die_lock.lock(cpu), 1);
    print();
    if oops != Oops::Plain {
        assert_eq!(die_lock.lock(cpu), 2);
        print();
        assert_eq!(die_lock.unlock(cpu), 1);
        print(); // the outer report goes on: the lock must not be free yet
        printed = 3;
    }
    if oops != Oops::Killed {
        assert_eq!(die_lock.unlock(cpu), 0);
    }
    die_lock.task_exit(cpu);
    printed
}

/// CPU 0 calls CPU 1 twice through one csd. The first call is asynchronous: the second `lock` waits for its answer.
fn calls_are_answered<C: CsdLock>(new: fn() -> C) {
    #[derive(Default)]
    struct Call {
        flags: AtomicU32,
        links: [Link; 1],
        queue: KernelCallQueue,
        request: Cell<u32>,
        answer: Cell<u32>,
    }

    loom::model(move || {
        let shared = Rc::new((new(), Call::default()));
        let called = shared.clone();
        let cpu1 = thread::spawn(move || {
            let (csd_lock, call) = &*called;
            for _ in 0..2 {
                while call.queue.take_all(&call.links[..]).is_none() {
                    CPU1.relax();
                }
                call.answer.set(call.request.get() * 10);
                csd_lock.unlock(&call.flags);
            }
        });
        let (csd_lock, call) = &*shared;
        for request in [1, 2] {
            csd_lock.lock(&call.flags, &CPU0);
            assert_eq!(call.answer.get(), (request - 1) * 10);
            call.request.set(request);
            assert!(call.queue.push(CsdId(0), &call.links[..]));
        }
        csd_lock.wait(&call.flags, &CPU0);
        assert_eq!(call.answer.get(), 20);
        cpu1.join().unwrap();
    });
}

/// One CPU posts csd 0, then 1, another posts csd 2. The owner takes what is there when it gets an IPI, and only then.
fn no_call_is_stranded<Q: CallQueue>(new: fn() -> Q) {
    struct Owner<Q> {
        queue: Q,
        links: [Link; 3],
        requests: [Cell<u32>; 3],
        ipi: AtomicBool,
    }

    impl<Q: CallQueue> Owner<Q> {
        fn call(&self, csd: u32) {
            self.requests[csd as usize].set(csd + 10);
            if self.queue.push(CsdId(csd), &self.links[..]) {
                self.ipi.swap(true, SeqCst); // not `store`: loom would let the owner's `swap` overlook it
            }
        }

        fn interruption_point(&self, taken: &mut Vec<u32>) {
            if !self.ipi.swap(false, SeqCst) {
                return;
            }
            let first = self.queue.take_all(&self.links[..]);
            for CsdId(csd) in iter::successors(first, |csd| self.links[csd.0 as usize].get()) {
                assert!(!taken.contains(&csd), "call {csd} was taken twice");
                assert_eq!(self.requests[csd as usize].get(), csd + 10);
                taken.push(csd);
            }
        }
    }

    loom::model(move || {
        let owner = Rc::new(Owner {
            queue: new(),
            links: Default::default(),
            requests: Default::default(),
            ipi: AtomicBool::new(false),
        });
        let posters = [&[0, 1][..], &[2]].map(|csds| {
            let owner = owner.clone();
            thread::spawn(move || csds.iter().for_each(|&csd| owner.call(csd)))
        });
        let mut taken = Vec::new();
        owner.interruption_point(&mut taken);
        for poster in posters {
            poster.join().unwrap();
        }
        owner.interruption_point(&mut taken);
        assert_eq!(owner.queue.take_all(&owner.links[..]), None, "a call was stranded");
        let place = |csd| match taken.iter().position(|&taken| taken == csd) {
            Some(place) => place,
            None => panic!("call {csd} was lost"),
        };
        assert!(place(0) < place(1), "call 1 overtook call 0");
        place(2);
    });
}

/// Twice, so that a trace that a CPU left behind (x86's `owner`) could let it in.
const PLAIN: &[Oops] = &[Oops::Plain, Oops::Plain];

#[test]
fn arm64_die_lock_excludes() {
    one_report_at_a_time(Arm64DieLock::new, PLAIN);
}

#[test]
fn x86_die_lock_excludes() {
    one_report_at_a_time(X86DieLock::new, PLAIN);
}

#[test]
fn x86_die_lock_excludes_when_nested() {
    // A second oops on CPU 0 would be right too, but takes loom a minute.
    one_report_at_a_time(X86DieLock::new, &[Oops::Nested]);
}

#[test]
fn nesting_die_lock_excludes_when_nested() {
    one_report_at_a_time(NestingDieLock::new, &[Oops::Nested, Oops::Plain]);
}

#[test]
fn nesting_die_lock_excludes_when_a_task_was_killed() {
    one_report_at_a_time(NestingDieLock::new, &[Oops::Killed, Oops::Plain]);
}

#[test]
fn csd_lock_publishes_the_request_and_the_answer() {
    calls_are_answered(|| KernelCsdLock);
}

#[test]
fn call_queue_strands_no_call() {
    no_call_is_stranded(KernelCallQueue::default);
}

/// Known wrong parts, and the proof that the models above find them.
mod wrong {
    use std::panic::{UnwindSafe, catch_unwind};

    use softlockup::parts::call_queue::Links;
    use softlockup::parts::csd_lock::CSD_FLAG_LOCK;
    use softlockup::sync::Ordering;

    use super::*;

    const RACE: &str = "Causality violation";

    /// `model` must fail, and for this reason. (The test harness keeps the panic's message to itself.)
    fn fails(reason: &str, model: impl FnOnce() + UnwindSafe) {
        let panic = catch_unwind(model).expect_err("the model let a wrong part through");
        let message = panic.downcast::<String>().expect("a formatted message, as loom's are");
        assert!(message.contains(reason), "it failed for another reason: {message}");
    }

    /// `Arm64DieLock` with these orderings.
    struct AnyOrderDieLock {
        locked: AtomicU32,
        lock: Ordering,
        unlock: Ordering,
    }

    fn die_lock(lock: Ordering, unlock: Ordering) -> AnyOrderDieLock {
        AnyOrderDieLock { locked: AtomicU32::new(0), lock, unlock }
    }

    impl DieLock for AnyOrderDieLock {
        fn lock(&self, cpu: &impl ThisCpu) -> u32 {
            while self.locked.compare_exchange(0, 1, self.lock, Relaxed).is_err() {
                cpu.relax();
            }
            1
        }

        fn unlock(&self, _cpu: &impl ThisCpu) -> u32 {
            self.locked.store(0, self.unlock);
            0
        }
    }

    #[test]
    fn die_lock_relaxed() {
        one_report_at_a_time(|| die_lock(Acquire, Release), PLAIN);
        fails(RACE, || one_report_at_a_time(|| die_lock(Relaxed, Release), PLAIN));
        fails(RACE, || one_report_at_a_time(|| die_lock(Acquire, Relaxed), PLAIN));
    }

    /// `KernelCsdLock` with these orderings.
    struct AnyOrderCsdLock {
        lock: Ordering,
        wait: Ordering,
        unlock: Ordering,
    }

    fn csd_lock(lock: Ordering, wait: Ordering, unlock: Ordering) -> AnyOrderCsdLock {
        AnyOrderCsdLock { lock, wait, unlock }
    }

    impl CsdLock for AnyOrderCsdLock {
        fn lock(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
            AnyOrderCsdLock { wait: self.lock, ..*self }.wait(flags, cpu);
            flags.store(CSD_FLAG_LOCK, Relaxed);
        }

        fn unlock(&self, flags: &AtomicU32) {
            flags.store(0, self.unlock);
        }

        fn wait(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
            while flags.load(self.wait) & CSD_FLAG_LOCK != 0 {
                cpu.relax();
            }
        }
    }

    #[test]
    fn csd_lock_relaxed() {
        calls_are_answered(|| csd_lock(Acquire, Acquire, Release));
        fails(RACE, || calls_are_answered(|| csd_lock(Relaxed, Acquire, Release)));
        fails(RACE, || calls_are_answered(|| csd_lock(Acquire, Relaxed, Release)));
        fails(RACE, || calls_are_answered(|| csd_lock(Acquire, Acquire, Relaxed)));
    }

    /// `KernelCallQueue` with these orderings.
    struct AnyOrderCallQueue {
        first: AtomicU32,
        push: Ordering,
        take: Ordering,
        /// Does `push` look whether `first` has changed since it was read?
        compares: bool,
    }

    fn call_queue(push: Ordering, take: Ordering) -> AnyOrderCallQueue {
        AnyOrderCallQueue { first: AtomicU32::new(0), push, take, compares: true }
    }

    fn decode(first: u32) -> Option<CsdId> {
        first.checked_sub(1).map(CsdId)
    }

    impl Default for AnyOrderCallQueue {
        fn default() -> Self {
            call_queue(Release, Acquire)
        }
    }

    impl CallQueue for AnyOrderCallQueue {
        fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
            loop {
                let first = self.first.load(Relaxed);
                links.link(csd).set(decode(first));
                if !self.compares {
                    self.first.swap(csd.0 + 1, self.push);
                    return first == 0;
                }
                if self.first.compare_exchange(first, csd.0 + 1, self.push, Relaxed).is_ok() {
                    return first == 0;
                }
            }
        }

        fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
            let mut newest = decode(self.first.swap(0, self.take));
            let mut oldest = None;
            while let Some(csd) = newest {
                newest = links.link(csd).get();
                links.link(csd).set(oldest);
                oldest = Some(csd);
            }
            oldest
        }
    }

    #[test]
    fn call_queue_relaxed() {
        no_call_is_stranded(|| call_queue(Release, Acquire));
        fails(RACE, || no_call_is_stranded(|| call_queue(Relaxed, Acquire)));
        fails(RACE, || no_call_is_stranded(|| call_queue(Release, Relaxed)));
    }

    #[test]
    fn call_queue_check_then_act() {
        fails("was lost", || {
            no_call_is_stranded(|| AnyOrderCallQueue { compares: false, ..Default::default() })
        });
    }
}
