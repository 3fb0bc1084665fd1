//! What a call to another CPU costs, next to the floor and to other ways to do the same; and a call to many.
//!
//! Criterion's figures are means over many calls; the tables after them have every call by itself, and the ratio to the
//! floor, taken slice by slice. How to read both: `benches/README.md`.

use std::cell::RefCell;
use std::time::Duration;

use criterion::{Criterion, SamplingMode};
use softlockup::Parts;
use softlockup_benches::broadcast;
use softlockup_benches::contenders::{Condvar, CrossbeamChannel, ParkUnpark, StdMpsc, TwoLines};
use softlockup_benches::report::{Broadcasts, RoundTrips};
use softlockup_benches::threads::on_threads;
use softlockup_benches::{is_given, is_test};
use softlockup_measure::cores;
use softlockup_measure::floor::Floor;
use softlockup_measure::host::{Fate, Host};
use softlockup_measure::machine::{Setup, mailboxes, on_machine};
use softlockup_measure::round_trip::{Measured, Plan};

type Cores = [usize; 2];
type Calls = (Measured, [Fate; 2]);
type Outcome = Result<Calls, Failure>;

/// Why there is nothing to measure. Each is the host's doing, and none ends the benchmark.
enum Failure {
    /// It will fail again.
    Impossible(String),
    /// What was measured does not count; the next time it may.
    Spoiled(Box<Calls>, String),
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Failure::Impossible(why)
    }
}

/// How often a spoiled measurement is repeated.
const TRIES: usize = 20;

/// Time enough for a called side that sleeps to fall asleep before each call.
const ASLEEP: Duration = Duration::from_micros(50);

/// How many calls are timed one by one.
const SINGLE_CALLS: u64 = 20_000;

/// A way to call another thread.
struct Contender {
    id: &'static str,
    /// Its called side sleeps between two calls, so each call is timed by itself.
    sleeps: bool,
    run: fn(Cores, Plan) -> Outcome,
}

const SPINS: Setup = Setup { record: false, idle: false };
const RECORDS: Setup = Setup { record: true, ..SPINS };
const IDLES: Setup = Setup { idle: true, ..SPINS };

const fn contender(id: &'static str, run: fn(Cores, Plan) -> Outcome) -> Contender {
    Contender { id, sleeps: false, run }
}

const CONTENDERS: &[Contender] = &[
    contender("floor_cas", |cores, plan| {
        let floor = Floor::default();
        Ok(on_threads(cores, plan, &floor, &floor)?)
    }),
    contender("floor_two_lines", |cores, plan| {
        let lines = TwoLines::default();
        Ok(on_threads(cores, plan, &lines, &lines)?)
    }),
    contender("kernel_csd", |cores, plan| Ok(on_machine(Parts::stock, cores, plan, SPINS)?)),
    contender("mailbox_sync", |cores, plan| Ok(on_machine(mailboxes, cores, plan, SPINS)?)),
    contender("mailbox_recorded", |cores, plan| Ok(on_machine(mailboxes, cores, plan, RECORDS)?)),
    Contender {
        id: "mailbox_parked",
        sleeps: true,
        run: |cores, plan| Ok(on_machine(mailboxes, cores, plan, IDLES)?),
    },
    contender("crossbeam_channel", |cores, plan| {
        let channel = CrossbeamChannel::default();
        Ok(on_threads(cores, plan, &channel, &channel)?)
    }),
    contender("std_mpsc", |cores, plan| {
        let (caller, server) = StdMpsc::ends();
        Ok(on_threads(cores, plan, caller, server)?)
    }),
    contender("parking_lot_condvar", |cores, plan| {
        let condvar = Condvar::default();
        Ok(on_threads(cores, plan, &condvar, &condvar)?)
    }),
    Contender {
        id: "park_unpark",
        sleeps: true,
        run: |cores, plan| {
            let threads = ParkUnpark::default();
            Ok(on_threads(cores, plan, &threads, &threads)?)
        },
    },
    #[cfg(target_os = "linux")]
    contender("posix_signal", |cores, plan| {
        let signal = softlockup_benches::contenders::Signal::new()?;
        Ok(on_threads(cores, plan, &signal, &signal)?)
    }),
    #[cfg(target_os = "linux")]
    contender("kernel_membarrier", |cores, plan| {
        use softlockup_benches::contenders::{Interrupting, Membarrier};
        let membarrier = Membarrier::new()?;
        let calls = on_threads(cores, plan, Interrupting::new(&membarrier), &membarrier)?;
        match membarrier.was_served() {
            Ok(()) => Ok(calls),
            Err(why) => Err(Failure::Spoiled(Box::new(calls), why)),
        }
    }),
];

fn round_trips(criterion: &mut Criterion, cores: Cores) {
    let report = RefCell::new(RoundTrips::default());
    let mut group = criterion.benchmark_group("ipi_round_trip");
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    for &Contender { id, sleeps, run } in CONTENDERS {
        let measure = |calls, each_after| {
            let once = || run(cores, Plan { calls, each_after });
            unspoiled(once, |why| {
                report.borrow_mut().note(format!("{id} was measured again: {why}"))
            })
        };
        if let Err(Failure::Impossible(why)) = measure(1, None) {
            report.borrow_mut().note(format!("{id} is left out: {why}"));
            continue;
        }
        group.bench_function(id, |bencher| {
            bencher.iter_custom(|calls| match measure(calls, sleeps.then_some(ASLEEP)) {
                Ok((measured, fates)) => {
                    let elapsed = measured.elapsed;
                    report.borrow_mut().add_calls(id, measured, fates);
                    elapsed
                }
                // Criterion wants a figure for each sample; the tables do without.
                Err(Failure::Spoiled(calls, why)) => {
                    report.borrow_mut().note(format!(
                        "criterion's figure of {id} has a sample that does not count: {why}"
                    ));
                    calls.0.elapsed
                }
                Err(Failure::Impossible(why)) => panic!("{id}: {why}, and it was possible before"),
            });
        });
        // Once; and only if the filter let criterion measure it.
        let answers_late = id == "floor_cas"; // with its next call: one by itself is no round trip
        if report.borrow().has(id) && !is_test() && !answers_late {
            let pause = if sleeps { ASLEEP } else { Duration::ZERO };
            if let Ok((measured, _)) = measure(SINGLE_CALLS, Some(pause)) {
                report.borrow_mut().add_single(id, &measured.latencies_ns);
            }
        }
    }
    group.finish();
    if !is_test() {
        print!("{}", report.into_inner());
    }
}

/// Measures until a measurement counts, [`TRIES`] times at most; `note` is told of each that does not.
fn unspoiled(once: impl Fn() -> Outcome, mut note: impl FnMut(&str)) -> Outcome {
    for _ in 1..TRIES {
        match once() {
            Err(Failure::Spoiled(_, why)) => note(&why),
            outcome => return outcome,
        }
    }
    once()
}

type Broadcast = fn(u32, u64) -> Duration;

const BROADCASTS: [(&str, Broadcast); 3] = [
    ("floor", broadcast::floor),
    ("kernel", |others, rounds| broadcast::on_machine(Parts::stock(), others, rounds)),
    ("mailbox", |others, rounds| broadcast::on_machine(mailboxes(), others, rounds)),
];

fn broadcasts(criterion: &mut Criterion) {
    let mut report = Broadcasts::default();
    let mut group = criterion.benchmark_group("ipi_broadcast");
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    for others in [1, 3, 15, 63, 255, broadcast::MAX_OTHERS] {
        if is_test() && others > 15 {
            continue;
        }
        if !broadcast::host_gives(others + 1) {
            eprintln!("note: the host gives no {others} threads: larger broadcasts are left out");
            break;
        }
        let mut measured = 0;
        for (id, run) in BROADCASTS {
            group.bench_function(format!("{id}/{others}"), |bencher| {
                bencher.iter_custom(|rounds| run(others, rounds));
                measured += 1;
            });
        }
        if measured > 0 && !is_test() {
            compare(others, &mut report);
        }
    }
    group.finish();
    print!("{report}");
}

/// Lets all take turns, so that a ratio is of runs between which the host has changed little.
fn compare(others: u32, report: &mut Broadcasts) {
    let rounds = (20_000 / u64::from(others)).clamp(20, 2_000);
    for _ in 0..9 {
        report.add(
            others,
            BROADCASTS.map(|(_, run)| run(others, rounds).as_nanos() as f64 / rounds as f64),
        );
    }
}

fn main() {
    let [one, other, ..] = *cores::usable() else {
        eprintln!("ipi_round_trip: a call needs two host cores, and this process may use one");
        return;
    };
    let pair = [one, other];
    let mut host = Host::describe(&pair);
    let mut criterion = Criterion::default().configure_from_args();
    round_trips(&mut criterion, pair);
    broadcasts(&mut criterion);
    host.note_load_after();
    if !is_test() && !is_given("--list") {
        println!("{host}");
    }
    criterion.final_summary();
}
