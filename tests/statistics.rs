//! Over many seeds: what Linux's arithmetic promises, and what the table of thresholds says.

use softlockup::incident::report::SoftLockup;
use softlockup::scenario::At;
use softlockup::scenario::nested_oops::{Arrivals, NestedOops};
use softlockup::time::{NSEC_PER_SEC, NSEC_PER_TIMESTAMP_UNIT, sample_period_ns};
use softlockup::{Config, CpuId, Kernel, KernelTime, Scenario};

fn seeded(seed: u64, nr_cpus: u32) -> Vec<SoftLockup> {
    let config = Config { nr_cpus, ..Config::default() };
    let scenario = NestedOops { config, arrivals: Arrivals::Seed(seed), ..NestedOops::default() };
    let run = scenario.machine().unwrap().run().unwrap();
    run.incident.report().soft_lockups
}

/// The rules that every first report obeys, whatever the seed.
fn check(lockup: &SoftLockup, period_ns: u64) {
    let (time, fed) = (lockup.time.ns(), lockup.last_feed.expect("it was fed").ns());
    let units = |ns: u64| ns / NSEC_PER_TIMESTAMP_UNIT;
    assert_eq!(lockup.printed_seconds, units(time) - units(fed), "{lockup:?}");
    assert_eq!((time - fed) % period_ns, 0, "{lockup:?}");
    assert_eq!((time - fed) / period_ns, u64::from(lockup.sample), "{lockup:?}");
}

#[test]
fn over_1000_seeds_the_sixth_sample_fires_and_says_22_in_65_of_100() {
    let period = sample_period_ns(10);
    let (mut twenty_twos, mut total) = (0, 0);
    for seed in 0..1000 {
        for lockup in seeded(seed, 8) {
            check(&lockup, period);
            assert_eq!(lockup.sample, 6);
            let waited = lockup.time.ns_since(lockup.wait_began.expect("it waited"));
            assert!((20 * NSEC_PER_SEC..24 * NSEC_PER_SEC).contains(&waited), "{lockup:?}");
            assert_eq!(lockup.waits_for, [CpuId::BOOT]);
            assert!(lockup.printed_seconds == 22 || lockup.printed_seconds == 23);
            twenty_twos += u32::from(lockup.printed_seconds == 22);
            total += 1;
        }
    }
    assert!(total > 4000, "only {total} reports");
    let share = f64::from(twenty_twos) / f64::from(total);
    assert!((share - 0.648).abs() < 0.03, "{share} of {total} say 22");
}

/// CPUs that begin to wait at different places in their period, `spread_ns` apart, each in a run of its own.
fn waits(thresh: u64, kernel: Kernel) -> Vec<SoftLockup> {
    let period = sample_period_ns(thresh);
    let config = Config { nr_cpus: 64, watchdog_thresh_secs: thresh, kernel, ..Config::default() };
    let onset = |cpu: u32| {
        let time = KernelTime::from_ns(300 * NSEC_PER_SEC + u64::from(cpu) * 7 * period / 61);
        At { cpu: CpuId(cpu), time }
    };
    let arrivals = Arrivals::Stuck((1..64).map(onset).collect());
    let scenario = NestedOops { config, arrivals, ..NestedOops::default() };
    let mut lockups = scenario.machine().unwrap().run().unwrap().incident.report().soft_lockups;
    lockups.retain(|lockup| lockup.printed_seconds < 4 * thresh);
    assert_eq!(lockups.len(), 63, "each CPU's first report");
    lockups
}

#[test]
fn thresholds_print_what_the_table_says() {
    // watchdog_thresh, what may be printed, the last sample that may fire (the first is the sixth)
    let table: [(u64, &[u64], u32); 6] = [
        (1, &[3], 9),
        (5, &[11, 12], 6),
        (10, &[22, 23], 6),
        (20, &[44, 45], 6),
        (30, &[67, 68], 6),
        (60, &[134, 135], 6),
    ];
    for (thresh, may_print, last_sample) in table {
        let period = sample_period_ns(thresh);
        for lockup in waits(thresh, Kernel::Arm64V4_19) {
            check(&lockup, period);
            assert!(may_print.contains(&lockup.printed_seconds), "thresh {thresh}: {lockup:?}");
            assert!((6..=last_sample).contains(&lockup.sample), "thresh {thresh}: {lockup:?}");
            let waited = lockup.time.ns_since(lockup.wait_began.unwrap());
            let could_wait = 5 * period..u64::from(last_sample) * period;
            assert!(could_wait.contains(&waited), "thresh {thresh}: {lockup:?}");
        }
    }
}

#[test]
fn on_6_12_first_reports_obey_the_same_arithmetic() {
    for lockup in waits(10, Kernel::Arm64V6_12) {
        check(&lockup, sample_period_ns(10));
        assert_eq!(lockup.sample, 6);
    }
}
