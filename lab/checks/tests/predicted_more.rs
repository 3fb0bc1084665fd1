//! What the machine shows, where `exercises/predictions.toml` asks in exercises 1 and 8 to 10.

use checks::replay::live;
use softlockup::config::Detectors;
use softlockup::incident::report::Detector;
use softlockup::scenario::At;
use softlockup::scenario::lost_ipi::LostIpi;
use softlockup::scenario::nested_oops::{Arrivals, NestedOops};
use softlockup::scenario::wait_chains::WaitChains;
use softlockup::time::NSEC_PER_SEC;
use softlockup::{CpuId, Event, Incident, Kernel, KernelTime, Parts, Scenario};

fn run(scenario: &impl Scenario) -> Incident {
    live(scenario, Parts::stock()).expect("it ends")
}

#[test]
fn ex01_cpu_58_prints_90_where_the_threshold_is_40_s() {
    let mut scenario = NestedOops::default();
    scenario.config.watchdog_thresh_secs = 40;
    let stuck = At { cpu: CpuId(58), time: KernelTime::from_secs(600) };
    scenario.arrivals = Arrivals::Stuck(vec![stuck]);
    let report = run(&scenario).report();
    let [of_58] = report.soft_lockups.as_slice() else { panic!("{report}") };
    assert_eq!(of_58.last_feed.unwrap().to_string(), "592.538045");
    assert_eq!((of_58.time.to_string(), of_58.printed_seconds), ("688.538045".to_owned(), 90));
}

#[test]
fn ex08_a_caller_whose_interrupt_was_lost_goes_on_after_five_seconds() {
    let mut scenario = LostIpi::default();
    scenario.config.detectors.csd = true;
    let first = scenario.callers[0];
    let incident = run(&scenario);
    let end = incident.records.iter().find(|record| {
        let ends = matches!(record.event, Event::CsdWaitEnd { on } if on == scenario.deaf);
        ends && record.cpu == first.cpu && record.time > first.time
    });
    assert_eq!(end.unwrap().time.ns_since(first.time) / NSEC_PER_SEC, 5);
}

#[test]
fn ex09_cpu_63_reports_cpu_0() {
    let mut scenario = NestedOops::default();
    scenario.config.kernel = Kernel::Arm64V6_12;
    scenario.config.detectors = Detectors::of(Kernel::Arm64V6_12);
    let first = run(&scenario).report().detections[0].clone();
    assert_eq!(first.detector, Detector::HardlockupBuddy);
    assert_eq!((first.reporter_cpu, first.named_cpu), (CpuId(63), CpuId(0)));
}

#[test]
fn ex10_the_last_cpu_of_a_chain_reports_itself() {
    let mut scenario = WaitChains::default();
    scenario.chains.truncate(1);
    let reported: Vec<CpuId> =
        run(&scenario).report().soft_lockups.iter().map(|it| it.cpu).collect();
    assert_eq!(reported, [CpuId(4)]);
}
