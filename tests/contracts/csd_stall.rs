use softlockup::KernelTime;
use softlockup::parts::contract::csd_stall;
use softlockup::parts::csd_stall::{CsdStall, KernelStallDetector, StallDetector};
use softlockup::sync::AtomicU64;
use softlockup::sync::Ordering::Relaxed;
use softlockup::time::NSEC_PER_SEC;

/// The rules that each detector keeps, and that this one breaks.
fn broken<S: StallDetector>(detector: &S) -> Vec<&'static str> {
    let broken = broken!(csd_stall(detector): not_at_five_seconds, soon_after_five_seconds,
        each_report_comes_later, keeps_waits_apart);
    assert_eq!(csd_stall::all(detector).is_ok(), broken.is_empty());
    broken
}

/// The rules of the kernel's detector that this one breaks.
fn not_kept<S: StallDetector>(detector: &S) -> Vec<&'static str> {
    broken!(csd_stall(detector): reports_grow_rarer, is_patient_on_big_machines)
}

const TIMEOUT: u64 = 5 * NSEC_PER_SEC;

/// A detector that is a function.
struct Due(fn(&CsdStall) -> KernelTime);

impl StallDetector for Due {
    fn due(&self, stall: &CsdStall) -> KernelTime {
        (self.0)(stall)
    }
}

/// More than the time-out after the last report, or after the beginning.
fn plain(stall: &CsdStall) -> KernelTime {
    stall.reported.unwrap_or(stall.began) + (TIMEOUT + 1)
}

#[test]
fn the_kernels_stall_detector_keeps_the_rules() {
    assert!(broken(&KernelStallDetector).is_empty());
    assert!(not_kept(&KernelStallDetector).is_empty());
}

#[test]
fn every_right_detector_is_accepted() {
    assert!(broken(&Due(plain)).is_empty());
    assert_eq!(not_kept(&Due(plain)), ["reports_grow_rarer", "is_patient_on_big_machines"]);
    let once = Due(|stall| if stall.reported.is_none() { plain(stall) } else { KernelTime::MAX });
    assert!(broken(&once).is_empty());
    let doubles = Due(|stall| plain(stall) + ((TIMEOUT << stall.reports) - TIMEOUT));
    assert!(broken(&doubles).is_empty());
    let a_millisecond_later = Due(|stall| plain(stall) + 1_000_000);
    assert!(broken(&a_millisecond_later).is_empty());
}

#[test]
fn wrong_detectors_are_refused() {
    let rules = |due| broken(&Due(due));
    assert_eq!(
        rules(|stall| stall.reported.map_or(stall.began + TIMEOUT, |_| plain(stall))),
        ["not_at_five_seconds"]
    );
    assert_eq!(
        rules(|stall| stall.reported.map_or(stall.began, |_| plain(stall))),
        ["not_at_five_seconds"]
    );
    assert_eq!(rules(|stall| plain(stall) + TIMEOUT), ["soon_after_five_seconds"]);
    let patient_at_first =
        |stall: &CsdStall| plain(stall) + TIMEOUT * (u64::from(stall.nr_online.ilog2()) / 2);
    assert_eq!(rules(patient_at_first), ["soon_after_five_seconds"]);
    assert_eq!(rules(|stall| stall.began + (TIMEOUT + 1)), ["each_report_comes_later"]);
    assert_eq!(
        rules(|stall| stall.began + TIMEOUT * (stall.reports + 1) + 1),
        ["each_report_comes_later"],
        "a late report is followed by the ones that it missed"
    );
    let next_mark = |stall: &CsdStall| {
        let since = stall.reported.map_or(0, |last| last.ns_since(stall.began));
        stall.began + (since / TIMEOUT + 1) * (TIMEOUT + 1)
    };
    assert_eq!(
        rules(next_mark),
        ["each_report_comes_later"],
        "a late report is followed by the next mark"
    );
    assert_eq!(
        rules(|stall| stall.reported.map_or_else(|| plain(stall), |last| last + 1)),
        ["each_report_comes_later"]
    );
    let counts_from_boot = |_: &CsdStall| KernelTime::from_ns(TIMEOUT + 1);
    assert!(rules(counts_from_boot).contains(&"not_at_five_seconds"));
    let milliseconds_for_nanoseconds = |stall: &CsdStall| plain(stall) + TIMEOUT * 1_000;
    assert_eq!(rules(milliseconds_for_nanoseconds), ["soon_after_five_seconds"]);
    assert_eq!(
        csd_stall::each_report_comes_later(&Due(|stall| stall.began + (TIMEOUT + 1)))
            .unwrap_err()
            .happened,
        "after report 1 at 5.000000001 s the next was due: 5.000000001 s"
    );
}

/// Grows more patient with each report of any wait.
struct RemembersInItself(AtomicU64);

impl StallDetector for RemembersInItself {
    fn due(&self, stall: &CsdStall) -> KernelTime {
        plain(stall) + self.0.fetch_add(1, Relaxed)
    }
}

#[test]
fn a_detector_that_remembers_is_refused() {
    assert_eq!(broken(&RemembersInItself(AtomicU64::new(0))), ["keeps_waits_apart"]);
}
