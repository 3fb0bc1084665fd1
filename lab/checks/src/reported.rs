//! Which CPUs an incident reports, and with which numbers: what two runs are compared by.

use softlockup::Incident;
use softlockup::incident::report::SoftLockup;

use crate::check::Failure;

/// Whether `mine` reports the CPUs that `stock` reports, in its order, with its numbers.
///
/// # Errors
/// The first report that is different, as a sentence.
pub fn as_stock(stock: &Incident, mine: &Incident) -> Result<(), String> {
    let (want, got) = (stock.report().soft_lockups, mine.report().soft_lockups);
    let same = |(want, got): (&SoftLockup, &SoftLockup)| {
        (want.cpu, want.printed_seconds) == (got.cpu, got.printed_seconds)
    };
    let first = want.iter().zip(&got).take_while(|&pair| same(pair)).count();
    match (want.get(first), got.get(first)) {
        (None, None) => Ok(()),
        (Some(want), None) => {
            let (all, said) = (stock.report().soft_lockups.len(), got.len());
            let ended = mine.ended;
            Err(format!(
                "{} was to say \"{}\" at {} s; but it said nothing until {ended} s. Of {all} reports {said} came",
                cpu(want),
                words(want),
                want.time,
            ))
        }
        (Some(want), Some(got)) => Err(format!(
            "report {} was to be that of {} at {} s: \"{}\"; but {} came first, at {} s: \"{}\"",
            first + 1,
            cpu(want),
            want.time,
            words(want),
            cpu(got),
            got.time,
            words(got),
        )),
        (None, Some(more)) => {
            let (all, said) = (want.len(), got.len());
            Err(format!(
                "{all} reports were to come, and {said} came. After the last of them {} said at {} s: \"{}\"",
                cpu(more),
                more.time,
                words(more),
            ))
        }
    }
}

/// Whether `incident` reports a CPU more than once.
pub fn repeats(incident: &Incident) -> bool {
    let reports = incident.report().soft_lockups;
    reports.iter().enumerate().any(|(n, one)| reports[..n].iter().any(|other| other.cpu == one.cpu))
}

/// The end of what `incident` printed, beside `failure`.
pub fn with_console(failure: Failure, incident: &Incident) -> Failure {
    failure.with_detail(crate::replay::last_lines(&incident.console()))
}

fn cpu(report: &SoftLockup) -> String {
    format!("CPU#{}", report.cpu)
}

fn words(report: &SoftLockup) -> String {
    format!("stuck for {}s! [{}:{}]", report.printed_seconds, report.comm, report.pid)
}
