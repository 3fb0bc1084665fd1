//! What a machine costs the host: to boot and power off, and to live through the article's incident.
//!
//! ```sh
//! cargo bench -p softlockup-benches --bench machine
//! ```
//!
//! All in lockstep. `boot_and_halt/N` makes N threads, brings each CPU up, and ends when the last thread is gone.
//! `default_incident/N` is [`NestedOops`] as it comes, with N CPUs: almost ten minutes of kernel time, five soft
//! lockups. Console and report are not part of it. The elements of both are CPUs.
//!
//! The tables behind it divide by what a larger machine has more of: CPUs, records, and samples of their watchdogs. A
//! figure that grows down its column is work that grows faster than the machine does.

#![expect(clippy::disallowed_methods, reason = "the host's time is what is measured here")]

use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput};
use softlockup::config::BringUp;
use softlockup::machine::Run;
use softlockup::scenario::nested_oops::NestedOops;
use softlockup::vector::Vector;
use softlockup::{Config, Event, KernelTime, Machine, Parts, Record, Scenario};
use softlockup_benches::is_test;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// How large the machines are. A debug build in a test makes do with the small ones.
const NR_CPUS: [u32; 4] = [64, 256, 1024, 4096];
const NR_CPUS_IN_TESTS: u32 = 256;

/// How many soft lockups the article's incident has, on every machine that has its five CPUs.
const SOFT_LOCKUPS: usize = 5;

fn sizes() -> impl Iterator<Item = u32> {
    NR_CPUS.into_iter().filter(|&nr_cpus| !is_test() || nr_cpus <= NR_CPUS_IN_TESTS)
}

/// A machine whose CPUs all come up at once, at the only moment there is.
fn boot_and_halt(nr_cpus: u32) -> Run {
    let bring_up = BringUp { first_ns: 0, per_cpu_ns: 0, ..BringUp::default() };
    let config = Config { nr_cpus, bring_up, until: KernelTime::BOOT, ..Config::default() };
    Machine::new(config, Parts::stock()).unwrap().run().unwrap()
}

fn default_incident(nr_cpus: u32) -> Run {
    let config = Config { nr_cpus, ..Config::default() };
    NestedOops { config, ..NestedOops::default() }.machine().unwrap().run().unwrap()
}

fn count(run: &Run, is: impl Fn(&Event) -> bool) -> usize {
    run.incident.records.iter().filter(|Record { event, .. }| is(event)).count()
}

/// What a run must have come to, however fast it was.
fn check(run: &Run, nr_cpus: u32, soft_lockups: usize) {
    assert!(run.host.hung.is_empty(), "threads were left behind: {:?}", run.host.hung);
    assert_eq!(run.incident.ended, run.incident.config.until);
    assert_eq!(count(run, |event| matches!(event, Event::Online)), nr_cpus as usize);
    assert_eq!(count(run, |event| matches!(event, Event::SoftLockup { .. })), soft_lockups);
    assert_eq!(count(run, |event| matches!(event, Event::Dropped { .. })), 0);
}

/// What one size of machine cost.
struct Line {
    nr_cpus: u32,
    soft_lockups: usize,
    records: usize,
    samples: usize,
    times: Vec<Duration>,
}

impl Line {
    fn new(nr_cpus: u32, soft_lockups: usize) -> Self {
        Line { nr_cpus, soft_lockups, records: 0, samples: 0, times: Vec::new() }
    }

    /// Times one run. Looking at what came of it, and throwing that away, takes none of the time.
    fn time(&mut self, run: fn(u32) -> Run) -> Duration {
        let began = Instant::now();
        let run = run(self.nr_cpus);
        let time = began.elapsed();
        check(&run, self.nr_cpus, self.soft_lockups);
        self.records = run.incident.records.len();
        self.samples =
            count(&run, |event| matches!(event, Event::IrqEnter { vector: Vector::Timer }));
        self.times.push(time);
        time
    }

    fn median_ns(&self) -> f64 {
        let mut times = self.times.clone();
        times.sort_unstable();
        times[times.len() / 2].as_nanos() as f64
    }
}

/// Measures `run` on one size of machine. A line of the table, too, if Criterion does: it calls it not at all if the
/// filter leaves it out, once in a test, and more often to measure.
fn bench(group: &mut Group<'_>, mut line: Line, run: fn(u32) -> Run) -> Option<Line> {
    group.bench_function(BenchmarkId::from_parameter(line.nr_cpus), |bencher| {
        bencher.iter_custom(|iters| (0..iters).map(|_| line.time(run)).sum());
    });
    (line.times.len() > 1).then_some(line)
}

fn group<'a>(criterion: &'a mut Criterion, name: &str) -> Group<'a> {
    let mut group = criterion.benchmark_group(name);
    group
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(2));
    group
}

fn bench_boot_and_halt(criterion: &mut Criterion) -> Vec<Line> {
    let mut group = group(criterion, "boot_and_halt");
    sizes()
        .filter_map(|nr_cpus| {
            group.throughput(Throughput::Elements(nr_cpus.into()));
            bench(&mut group, Line::new(nr_cpus, 0), boot_and_halt)
        })
        .collect()
}

fn bench_default_incident(criterion: &mut Criterion) -> Vec<Line> {
    let mut group = group(criterion, "default_incident");
    sizes()
        .filter_map(|nr_cpus| {
            group.throughput(Throughput::Elements(nr_cpus.into()));
            bench(&mut group, Line::new(nr_cpus, SOFT_LOCKUPS), default_incident)
        })
        .collect()
}

fn print(boot_and_halt: &[Line], default_incident: &[Line]) {
    if !boot_and_halt.is_empty() {
        println!("\n{:<22}{:>12}{:>12}", "boot_and_halt", "median, ms", "ns/CPU");
    }
    for line in boot_and_halt {
        let (cpus, ns) = (line.nr_cpus, line.median_ns());
        println!("{cpus:>17} CPUs{:>12.2}{:>12.0}", ns / 1e6, ns / f64::from(cpus));
    }
    if !default_incident.is_empty() {
        println!(
            "\n{:<22}{:>12}{:>12}{:>12}{:>12}{:>14}",
            "default_incident", "median, ms", "records", "samples", "ns/record", "ns/CPU sample"
        );
    }
    for line in default_incident {
        let &Line { nr_cpus, records, samples, .. } = line;
        let ns = line.median_ns();
        println!(
            "{nr_cpus:>17} CPUs{:>12.2}{records:>12}{samples:>12}{:>12.0}{:>14.0}",
            ns / 1e6,
            ns / records as f64,
            ns / samples as f64,
        );
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let boot_and_halt = bench_boot_and_halt(&mut criterion);
    let default_incident = bench_default_incident(&mut criterion);
    criterion.final_summary();
    print(&boot_and_halt, &default_incident);
}
