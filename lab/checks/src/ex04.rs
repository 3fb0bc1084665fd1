//! The checks of ex04: the `die_lock` of arm64.

use softlockup::incident::report::Outcome;
use softlockup::incident::report::diagnosis::Cause;
use softlockup::parts::contract;
use softlockup::parts::die_lock::DieLock;
use softlockup::parts::erased::{DynDieLock, Erased};
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
    let mut checks = checks_of(|| Erased(Box::new(D::default())), parts::<D>);
    #[cfg(feature = "models")]
    checks.push(crate::check::model(
        "model::die_lock",
        "in every interleaving one CPU at a time holds the lock, and sees what the last holder wrote",
        1,
        || models::die_lock(D::default, false),
    ));
    checks
}

fn checks_of(new: fn() -> Erased<dyn DynDieLock>, parts: fn() -> Parts) -> Vec<Check> {
    vec![
        Check::contract(
            "contract::die_lock::excludes",
            "while a CPU reports an oops, another CPU's oops waits",
            3,
            move || contract::die_lock::excludes(new),
        ),
        Check::contract(
            "contract::die_lock::never_lets_itself_in",
            "a CPU that holds the lock waits for itself, for ever",
            1,
            move || contract::die_lock::never_lets_itself_in(new),
        ),
        Check::replay(
            "replay::slow_report",
            "two reports at once come one after the other",
            1,
            move || two_reports(parts),
        ),
        Check::replay("replay::article", "the machine hangs as the article's did", 1, move || {
            hangs_as_the_articles_did(parts)
        }),
    ]
}

fn two_reports(parts: fn() -> Parts) -> Result<(), Failure> {
    let scenario = SlowReport::default();
    let incident = replay::live(&scenario, parts())?;
    scenario.judge(&incident).map_err(Failure::new)
}

fn hangs_as_the_articles_did(parts: fn() -> Parts) -> Result<(), Failure> {
    let incident = replay::live(&NestedOops::default(), parts())?;
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

fn parts<D: DieLock + Default>() -> Parts {
    Parts::stock().with_die_lock(D::default())
}

/// What `lab replay` shows.
pub fn replayed<D: DieLock + Default>() -> String {
    beside_stock(parts::<D>)
}

fn beside_stock(parts: fn() -> Parts) -> String {
    replay::beside_stock(&NestedOops::default(), parts())
}
