//! What a machine does after its oops.

use softlockup::incident::report::Outcome;
use softlockup::parts::die_lock::X86DieLock;
use softlockup::scenario::At;
use softlockup::scenario::nested_oops::NestedOops;
use softlockup::{CpuId, Event, KernelTime, Parts};

use crate::{article, run, yes_or_no};

pub(crate) fn a_right_lock_hangs() -> String {
    let report = article(Parts::stock()).report();
    assert_eq!(report.culprit, Some(CpuId(0)), "the reply says so");
    yes_or_no(report.outcome == Outcome::Hung)
}

pub(crate) fn headers_with_the_lock_of_x86() -> String {
    let later = At { cpu: CpuId(7), time: KernelTime::from_secs(300) };
    let scenario = NestedOops { more_oopses: vec![later], ..NestedOops::default() };
    let incident = run(&scenario, Parts::stock().with_die_lock(X86DieLock::default()));
    let console = incident.console();
    let headers = incident.records.iter().filter(|it| matches!(it.event, Event::Oops { .. }));
    let count = headers.count();
    assert_eq!(console.matches("Internal error: Oops").count(), count);
    count.to_string()
}
