//! The checks of ex04: the `die_lock` of arm64.

use softlockup::incident::report::Outcome;
use softlockup::incident::report::diagnosis::Cause;
use softlockup::parts::contract;
use softlockup::parts::die_lock::DieLock;
use softlockup::scenario::nested_oops::NestedOops;
use softlockup::scenario::slow_report::SlowReport;
use softlockup::{CpuId, Parts};

use crate::check::{Check, Failure};
use crate::replay;

/// The name in reports.
pub const ID: &str = "ex04";

/// What a [`DieLock`] like arm64's must do.
pub fn checks<D: DieLock + Default>() -> Vec<Check> {
    #[cfg_attr(not(feature = "models"), expect(unused_mut, reason = "the models come last"))]
    let mut checks = vec![
        Check::contract(
            "contract::die_lock::excludes",
            "while a CPU reports an oops, another CPU's oops waits",
            3,
            || contract::die_lock::excludes(D::default),
        ),
        Check::contract(
            "contract::die_lock::never_lets_itself_in",
            "a CPU that holds the lock waits for itself, for ever",
            1,
            || contract::die_lock::never_lets_itself_in(D::default),
        ),
        Check::replay(
            "replay::slow_report",
            "two reports at once come one after the other",
            1,
            two_reports::<D>,
        ),
        Check::replay(
            "replay::article",
            "the machine hangs as the article's did",
            1,
            hangs_as_the_articles_did::<D>,
        ),
    ];
    #[cfg(feature = "models")]
    checks.push(crate::check::model(
        "model::die_lock",
        "in every interleaving one CPU at a time holds the lock, and sees what the last holder wrote",
        1,
        || crate::models::die_lock(D::default, false),
    ));
    checks
}

fn two_reports<D: DieLock + Default>() -> Result<(), Failure> {
    let scenario = SlowReport::default();
    let incident = replay::live(&scenario, Parts::stock().with_die_lock(D::default()))?;
    scenario.judge(&incident).map_err(Failure::new)
}

fn hangs_as_the_articles_did<D: DieLock + Default>() -> Result<(), Failure> {
    let incident =
        replay::live(&NestedOops::default(), Parts::stock().with_die_lock(D::default()))?;
    let report = incident.report();
    let own_fault =
        report.diagnosis.cause == Cause::SelfDeadlock && report.culprit == Some(CpuId(0));
    if report.outcome == Outcome::Hung && own_fault {
        return Ok(());
    }
    Err(Failure::new(format!(
        "CPU#0 was to wait for itself in its second oops, with interrupts off, as arm64's lock makes it do; but the \
         report says: {}. Only a lock that knows its owner can tell a second oops from another CPU's, and arm64's does \
         not know: that is exercise 12",
        report.diagnosis
    )))
}

/// What `lab replay` shows.
pub fn replayed<D: DieLock + Default>() -> String {
    replay::beside_stock(&NestedOops::default(), Parts::stock().with_die_lock(D::default()))
}
