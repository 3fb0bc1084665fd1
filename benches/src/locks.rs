//! Two fair locks to hold the shipped `die_lock`s against.
//!
//! | lock | who is next | what a waiter looks at |
//! |---|---|---|
//! | [`TicketLock`] | the waiter that came first | one word that all waiters look at |
//! | [`McsLock`] | the waiter that came first | a word of its own |
//!
//! Both queue, and a place in a queue cannot be given up: a CPU that unwinds while it waits, as a
//! [`FakeCpu`](softlockup::parts::fake_cpu::FakeCpu) does when it has waited long enough, blocks every CPU behind it.
//! And a CPU that takes one of them twice waits for itself, as with
//! [`Arm64DieLock`](softlockup::parts::die_lock::Arm64DieLock): these locks do not know their holder.

pub mod contention;
pub mod fairness;
pub mod section;

use crossbeam_utils::CachePadded;
use softlockup::parts::die_lock::DieLock;
use softlockup::sync::AtomicU32;
use softlockup::sync::Ordering::*;
use softlockup::{CpuId, ThisCpu};

/// A ticket lock: draw a number, wait until it is called.
///
/// | field | means | written by | order |
/// |---|---|---|---|
/// | `next` | the number that the next CPU draws | the CPU that draws it, in `lock` | Relaxed: drawing it orders nothing |
/// | `owner` | the number that is called | the holder, in `unlock` | Release, pairs with the Acquire of its waiter |
///
/// Both wrap around, which is no harm while fewer than 2³² CPUs wait.
///
/// In Linux: `include/asm-generic/ticket_spinlock.h`. Here it differs: the two are words and not halves of one.
#[derive(Debug, Default)]
pub struct TicketLock {
    next: AtomicU32,
    owner: AtomicU32,
}

impl TicketLock {
    /// A free lock.
    pub fn new() -> Self {
        TicketLock::default()
    }
}

impl DieLock for TicketLock {
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        let ticket = self.next.fetch_add(1, Relaxed);
        while self.owner.load(Acquire) != ticket {
            cpu.relax();
        }
        1
    }

    fn unlock(&self, _cpu: &impl ThisCpu) -> u32 {
        let called = self.owner.load(Relaxed); // only the holder writes it
        self.owner.store(called.wrapping_add(1), Release);
        0
    }
}

/// The queue lock of Mellor-Crummey and Scott. Each CPU waits on a node of its own, so that handing the lock on
/// disturbs one waiter and not all.
///
/// | field | means | written by | order |
/// |---|---|---|---|
/// | `tail` | the last in the queue, 0 if the lock is free | every CPU, in `lock`: a swap | AcqRel: the next CPU finds the node ready, and what the last holder wrote |
/// | | | the holder, in `unlock`, if no CPU queues | Release, pairs with that |
/// | `next` of a node | the CPU after this one, 0 if there is none yet | its CPU, before the swap | Relaxed, carried by `tail` |
/// | | | the CPU after it | Release, pairs with the holder's Acquire: that node waits |
/// | `called` of a node | the lock is this CPU's | its CPU, before it queues | Relaxed, carried by `tail` and `next` |
/// | | | the holder before it, in `unlock` | Release, pairs with the Acquire of the CPU that waits for it |
///
/// Nodes are named by [`CpuId`], plus 1: a number in place of a pointer, and so no `unsafe`.
///
/// In Linux: `kernel/locking/mcs_spinlock.h`. Here it differs: the node is the CPU's and not the caller's.
#[derive(Debug)]
pub struct McsLock {
    tail: CachePadded<AtomicU32>,
    nodes: Box<[CachePadded<Node>]>,
}

/// A CPU's place in the queue.
#[derive(Debug, Default)]
struct Node {
    next: AtomicU32,
    called: AtomicU32,
}

/// No node.
const NO_NODE: u32 = 0;

impl McsLock {
    /// A free lock for the CPUs below `nr_cpus`.
    pub fn new(nr_cpus: usize) -> Self {
        McsLock {
            tail: CachePadded::default(),
            nodes: (0..nr_cpus).map(|_| CachePadded::default()).collect(),
        }
    }

    fn name(cpu: CpuId) -> u32 {
        cpu.0 + 1
    }

    fn node(&self, name: u32) -> &Node {
        &self.nodes[name as usize - 1]
    }
}

impl DieLock for McsLock {
    /// # Panics
    /// If the lock was not made for this CPU.
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        let me = Self::name(cpu.id());
        let node = self.node(me);
        node.next.store(NO_NODE, Relaxed);
        node.called.store(0, Relaxed);
        let before = self.tail.swap(me, AcqRel);
        if before != NO_NODE {
            self.node(before).next.store(me, Release);
            while node.called.load(Acquire) == 0 {
                cpu.relax();
            }
        }
        1
    }

    fn unlock(&self, cpu: &impl ThisCpu) -> u32 {
        let me = Self::name(cpu.id());
        let mut next = self.node(me).next.load(Acquire);
        if next == NO_NODE {
            if self.tail.compare_exchange(me, NO_NODE, Release, Relaxed).is_ok() {
                return 0;
            }
            // Another CPU has swapped the tail, and has not yet written its name here.
            while next == NO_NODE {
                cpu.relax();
                next = self.node(me).next.load(Acquire);
            }
        }
        self.node(next).called.store(1, Release);
        0
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::disallowed_methods,
        reason = "threads that wait here are no CPUs of a machine"
    )]

    use std::sync::Mutex;
    use std::thread;

    use softlockup::KernelTime;
    use softlockup::parts::contract;
    use softlockup::parts::die_lock::Arm64DieLock;
    use softlockup::parts::fake_cpu::{FakeCpu, Stuck};
    use softlockup::sync::AtomicBool;

    use super::*;

    const CPU0: CpuId = CpuId(0);
    const CPU1: CpuId = CpuId(1);

    #[test]
    fn one_cpu_at_a_time_holds_it() {
        contract::die_lock::all(Arm64DieLock::new).unwrap();
        contract::die_lock::all(TicketLock::new).unwrap();
        contract::die_lock::all(|| McsLock::new(64)).unwrap();
    }

    #[test]
    fn a_place_in_the_queue_cannot_be_given_up() {
        gives_up_its_place(Arm64DieLock::new()).unwrap();
        gives_up_its_place(TicketLock::new()).unwrap_err();
        gives_up_its_place(McsLock::new(64)).unwrap_err();
    }

    /// CPU 1 stops waiting, the lock is free again, and CPU 1 comes once more.
    fn gives_up_its_place(lock: impl DieLock) -> Result<u32, Stuck> {
        let (cpu0, cpu1) = (FakeCpu::new(CPU0), FakeCpu::new(CPU1));
        cpu0.attempt(|cpu| lock.lock(cpu))?;
        cpu1.attempt(|cpu| lock.lock(cpu)).unwrap_err();
        cpu0.attempt(|cpu| lock.unlock(cpu))?;
        cpu1.attempt(|cpu| lock.lock(cpu))
    }

    #[test]
    fn a_second_oops_on_the_holder_waits_for_itself() {
        contract::die_lock::never_lets_itself_in(TicketLock::new).unwrap();
        contract::die_lock::never_lets_itself_in(|| McsLock::new(64)).unwrap();
        contract::die_lock::nests(TicketLock::new).unwrap_err();
        contract::die_lock::nests(|| McsLock::new(64)).unwrap_err();
    }

    /// A CPU that shows that it waits, and so has its place in the queue.
    struct Waiter<'a> {
        id: CpuId,
        waits: &'a AtomicBool,
    }

    impl ThisCpu for Waiter<'_> {
        fn id(&self) -> CpuId {
            self.id
        }

        fn now(&self) -> KernelTime {
            KernelTime::BOOT
        }

        fn relax(&self) {
            self.waits.store(true, Relaxed);
            thread::yield_now();
        }

        fn relax_until(&self, _deadline: KernelTime) {
            self.relax();
        }
    }

    fn is_first_come_first_served(lock: impl DieLock) {
        let (cpu0, served) = (FakeCpu::new(CPU0), Mutex::new(Vec::new()));
        let waits = [const { AtomicBool::new(false) }; 4];
        lock.lock(&cpu0);
        thread::scope(|scope| {
            for n in [2, 1, 3] {
                let (lock, served, waits) = (&lock, &served, &waits[n]);
                scope.spawn(move || {
                    let cpu = Waiter { id: CpuId::from(n), waits };
                    lock.lock(&cpu);
                    served.lock().unwrap().push(n);
                    lock.unlock(&cpu);
                });
                while !waits.load(Relaxed) {
                    thread::yield_now();
                }
            }
            lock.unlock(&cpu0);
        });
        assert_eq!(served.into_inner().unwrap(), [2, 1, 3]);
    }

    #[test]
    fn who_comes_first_is_served_first() {
        is_first_come_first_served(TicketLock::new());
        is_first_come_first_served(McsLock::new(4));
    }

    #[test]
    fn tickets_wrap_around() {
        let lock = TicketLock { next: AtomicU32::new(u32::MAX), owner: AtomicU32::new(u32::MAX) };
        let cpu0 = FakeCpu::new(CPU0);
        for _ in 0..3 {
            assert_eq!(cpu0.attempt(|cpu| lock.lock(cpu)), Ok(1));
            assert_eq!(cpu0.attempt(|cpu| lock.unlock(cpu)), Ok(0));
        }
    }

    #[test]
    #[should_panic(expected = "out of bounds")]
    fn a_cpu_without_a_node_is_refused() {
        McsLock::new(1).lock(&FakeCpu::new(CPU1));
    }
}
