//! Recorded consoles of real kernels: tests/ground-truth/README.md says what happened in each.

use std::fs;
use std::path::PathBuf;

use softlockup::CpuId;
use softlockup::dmesg::diagnosis::{Confidence, Diagnosis, FactKind, Verdict, diagnose};

fn log(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ground-truth");
    fs::read(PathBuf::from(folder).join(format!("{name}.log"))).unwrap()
}

fn only(name: &str) -> Diagnosis {
    let mut incidents = diagnose(&log(name));
    assert_eq!(incidents.len(), 1, "{name}");
    incidents.remove(0)
}

fn named(name: &str) -> (u32, Confidence) {
    match only(name).verdict {
        Verdict::Named { cpu, confidence, .. } => (cpu.0, confidence),
        ref verdict => panic!("{name}: {verdict:?}"),
    }
}

#[test]
fn a_machine_on_which_nothing_hangs_has_no_lockup() {
    for name in ["a64-612-baseline-execbusy-smp4", "a64-612-nest0-smp4", "x86-d61-nest1-smp4"] {
        assert_eq!(only(name).verdict, Verdict::NoLockup, "{name}");
    }
}

#[test]
fn the_silent_cpu_is_named_where_a_detector_names_it() {
    for name in
        ["a64-612-oops-execbusy-smp4", "a64-612-softpanic-smp4", "a64-612-panic_on_oops-smp4"]
    {
        assert_eq!(named(name), (0, Confidence::Likely), "{name}");
    }
}

#[test]
fn a_caller_that_says_for_whom_it_waits_makes_it_certain() {
    assert_eq!(named("a64-612-csd-smp4"), (0, Confidence::Certain));
}

#[test]
fn a_stack_that_holds_the_lock_it_waits_for_makes_it_certain() {
    assert_eq!(named("a64-612-pnmi-smp4"), (0, Confidence::Certain));
}

#[test]
fn where_no_line_names_it_the_registers_of_its_callers_do() {
    for (name, silent) in [("a64-d61-oops-kick-smp4", 0), ("x86-d61-nest1-again-smp4", 1)] {
        let incident = only(name);
        assert_eq!(incident.culprit(), Some(CpuId(silent)), "{name}");
        let points = |kind: &FactKind| matches!(kind, FactKind::PerCpuPointer { .. });
        assert!(incident.facts.iter().any(|fact| points(&fact.kind)), "{name}");
    }
}
