//! What the watchdogs print.

use softlockup::config::Detectors;
use softlockup::incident::report::{Detector, SoftLockup};
use softlockup::parts::softlockup::{
    Heartbeat, SampleContext, SoftlockupDetector, SoftlockupVerdict, WarnOnceDetector,
};
use softlockup::scenario::At;
use softlockup::scenario::nested_oops::{Arrivals, NestedOops};
use softlockup::time::NSEC_PER_SEC;
use softlockup::{CpuId, Kernel, KernelTime, Parts};

use crate::{article, run};

/// What `cpu` says in the article's incident.
fn reports_of(cpu: u32, parts: Parts) -> Vec<SoftLockup> {
    let reports = article(parts).report().soft_lockups.into_iter();
    reports.filter(|report| report.cpu == CpuId(cpu)).collect()
}

/// With a threshold of 40 s, and stuck at 600 s.
pub(crate) fn the_number_of_cpu_58() -> String {
    let mut scenario = NestedOops::default();
    scenario.config.watchdog_thresh_secs = 40;
    let stuck = At { cpu: CpuId(58), time: KernelTime::from_secs(600) };
    scenario.arrivals = Arrivals::Stuck(vec![stuck]);
    let report = run(&scenario, Parts::stock()).report();
    let [of_58] = report.soft_lockups.as_slice() else { panic!("{report}") };
    let when = [of_58.last_feed.unwrap(), of_58.time].map(|time| time.to_string());
    assert_eq!(when, ["592.538045", "688.538045"], "the question says so");
    of_58.printed_seconds.to_string()
}

/// Forgets what it reported, or takes "touched" for a time.
#[derive(Default)]
struct Wrong {
    forgets: bool,
    touched_is_a_time: bool,
}

impl SoftlockupDetector for Wrong {
    fn feed(&self, heartbeat: Heartbeat, now: u64) -> Heartbeat {
        WarnOnceDetector.feed(heartbeat, now)
    }

    fn touch(&self, heartbeat: Heartbeat) -> Heartbeat {
        WarnOnceDetector.touch(heartbeat)
    }

    fn sample(
        &self,
        heartbeat: Heartbeat,
        context: SampleContext,
    ) -> (Heartbeat, SoftlockupVerdict) {
        if self.touched_is_a_time && heartbeat.touch_ts == 0 {
            let units = context.now;
            return match units > context.softlockup_thresh {
                true => (heartbeat, SoftlockupVerdict::Lockup { units }),
                false => (heartbeat, SoftlockupVerdict::Healthy),
            };
        }
        let (next, verdict) = WarnOnceDetector.sample(heartbeat, context);
        match self.forgets {
            true => (Heartbeat { warned: None, ..next }, verdict),
            false => (next, verdict),
        }
    }
}

pub(crate) fn seconds_until_a_forgetful_detector_reports_again() -> String {
    let forgetful =
        || Parts::stock().with_softlockup_detector(Wrong { forgets: true, ..Wrong::default() });
    assert_eq!(article(forgetful()).report().soft_lockups.len(), 155, "the reply says so");
    let of_35 = reports_of(35, forgetful());
    let [first, second] = [of_35[0].time, of_35[1].time];
    (second.ns_since(first) / NSEC_PER_SEC).to_string()
}

pub(crate) fn touched_taken_for_a_time() -> String {
    let wrong = Wrong { touched_is_a_time: true, ..Wrong::default() };
    let of_35 = &reports_of(35, Parts::stock().with_softlockup_detector(wrong))[0];
    assert_eq!(of_35.time.ns() / NSEC_PER_SEC, 332, "the question says so");
    of_35.printed_seconds.to_string()
}

pub(crate) fn who_reports_cpu_0() -> String {
    let mut scenario = NestedOops::default();
    scenario.config.kernel = Kernel::Arm64V6_12;
    scenario.config.detectors = Detectors::of(Kernel::Arm64V6_12);
    let first = run(&scenario, Parts::stock()).report().detections[0].clone();
    assert_eq!((first.detector, first.named_cpu), (Detector::HardlockupBuddy, CpuId(0)));
    first.reporter_cpu.to_string()
}
