//! What a `die_lock` costs, uncontended and contended, and how fair it is.
//!
//! ```sh
//! cargo bench -p softlockup-benches --bench die_lock
//! ```
//!
//! `die_lock/arm64/4` is four threads that want arm64's lock all the time. Criterion's figure is the host's time for
//! one visit to the section, lock and unlock included, whichever thread made it. `die_lock/no_lock/1` is the section
//! alone.
//!
//! The table behind it says what the average hides: how long a thread waited, and how often each thread got the lock. A
//! lock without a queue looks fast because the thread that has just given it back takes it again, and the others pay
//! for it. A lock with a queue is handed to the next thread in it, even if the host does not let that thread run: with
//! more threads than cores, or on a busy host, its figures are the host scheduler's.

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, SamplingMode};
use softlockup::parts::die_lock::{Arm64DieLock, NestingDieLock, X86DieLock};
use softlockup_benches::locks::contention::{BenchCpu, Excludes, ParkingLot, fairness, time};
use softlockup_benches::locks::fairness::Fairness;
use softlockup_benches::locks::{McsLock, TicketLock};
use softlockup_measure::cores;

/// How long threads contend for a line of the table.
const WINDOW: Duration = Duration::from_millis(500);

/// No lock at all.
struct NoLock;

impl Excludes for NoLock {
    fn hold(&self, _cpu: &BenchCpu, section: impl FnOnce()) {
        section();
    }
}

struct Bench<'a> {
    group: BenchmarkGroup<'a, WallTime>,
    table: Vec<(String, Fairness)>,
}

impl Bench<'_> {
    /// Measures the lock that `new` makes for a number of threads; a line of the table, too, if Criterion does.
    fn lock<L: Excludes>(&mut self, name: &str, threads: usize, new: impl Fn(usize) -> L) {
        let mut calls = 0;
        self.group.bench_function(BenchmarkId::new(name, threads), |bencher| {
            calls += 1;
            bencher.iter_custom(|iters| time(&new(threads), threads, iters));
        });
        // Not once if the filter leaves it out, once in a test, often when it is measured.
        if calls > 1 {
            let fairness = fairness(&new(threads), threads, WINDOW);
            self.table.push((format!("{name}/{threads}"), fairness));
        }
    }

    fn all_locks(&mut self, threads: usize) {
        self.lock("arm64", threads, |_| Arm64DieLock::new());
        self.lock("x86", threads, |_| X86DieLock::new());
        self.lock("nesting", threads, |_| NestingDieLock::new());
        self.lock("ticket", threads, |_| TicketLock::new());
        self.lock("mcs", threads, McsLock::new);
        self.lock("parking_lot", threads, |_| ParkingLot::default());
    }
}

/// Alone, a few, as many as there are cores, and more.
fn thread_counts() -> Vec<usize> {
    let cores = cores::usable().len();
    let mut counts = vec![1, 2, 4, 8, cores.max(1), 2 * cores.max(1)];
    counts.sort_unstable();
    counts.dedup();
    counts
}

fn print(table: &[(String, Fairness)]) {
    let cores = cores::usable().len();
    println!("\nWaits for the lock and shares of it, in {WINDOW:?} on {cores} cores.");
    println!("Each wait has a reading of the host's clock in it.");
    println!(
        "{:<16}{:>12}{:>10}{:>10}{:>10}{:>10}{:>10}{:>12}{:>7}",
        "die_lock", "visits/s", "p50", "p99", "p99.9", "max", "luckiest", "unluckiest", "Jain"
    );
    for (name, fairness) in table {
        let waits = &fairness.waits;
        let wait = |quantile| Duration::from_nanos(waits.value_at_quantile(quantile));
        println!(
            "{name:<16}{:>12.0}{:>10.1?}{:>10.1?}{:>10.1?}{:>10.1?}{:>9.2}%{:>11.2}%{:>7.3}",
            fairness.total() as f64 / WINDOW.as_secs_f64(),
            wait(0.5),
            wait(0.99),
            wait(0.999),
            wait(1.0),
            100.0 * fairness.luckiest(),
            100.0 * fairness.unluckiest(),
            fairness.jain(),
        );
    }
}

fn bench(criterion: &mut Criterion) -> Vec<(String, Fairness)> {
    let mut group = criterion.benchmark_group("die_lock");
    group
        .sampling_mode(SamplingMode::Flat)
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    let mut bench = Bench { group, table: Vec::new() };
    bench.lock("no_lock", 1, |_| NoLock);
    for threads in thread_counts() {
        bench.all_locks(threads);
    }
    bench.table
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let table = bench(&mut criterion);
    criterion.final_summary();
    if !table.is_empty() {
        print(&table);
    }
}
