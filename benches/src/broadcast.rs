//! Calls to many CPUs at once, and the least that any of it can take.
//!
//! With more CPUs than host cores each CPU gets its turn when the others yield; so the floor of a broadcast is that as
//! many threads, on the same cores, each run once.

#![expect(
    clippy::disallowed_methods,
    reason = "times the host, whose threads yield to one another"
)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;
use softlockup::config::{BringUp, Detectors};
use softlockup::cpumask::CpuMask;
use softlockup::kernel::csd::CallFunction;
use softlockup::kernel::preempt;
use softlockup::kernel::smp::smp_call_function_many;
use softlockup::parts::call_many::Wait;
use softlockup::{Clock, Config, Cpu, CpuId, KernelTime, Machine, Parts, Task, ThisCpu};

use crate::threads::AbortOnPanic;
use softlockup_measure::cores;

/// The largest broadcast, in called CPUs.
pub const MAX_OTHERS: u32 = 1023;

/// What a machine's thread wants, which is more than the floor's.
const STACK_SIZE: usize = 512 * 1024;

/// Rounds that are not timed: the first ones allocate, and find the lines elsewhere.
const WARM_UP: u64 = 3;

/// Whether the host gives so many threads at once. It may refuse: a limit on processes, or no memory.
pub fn host_gives(threads: u32) -> bool {
    let over = AtomicBool::new(false); // written here, read by each thread (Relaxed: nothing else depends on it)
    thread::scope(|scope| {
        let mut spawned = (0..threads).map(|_| {
            thread::Builder::new().stack_size(STACK_SIZE).spawn_scoped(scope, || {
                while !over.load(Relaxed) {
                    thread::yield_now();
                }
            })
        });
        let all = spawned.all(|thread| thread.is_ok());
        over.store(true, Relaxed);
        all
    })
}

/// `rounds` times `others` threads each see a number and say so, the caller waits for all of them, and every thread
/// yields meanwhile if there are more threads than cores.
pub fn floor(others: u32, rounds: u64) -> Duration {
    let crowded = others as usize + 1 > cores::usable().len();
    let wait = || match crowded {
        true => thread::yield_now(),
        false => std::hint::spin_loop(),
    };
    let asked = CachePadded::new(AtomicU64::new(0));
    let seen: Vec<_> = (0..others).map(|_| CachePadded::new(AtomicU64::new(0))).collect();
    let all_here = Barrier::new(others as usize + 1);
    let last = WARM_UP + rounds;
    thread::scope(|scope| {
        let _abort = AbortOnPanic; // a thread that the host refuses is waited for, too
        for (n, seen) in seen.iter().enumerate() {
            let (asked, all_here, wait) = (&asked, &all_here, &wait);
            thread::Builder::new()
                .stack_size(64 * 1024)
                .spawn_scoped(scope, move || {
                    let _abort = AbortOnPanic;
                    cores::pin_nth(n + 1);
                    all_here.wait();
                    for round in 1..=last {
                        while asked.load(Acquire) < round {
                            wait();
                        }
                        seen.store(round, Release);
                    }
                })
                .expect("the host gives a thread");
        }
        let caller = scope.spawn(|| {
            let _abort = AbortOnPanic;
            cores::pin_nth(0);
            all_here.wait();
            let mut start = Instant::now();
            for round in 1..=last {
                if round == WARM_UP + 1 {
                    start = Instant::now();
                }
                asked.store(round, Release);
                for seen in &seen {
                    while seen.load(Acquire) < round {
                        wait();
                    }
                }
            }
            start.elapsed()
        });
        caller.join().expect("it does not panic")
    })
}

/// `rounds` times `smp_call_function_many` to `others` CPUs that spin, on a machine of these parts. (A mailbox
/// carries a call to one CPU only; of a broadcast to more it is what lies behind the letter that is measured.)
///
/// # Panics
/// If the host refuses the threads, or if a CPU was not called exactly once per round.
pub fn on_machine(parts: Parts, others: u32, rounds: u64) -> Duration {
    let nr_cpus = others + 1;
    let config = Config {
        nr_cpus,
        record: false,
        clock: Clock::Wall { ratio: 1.0 },
        until: KernelTime::from_ns(u64::MAX / 2),
        bring_up: BringUp { first_ns: 0, per_cpu_ns: 0, tick_ns: 0, tick_offset_ns: 0 },
        detectors: Detectors::NONE,
        ..Config::default()
    };
    let mut machine = Machine::new(config, parts).expect("it is in range");
    let took = Arc::new(Mutex::new(Duration::ZERO));
    let all_here = Arc::new(AtomicU64::new(0));
    for cpu in (1..nr_cpus).map(CpuId) {
        let all_here = Arc::clone(&all_here);
        machine.spawn(
            cpu,
            Task::new("called", 2, KernelTime::BOOT, move |cpu| {
                all_here.fetch_add(1, Relaxed);
                loop {
                    cpu.relax();
                }
            }),
        );
    }
    let result = Arc::clone(&took);
    machine.spawn(
        CpuId(0),
        Task::new("caller", 1, KernelTime::BOOT, move |cpu| {
            while all_here.load(Relaxed) < u64::from(others) {
                cpu.relax();
            }
            (0..WARM_UP).for_each(|_| broadcast(cpu));
            let start = Instant::now();
            (0..rounds).for_each(|_| broadcast(cpu));
            *result.lock().expect("no panic") = start.elapsed();
            for called in &CALLED[1..=others as usize] {
                let called = called.swap(0, Relaxed);
                assert_eq!(called, WARM_UP + rounds, "a CPU was missed, or called twice");
            }
            cpu.power_off();
        }),
    );
    let run = machine.run().expect("the host gives the threads");
    assert!(run.host.hung.is_empty());
    Arc::into_inner(took).expect("the tasks are gone").into_inner().expect("no panic")
}

/// How many calls each CPU has answered. Written by that CPU, read by the caller when all have answered (Relaxed: the
/// csds' locks order it).
static CALLED: [CachePadded<AtomicU64>; MAX_OTHERS as usize + 1] =
    [const { CachePadded::new(AtomicU64::new(0)) }; MAX_OTHERS as usize + 1];

static COUNT: CallFunction = CallFunction {
    name: "count",
    func: |cpu, _| {
        let called = &CALLED[cpu.id().index()];
        called.store(called.load(Relaxed) + 1, Relaxed);
    },
};

fn broadcast(cpu: &Cpu) {
    let preempt = preempt::disable(cpu);
    let all = CpuMask::all(cpu.nr_cpus());
    smp_call_function_many(cpu, &all, &COUNT, 0, Wait::Sync, &preempt);
}
