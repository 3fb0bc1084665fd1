//! A replay prints what the log has: on consoles of real kernels, and on consoles that the machine itself printed. And
//! where a log is wrong, or no machine can live through it, that shows.

use std::path::Path;

use softlockup::config::Detectors;
use softlockup::dmesg::diagnosis::diagnose;
use softlockup::replay::{CannotReplay, Headline, Note, Reason, Replay, SideBySide};
use softlockup::scenario::nested_oops::NestedOops;
use softlockup::scenario::stops_answering::StopsAnswering;
use softlockup::scenario::wait_chains::WaitChains;
use softlockup::{CpuId, Kernel, KernelTime, Scenario};

fn recorded(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/ground-truth/{name}.log"));
    String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()
}

fn replay(log: &str) -> Replay {
    let incidents = diagnose(log.as_bytes());
    Replay::of(log.as_bytes(), incidents.last().unwrap()).unwrap()
}

fn replayed(log: &str) -> SideBySide {
    replay(log).run().unwrap()
}

/// The rows, one a line.
fn shown(both: &SideBySide) -> String {
    let report = |of: &Option<Headline>| match of {
        Some(Headline { time, cpu, number, .. }) => format!("{time} CPU#{cpu} {number}s"),
        None => "-".to_owned(),
    };
    let rows =
        both.rows.iter().map(|row| format!("{} | {}\n", report(&row.real), report(&row.replayed)));
    rows.collect::<String>() + &format!("{} before the log", both.before_the_log)
}

/// How many numbers are equal, how many there are, and how many reports the machine has beside them.
fn counts(both: &SideBySide) -> (usize, usize, usize) {
    let extra = both.rows.iter().filter(|row| row.real.is_none()).count();
    (both.equal(), both.reports(), extra + both.before_the_log)
}

fn refused(log: &str) -> CannotReplay {
    let incidents = diagnose(log.as_bytes());
    Replay::of(log.as_bytes(), &incidents[0]).unwrap_err()
}

/// What the machine prints when it lives through a scenario.
fn console(scenario: &impl Scenario) -> String {
    scenario.machine().unwrap().run().unwrap().incident.console()
}

/// Each recorded console that reports a soft lockup: how many of its numbers are equal, how many reports the machine has
/// beside them (the logs are trimmed: they keep three of a CPU), and how far apart stamps are.
const RECORDED: &str = "\
a64-612-csd-smp4: 9 of 9, 0 more, 0.763 ms
a64-612-oops-execbusy-smp4: 9 of 9, 2 more, 18.22 ms
a64-612-panic_on_oops-smp4: 9 of 9, 0 more, 0.647 ms
a64-612-pnmi-smp4: 6 of 6, 1 more, 0.793 ms
a64-612-softpanic-smp4: 1 of 1, 0 more, 0 ms
a64-d61-oops-kick-smp4: 9 of 9, 0 more, 0.106 ms
x86-d61-nest1-again-smp4: 6 of 6, 0 more, 96.333 ms
";

#[test]
fn every_number_of_every_recorded_console_is_equal() {
    let mut table = String::new();
    for name in [
        "a64-612-csd-smp4",
        "a64-612-oops-execbusy-smp4",
        "a64-612-panic_on_oops-smp4",
        "a64-612-pnmi-smp4",
        "a64-612-softpanic-smp4",
        "a64-d61-oops-kick-smp4",
        "x86-d61-nest1-again-smp4",
    ] {
        let both = replayed(&recorded(name));
        let (equal, all, more) = counts(&both);
        let apart = both.apart_ns().unwrap() as f64 / 1e6;
        table += &format!("{name}: {equal} of {all}, {more} more, {apart} ms\n");
    }
    assert_eq!(table, RECORDED);
}

#[test]
fn the_articles_console_is_repeated_to_the_nanosecond() {
    let both = replayed(&console(&NestedOops::default()));
    assert_eq!((counts(&both), both.apart_ns()), ((5, 5, 0), Some(0)), "{}", shown(&both));
}

#[test]
fn the_totals_that_612_repeats_are_equal() {
    let mut scenario = NestedOops::default();
    scenario.config.kernel = Kernel::Arm64V6_12;
    scenario.config.detectors = Detectors::of(Kernel::Arm64V6_12);
    let log = console(&scenario);
    let both = replayed(&log);
    assert!(both.reports() > 10, "{log}");
    assert_eq!(both.equal(), both.reports(), "{}", shown(&both));
}

#[test]
fn a_replay_of_a_replay_is_the_same() {
    let log = recorded("a64-612-csd-smp4");
    let first = replay(&log);
    let again = replayed(&console(&first.scenario));
    assert_eq!(again.equal(), again.reports(), "{}", shown(&again));
    assert_eq!(again.reports(), first.run().unwrap().reports());
}

#[test]
fn days_of_uptime_cost_nothing() {
    let line = |secs: &str, number| {
        format!("[{secs}] watchdog: BUG: soft lockup - CPU#1 stuck for {number}s! [a:1]\n")
    };
    let log = line("8640030.500000", 22) + &line("8640054.500000", 44);
    let replay = replay(&log);
    let boot = KernelTime::from_secs(8_640_030 - 60);
    assert!(replay.scenario.config.online_at(CpuId(1)) > boot);
    let both = replay.run().unwrap();
    assert_eq!((counts(&both), both.apart_ns()), ((2, 2, 0), Some(0)), "{}", shown(&both));
}

#[test]
fn a_changed_number_and_a_missing_line_show() {
    let log = recorded("a64-d61-oops-kick-smp4");
    let wrong = log.replace("CPU#2 stuck for 48s!", "CPU#2 stuck for 49s!");
    let both = replayed(&wrong);
    assert_eq!(counts(&both), (8, 9, 0));
    assert!(both.rows.iter().any(|row| row.off_by() == Some(-1)));

    let cut: Vec<&str> =
        log.lines().filter(|line| !line.contains("CPU#2 stuck for 48s!")).collect();
    let both = replayed(&cut.join("\n"));
    assert_eq!(counts(&both), (8, 8, 1), "{}", shown(&both));
}

#[test]
fn the_silent_cpu_is_the_named_one_or_a_stand_in_that_is_called_so() {
    let named = replay(&recorded("a64-d61-oops-kick-smp4"));
    assert_eq!(named.scenario.culprit.cpu, CpuId(0));
    assert!(!named.notes.iter().any(|note| matches!(note, Note::StandIn(_))));

    let unnamed = replay("[ 30.5] watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [a:1]\n");
    assert_eq!(unnamed.notes, [Note::StandIn(CpuId(2))]);
    assert_eq!(unnamed.scenario.culprit.cpu, CpuId(2));
    assert_eq!(unnamed.likeness.reason, Reason::Unknown);
}

#[test]
fn a_cpu_that_ran_in_between_and_one_that_no_machine_has_are_left_out() {
    let line = |stamp: &str, cpu: u32, number| {
        format!("[{stamp}] watchdog: BUG: soft lockup - CPU#{cpu} stuck for {number}s! [a:1]\n")
    };
    let log = line("30.5", 1, 22)
        + &line("54.5", 1, 45)
        + &line("130.5", 1, 22)
        + &line("131.0", 9000, 22);
    let replay = replay(&log);
    assert!(replay.notes.contains(&Note::LaterWaits(1)), "{:?}", replay.notes);
    assert!(replay.notes.contains(&Note::TooManyCpus(vec![CpuId(9000)])), "{:?}", replay.notes);
    assert_eq!(replay.scenario.config.nr_cpus, 3);
}

#[test]
fn a_log_that_cannot_be_lived_through_says_why() {
    let lockup = "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [a:1]\n";
    assert_eq!(refused("[ 30.5] nothing is wrong\n"), CannotReplay::NoReports);
    assert_eq!(refused(lockup), CannotReplay::NoStamps);
    assert_eq!(refused(&format!("[    3.5] {lockup}")), CannotReplay::TooEarly);
}

#[test]
fn the_scenario_ends_as_it_says() {
    for kernel in [Kernel::Arm64V4_19, Kernel::Arm64V6_12] {
        let mut scenario = StopsAnswering::default();
        scenario.config.kernel = kernel;
        scenario.config.detectors = Detectors { softlockup: true, ..Detectors::NONE };
        scenario.waiters[0].touched = vec![KernelTime::from_secs(70)];
        let report = scenario.machine().unwrap().run().unwrap().incident.report();
        assert_eq!(report.diagnosis, scenario.conclusion());
        let reported: Vec<_> = report.soft_lockups.iter().map(|lockup| lockup.cpu.0).collect();
        assert!(reported.contains(&1) && reported.contains(&5), "{reported:?}");
    }
}

#[test]
fn a_waiter_that_is_named_twice_or_begins_too_early_is_refused() {
    let says = |scenario: &StopsAnswering| scenario.machine().unwrap_err().to_string();
    let mut twice = StopsAnswering::default();
    twice.waiters[1].at.cpu = CpuId(3);
    assert!(says(&twice).contains("CPU#3 is named twice"));
    let mut early = StopsAnswering::default();
    early.waiters[0].at.time = KernelTime::from_secs(60);
    assert!(says(&early).contains("must be after 60.000000 s"));
    let mut toucher = StopsAnswering::default();
    toucher.waiters[0].at.cpu = CpuId(7);
    toucher.waiters[1].touched = vec![KernelTime::from_secs(70)];
    assert!(says(&toucher).contains("CPU#7 is named twice"));
}

#[test]
fn chains_of_waiting_cpus_are_repeated_by_their_last_ones() {
    let both = replayed(&console(&WaitChains::default()));
    assert_eq!(counts(&both), (2, 2, 0), "{}", shown(&both));
}
