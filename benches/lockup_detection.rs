//! How long does it take from the moment a CPU is stuck until a CPU reports it? How much of that is late? And what does
//! it cost a CPU to be watched?
//!
//! Criterion's figures are the whole delay, in the host's time: [`RATIO`] times as much in kernel time. Most of it is
//! the detector's nature, and a matter of phase; so every onset has a random one, and every delay is compared with what
//! the rules give for just that phase ([`ideal`](softlockup_benches::ideal)).
//!
//! What is asserted is that the right CPU reported the right one, once; never how long it took.

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode};
use softlockup::Clock;
use softlockup::config::BuddyRule;
use softlockup_benches::cost::{self, Cost, WATCHED_BY};
use softlockup_benches::random::Random;
use softlockup_benches::seen::Seen;
use softlockup_benches::stuck::{Case, Stuck};
use softlockup_measure::quantiles::quantile;

/// Kernel time per host time. A sample period of 4 s is 8 ms of the host then: few are lost to other programs that use
/// it. And 1 % of the buddy's 10 s is 0.2 ms of the host: a thread that sleeps until its timer is due is late by half
/// of that.
const RATIO: f64 = 500.0;

const SEED: u64 = 1;

/// The host may spoil this many runs in a row.
const MAX_SPOILED: usize = 50;

const CASES: [(&str, Case); 3] = [
    ("softlockup", Case::Softlockup),
    ("buddy", Case::Buddy(BuddyRule::EVERY_THIRD_SAMPLE)),
    ("csd_debug", Case::CsdDebug),
];

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let stolen_before = cost::stolen();
    let mut group = criterion.benchmark_group("lockup_detection");
    group
        .sampling_mode(SamplingMode::Flat)
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(14));
    let seen = CASES.map(|(name, case)| bench(&mut group, name, case));
    group.finish();

    let measured = |runs: &Runs| runs.seen.len() > 1;
    match seen.iter().all(measured) {
        true => print_cost(&cost::measure(250)),
        // `cargo test` runs each once: this, too, is to work then.
        false if seen.iter().all(|runs| runs.seen.len() == 1) => drop(cost::measure(1)),
        false => {} // some were not asked for
    }
    if let (true, Some(before), Some(now)) =
        (seen.iter().any(measured), stolen_before, cost::stolen())
    {
        let stolen = now.saturating_sub(before).as_secs_f64();
        println!("The host's own host ran others for {stolen:.2} s on its cores meanwhile.");
    }
    criterion.final_summary();
}

/// The runs of one case, warm-up included.
#[derive(Default)]
struct Runs {
    seen: Vec<Seen>,
    /// Those that showed nothing, because the host ran a CPU too late.
    spoiled: usize,
}

fn bench(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, case: Case) -> Runs {
    let (mut random, mut runs) = (Random::new(SEED), Runs::default());
    if Runs::default().detect_unspoiled(case, &mut Random::new(SEED)).is_none() {
        eprintln!(
            "note: {name} is left out: {MAX_SPOILED} times in a row the busy host ran a CPU too late"
        );
        return runs;
    }
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|iters| (0..iters).map(|_| runs.detect(case, &mut random)).sum());
    });
    if runs.seen.len() > 1 {
        print_delays(name, case, &runs);
    }
    runs
}

impl Runs {
    /// Lives through one lockup. Returns how long it went unnoticed, in the host's time.
    fn detect(&mut self, case: Case, random: &mut Random) -> Duration {
        loop {
            match self.detect_unspoiled(case, random) {
                Some(delay) => return delay,
                None => eprintln!("note: the host is too busy: the benchmark waits for it"),
            }
        }
    }

    /// [`detect`](Runs::detect), if the host lets it.
    fn detect_unspoiled(&mut self, case: Case, random: &mut Random) -> Option<Duration> {
        for _ in 0..MAX_SPOILED {
            let stuck = draw(case, random);
            let run = stuck.machine(Clock::Wall { ratio: RATIO }).run().expect("two threads");
            match stuck.seen(&run.incident) {
                Ok(seen) => {
                    self.seen.push(seen);
                    let delay_ns = seen.reported.ns_since(seen.onset);
                    return Some(Duration::from_nanos((delay_ns as f64 / RATIO) as u64));
                }
                Err(wrong) if wrong.disturbed => self.spoiled += 1,
                Err(wrong) => panic!("not one report of the right CPU: {}", wrong.what),
            }
        }
        None
    }
}

fn draw(case: Case, random: &mut Random) -> Stuck {
    Stuck::draw(case, 10, || random.uniform())
}

/// Prints the median, the 99th percentile and the maximum of `values`, each shown by `show`.
fn print_row(title: &str, values: impl Iterator<Item = f64>, show: impl Fn(f64) -> String) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let [p50, p99, max] = [0.5, 0.99, 1.0].map(|share| show(quantile(&values, share)));
    println!("  {title:<26}{p50:>14}{p99:>14}{max:>14}");
}

fn print_delays(name: &str, case: Case, runs: &Runs) {
    let mut random = Random::new(SEED + 1);
    let plans: Vec<Stuck> = (0..100_000).map(|_| draw(case, &mut random)).collect();
    let threshold_ns = plans[0].threshold_ns() as f64;
    let delay = |seen: &Seen| seen.reported.ns_since(seen.onset) as f64;
    let late = |seen: &Seen| seen.reported.ns() as f64 - seen.ideal.ns() as f64;
    let secs = |ns: f64| format!("{:.3} s", ns / 1e9);
    let host = |ns: f64| format!("{:.2} us", ns / RATIO / 1e3);
    let share = |ns: f64| format!("{:.4} %", 100.0 * ns / threshold_ns);

    println!("{name}: {} lockups, {RATIO} times as fast as the host", runs.seen.len());
    println!("  {:<26}{:>14}{:>14}{:>14}", "", "p50", "p99", "max");
    print_row("delay", runs.seen.iter().map(delay), secs);
    print_row("in theory", plans.iter().map(|plan| plan.ideal_delay_ns() as f64), secs);
    print_row("late by, kernel time", runs.seen.iter().map(late), |ns| {
        format!("{:.3} ms", ns / 1e6)
    });
    let title = format!("  of {:.2} s allowed", threshold_ns / 1e9);
    print_row(&title, runs.seen.iter().map(late), share);
    print_row("  on the host", runs.seen.iter().map(late), host);
    let undisturbed: Vec<&Seen> = runs.seen.iter().filter(|seen| !seen.disturbed).collect();
    let disturbed = runs.seen.len() - undisturbed.len();
    if disturbed > 0 && !undisturbed.is_empty() {
        print_row("  undisturbed, kernel", undisturbed.iter().map(|s| late(s)), share);
        print_row("  undisturbed, host", undisturbed.iter().map(|s| late(s)), host);
    }
    if disturbed + runs.spoiled > 0 {
        println!(
            "  In {disturbed} of them the host ran a CPU more than an eighth of a period late."
        );
        println!("  That spoiled {} more: not one report of the right CPU.", runs.spoiled);
    }
    println!();
}

fn print_cost(cost: &Cost) {
    println!("What being watched costs a CPU, at one sample per 4 s:");
    for ((name, _), ns) in WATCHED_BY.iter().zip(cost.sample_ns) {
        println!("  {name:<14}{ns:>8.0} ns a sample, {:.7} % of a CPU", 100.0 * Cost::share(ns));
    }
    let &Cost { unarmed_ns, armed_ns, .. } = cost;
    println!("  An interruption point takes {unarmed_ns:.1} ns with no timer armed, and");
    println!("  {armed_ns:.1} ns more with one that is armed and not due: it is polled there.");
}
