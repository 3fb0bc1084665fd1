//! In lockstep, the same configuration is the same bytes on every run.

use softlockup::scenario::nested_oops::{Arrivals, NestedOops};
use softlockup::sync::AtomicU32;
use softlockup::sync::Ordering::*;
use softlockup::{
    Clock, Config, CpuId, Incident, KernelTime, Machine, Parts, Scenario, Task, ThisCpu,
};

use std::sync::Arc;

fn saved(incident: &Incident) -> Vec<u8> {
    let mut bytes = Vec::new();
    incident.save(&mut bytes).expect("a vector takes everything");
    bytes
}

fn seeded(seed: u64, turn_seed: Option<u64>) -> Incident {
    let clock = Clock::Lockstep { turn_seed };
    let config = Config { nr_cpus: 16, clock, ..Config::default() };
    let scenario = NestedOops { config, arrivals: Arrivals::Seed(seed), ..NestedOops::default() };
    scenario.machine().unwrap().run().unwrap().incident
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for (seed, turn_seed) in [(1, None), (2, Some(7))] {
        let first = saved(&seeded(seed, turn_seed));
        for _ in 0..20 {
            assert!(saved(&seeded(seed, turn_seed)) == first);
        }
    }
}

#[test]
fn another_seed_gives_another_run() {
    assert!(saved(&seeded(1, None)) != saved(&seeded(2, None)));
}

#[test]
fn a_turn_seed_permutes_turns_and_changes_no_report() {
    let plain = seeded(3, None);
    let permuted = seeded(3, Some(1));
    assert!(plain.records != permuted.records, "the seed changed no turn");
    assert_eq!(plain.report().soft_lockups, permuted.report().soft_lockups);
    assert!(seeded(3, Some(2)).records != permuted.records, "two seeds gave one order");
}

#[test]
fn a_saved_incident_loads_as_it_was() {
    let incident = seeded(1, None);
    let loaded = Incident::load(&saved(&incident)[..]).unwrap();
    assert!(loaded == incident);
    assert_eq!(loaded.console(), incident.console());
}

/// CPUs hand a token round by an atomic that the machine knows nothing of, and each says when it had it.
fn token_ring(nr_cpus: u32, turn_seed: Option<u64>) -> Incident {
    let clock = Clock::Lockstep { turn_seed };
    let until = KernelTime::from_secs_f64(20.0).unwrap();
    let config = Config { nr_cpus, clock, until, ..Config::default() };
    let mut machine = Machine::new(config, Parts::stock()).unwrap();
    let token = Arc::new(AtomicU32::new(0));
    for n in 0..nr_cpus {
        let token = Arc::clone(&token);
        let start = KernelTime::from_secs_f64(5.0).unwrap();
        machine.spawn(
            CpuId(n),
            Task::new("ring", 100 + n, start, move |cpu| {
                while token.load(Acquire) != cpu.id().0 {
                    cpu.relax();
                }
                cpu.printk(format!("token at {}", cpu.id()));
                token.store(n + 1, Release);
            }),
        );
    }
    machine.run().unwrap().incident
}

#[test]
fn spinning_cpus_see_each_others_atomics_at_the_same_instant() {
    for turn_seed in [None, Some(1), Some(2)] {
        let incident = token_ring(32, turn_seed);
        let console = incident.console();
        let lines: Vec<_> = console.lines().collect();
        assert_eq!(lines.len(), 32, "the token came round");
        for (n, line) in lines.iter().enumerate() {
            assert_eq!(*line, format!("[    5.000000] token at {n}"));
        }
        assert!(saved(&token_ring(32, turn_seed)) == saved(&incident));
    }
}
