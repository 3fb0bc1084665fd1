//! Threads that contend for a lock.
//!
//! A thread is a CPU here, pinned to a host core, round robin. All start together, and each wants the lock again as
//! soon as it has given it back: the hardest case for fairness. With no more threads than cores a waiter spins; with
//! more it yields to the host, because the thread it waits for may need its core.

#![expect(clippy::disallowed_methods, reason = "a waiter spins for real, and for the host's time")]

use std::panic::resume_unwind;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;
use softlockup::parts::die_lock::DieLock;
use softlockup::{CpuId, KernelTime, ThisCpu};

use softlockup_measure::cores;

use super::fairness::Fairness;
use super::section::Section;

/// A CPU that is a thread and nothing more: it takes no interrupts, and its kernel time stands still.
#[derive(Clone, Copy, Debug)]
pub struct BenchCpu {
    id: CpuId,
    yields: bool,
}

impl ThisCpu for BenchCpu {
    fn id(&self) -> CpuId {
        self.id
    }

    fn now(&self) -> KernelTime {
        KernelTime::BOOT
    }

    fn relax(&self) {
        match self.yields {
            true => thread::yield_now(),
            false => std::hint::spin_loop(),
        }
    }

    fn relax_until(&self, _deadline: KernelTime) {
        self.relax();
    }
}

/// Whatever lets one thread at a time into a section: each [`DieLock`], and [`ParkingLot`].
pub trait Excludes: Sync {
    /// Runs `section` while no other thread is in one.
    fn hold(&self, cpu: &BenchCpu, section: impl FnOnce());
}

impl<D: DieLock> Excludes for D {
    fn hold(&self, cpu: &BenchCpu, section: impl FnOnce()) {
        self.lock(cpu);
        section();
        self.unlock(cpu);
    }
}

/// The mutex of `parking_lot`, whose waiters spin a little and then sleep. No [`DieLock`]: a kernel cannot sleep there,
/// and a guard cannot be kept from `lock` to `unlock`.
#[derive(Debug, Default)]
pub struct ParkingLot(parking_lot::Mutex<()>);

impl Excludes for ParkingLot {
    fn hold(&self, _cpu: &BenchCpu, section: impl FnOnce()) {
        let _guard = self.0.lock();
        section();
    }
}

/// Runs `body` on `threads` threads, which start together when all are there.
fn on_cores<T: Send>(threads: usize, body: impl Fn(&BenchCpu) -> T + Sync) -> Vec<T> {
    let nr_cores = cores::usable().len();
    // Written by each thread once, read by all (Relaxed: nothing else depends on it).
    let arrived = AtomicUsize::new(0);
    let contend = |n: usize| {
        cores::pin_nth(n);
        let cpu = BenchCpu { id: CpuId::from(n), yields: threads > nr_cores };
        arrived.fetch_add(1, Relaxed);
        while arrived.load(Relaxed) < threads {
            cpu.relax();
        }
        body(&cpu)
    };
    thread::scope(|scope| {
        let contend = &contend;
        let spawned: Vec<_> = (0..threads).map(|n| scope.spawn(move || contend(n))).collect();
        let ends = spawned.into_iter().map(|thread| thread.join());
        ends.map(|end| end.unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

/// How long `threads` threads take for `visits` visits in all: as many each as it gets.
///
/// # Panics
/// If the lock does not exclude.
pub fn time(lock: &impl Excludes, threads: usize, visits: u64) -> Duration {
    let section = CachePadded::new(Section::default()); // or it may share a line with the lock
    let contenders = on_cores(threads, |cpu| {
        let (began, mut ended) = (Instant::now(), None);
        let (mut own, mut over) = (0, false);
        while !over {
            lock.hold(cpu, || {
                if section.count() < visits {
                    section.enter(cpu.id).leave();
                    own += 1;
                    if section.count() >= visits {
                        ended = Some(Instant::now());
                    }
                } else {
                    over = true;
                }
            });
        }
        (began, ended, own)
    });
    section.check(contenders.iter().map(|&(_, _, own)| own).sum());
    assert_eq!(section.count(), visits);
    let began = contenders.iter().map(|&(began, ..)| began).min();
    let ended = contenders.iter().filter_map(|&(_, ended, _)| ended).max();
    began.zip(ended).map_or(Duration::ZERO, |(began, ended)| ended - began)
}

/// Lets `threads` threads contend for `window`. The host's clock is read twice a visit, once of that with the lock
/// held: the section is longer than in [`time`], and each wait has a reading of the clock in it.
///
/// # Panics
/// If the lock does not exclude.
pub fn fairness(lock: &impl Excludes, threads: usize, window: Duration) -> Fairness {
    let section = CachePadded::new(Section::default()); // or it may share a line with the lock
    // Written by the first thread that starts, read by all.
    let end = OnceLock::new();
    let contenders = on_cores(threads, |cpu| {
        let end = *end.get_or_init(|| Instant::now() + window);
        let (mut waits, mut own, mut late) = (Fairness::no_waits(), 0, 0);
        loop {
            let wanted = Instant::now();
            if wanted >= end {
                return (waits, own, late);
            }
            let mut held = wanted;
            lock.hold(cpu, || {
                held = Instant::now();
                section.enter(cpu.id).leave();
            });
            // A wait that outlasts the window is a wait, but the visit after it is no share of the window.
            waits.saturating_record((held - wanted).as_nanos() as u64);
            own += u64::from(held < end);
            late += u64::from(held >= end);
        }
    });
    section.check(contenders.iter().map(|(_, own, late)| own + late).sum());
    let mut all = Fairness { waits: Fairness::no_waits(), visits: Vec::new() };
    for (waits, own, _) in contenders {
        all.waits += waits;
        all.visits.push(own);
    }
    all
}

#[cfg(test)]
mod tests {
    use softlockup::parts::die_lock::{Arm64DieLock, NestingDieLock, X86DieLock};

    use super::*;
    use crate::locks::{McsLock, TicketLock};

    /// Threads enough that several share a core, on most hosts.
    const THREADS: usize = 8;

    #[test]
    fn every_lock_guards_the_section() {
        fn guards(lock: impl Excludes) {
            for threads in [1, 2, THREADS] {
                time(&lock, threads, 10_000);
            }
        }
        guards(Arm64DieLock::new());
        guards(X86DieLock::new());
        guards(NestingDieLock::new());
        guards(TicketLock::new());
        guards(McsLock::new(THREADS));
        guards(ParkingLot::default());
    }

    #[test]
    fn every_visit_of_a_window_has_waited() {
        let lock = TicketLock::new();
        let Fairness { waits, visits } = fairness(&lock, 3, Duration::from_millis(5));
        let late = waits.len() - visits.iter().sum::<u64>();
        assert!(late <= 3, "{late} visits after the window");
    }
}
