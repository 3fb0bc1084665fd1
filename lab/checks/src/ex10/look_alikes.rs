//! The article's incident, what looks like it, and machines on which nothing is wrong.

use softlockup::config::Config;
use softlockup::incident::report::diagnosis::{Cause, Diagnosis};
use softlockup::scenario::lost_ipi::LostIpi;
use softlockup::scenario::nested_oops::{Arrivals, Before, DieLockPolicy, NestedOops};
use softlockup::scenario::slow_console::SlowConsole;
use softlockup::time::NSEC_PER_SEC;
use softlockup::{CpuId, Incident, KernelTime, Machine, Parts, Scenario};

use crate::ex10::case::Case;
use crate::ex10::machines::{Random, at, run};
use crate::replay;

pub(super) fn no_records() -> Vec<Case> {
    let truth = || Diagnosis { cause: Cause::None, cpus: Vec::new() };
    let config = Config { nr_cpus: 4, until: KernelTime::from_secs(60), ..Config::default() };
    let healthy = run(Machine::new(config, Parts::stock()).expect("it can be set up"));
    let empty = Incident { records: Vec::new(), ..healthy.clone() };
    vec![
        Case { name: "a machine without a record".to_owned(), incident: empty, truth: truth() },
        Case { name: "a minute of an idle machine".to_owned(), incident: healthy, truth: truth() },
    ]
}

/// The article's incident at other times, on other CPUs.
fn article(seed: u64, before: Before) -> NestedOops {
    let config = Config { nr_cpus: 16, ..Config::default() };
    NestedOops { config, arrivals: Arrivals::Seed(seed), before, ..NestedOops::default() }
}

pub(super) fn articles() -> Vec<Case> {
    let seed = |n: u64| {
        article(
            0x5EED_1000 + 7_919 * n,
            if n.is_multiple_of(2) { Before::Busy } else { Before::Idle },
        )
    };
    replay::at_once((0..4).collect(), |n| {
        Case::of(format!("the article's incident, with other victims (run {n})"), &seed(n))
    })
}

/// A case that is still to be lived through.
type Run = Box<dyn FnOnce() -> Case + Send>;

fn case(name: String, scenario: impl Scenario + Send + 'static) -> Run {
    Box::new(move || Case::of(name, &scenario))
}

pub(super) fn look_alikes() -> Vec<Case> {
    let mut random = Random(0x5EED_2000);
    let mut cases: Vec<Run> = Vec::new();
    for n in 0..3 {
        let cpus = random.cpus(8);
        let lost = LostIpi {
            deaf: CpuId(cpus[0]),
            callers: vec![at(cpus[1], 60), at(cpus[2], 63 + n), at(cpus[3], 90)],
            ..LostIpi::default()
        };
        cases.push(case(format!("a lost interrupt (run {n})"), lost));

        let slow = SlowConsole {
            slow: at(cpus[4], 60),
            write_ns: (9 + n) * NSEC_PER_SEC,
            callers: vec![at(cpus[5], 61), at(cpus[6], 62), at(cpus[0], 65)],
            ..SlowConsole::default()
        };
        cases.push(case(format!("a slow console (run {n})"), slow.clone()));
        let endless = SlowConsole {
            write_ns: 400 * NSEC_PER_SEC,
            until: Some(KernelTime::from_secs(100 + n)),
            ..slow
        };
        let name = format!("a console that is still being written to in the end (run {n})");
        cases.push(case(name, endless));

        let leaked = NestedOops {
            die_lock: DieLockPolicy::X86,
            more_oopses: vec![at(9 + n as u32, 300)],
            ..article(0x5EED_2000 + n, Before::Busy)
        };
        let name = format!("x86's die_lock, and an oops after the nested one (run {n})");
        cases.push(case(name, leaked));
    }
    let nesting =
        NestedOops { die_lock: DieLockPolicy::Nesting, ..article(0x5EED_2009, Before::Busy) };
    cases.push(case("a die_lock that nests".to_owned(), nesting));
    replay::at_once(cases, |case| case())
}
