//! The checks of ex12: a lock and a chain with which the machine survives a callback that faults.

use softlockup::incident::report::Outcome;
use softlockup::parts::contract::{die_chain, die_lock};
use softlockup::parts::die_chain::DieChain;
use softlockup::parts::die_lock::DieLock;
use softlockup::parts::erased::{DynDieChain, DynDieLock, Erased};
use softlockup::scenario::At;
use softlockup::scenario::callback_chain::CallbackChain;
use softlockup::scenario::nested_oops::NestedOops;
use softlockup::scenario::slow_report::SlowReport;
use softlockup::time::NSEC_PER_SEC;
use softlockup::{CpuId, Event, Incident, KernelTime, Parts};

use crate::check::{Check, Failure};
use crate::replay;

/// The name in reports.
pub const ID: &str = "ex12";

/// What the two parts must do.
pub fn checks<D: DieLock + Default, C: DieChain + Default>() -> Vec<Check> {
    let mut checks = of_the_lock(|| Erased(Box::new(D::default())));
    checks.extend(of_the_chain(|| Erased(Box::new(C::default()))));
    checks.extend(of_both(parts::<D, C>));
    #[cfg(feature = "models")]
    checks.push(crate::check::model(
        "model::die_lock",
        "in every interleaving one CPU at a time is in its report, nested or not, and a dying task leaves the lock in order",
        1,
        || models::die_lock(D::default, true),
    ));
    checks
}

fn of_the_lock(new: fn() -> Erased<dyn DynDieLock>) -> Vec<Check> {
    vec![
        Check::contract(
            "contract::die_lock::excludes",
            "while a CPU reports an oops, another CPU's oops waits",
            1,
            move || die_lock::excludes(new),
        ),
        Check::contract(
            "contract::die_lock::nests",
            "a CPU that oopses inside its own report gets in, and other CPUs wait until the outermost unlock",
            1,
            move || die_lock::nests(new),
        ),
        Check::contract(
            "contract::die_lock::survives_the_task",
            "a task that dies in a nested oops leaves the lock free",
            1,
            move || die_lock::survives_the_task(new),
        ),
        Check::contract(
            "contract::die_lock::ignores_the_exit_of_others",
            "a task that exits on a CPU that does not hold the lock changes nothing",
            1,
            move || die_lock::ignores_the_exit_of_others(new),
        ),
    ]
}

fn of_the_chain(new: fn() -> Erased<dyn DynDieChain>) -> Vec<Check> {
    vec![
        Check::contract(
            "contract::die_chain::walks",
            "each callback is called in its turn until one ends the chain, on each CPU, at each oops",
            1,
            move || die_chain::all(new),
        ),
        Check::contract(
            "contract::die_chain::survives_a_faulting_callback",
            "a callback that faults is not called from inside itself, and those after it are called",
            1,
            move || die_chain::survives_a_faulting_callback(new),
        ),
    ]
}

fn of_both(parts: fn() -> Parts) -> Vec<Check> {
    vec![
        Check::replay(
            "replay::article",
            "the article's machine goes on after its nested oops",
            1,
            move || recovers(parts),
        ),
        Check::replay(
            "replay::later_oops",
            "a later oops, on another CPU, is reported as well",
            1,
            move || later_oops(parts),
        ),
        Check::replay(
            "replay::slow_report",
            "two reports at once come one after the other",
            1,
            move || slow_report(parts),
        ),
        Check::replay(
            "replay::callback_chain",
            "the callback behind the one that faults runs at every oops",
            1,
            move || callback_chain(parts),
        ),
    ]
}

fn parts<D: DieLock + Default, C: DieChain + Default>() -> Parts {
    Parts::stock().with_die_lock(D::default()).with_die_chain(C::default())
}

/// The headers of oops reports, `Internal error: Oops: … [#n]`: on which CPU, and when.
fn headers(incident: &Incident) -> Vec<At> {
    let headers =
        incident.records.iter().filter(|record| matches!(record.event, Event::Oops { .. }));
    headers.map(|record| At { cpu: record.cpu, time: record.time }).collect()
}

fn recovers(parts: fn() -> Parts) -> Result<(), Failure> {
    let incident = replay::live(&NestedOops::default(), parts())?;
    let (report, oopses) = (incident.report(), headers(&incident).len());
    if report.outcome == Outcome::Recovered && oopses == 2 {
        return Ok(());
    }
    Err(Failure::new(format!(
        "CPU#0 was to report its oops [#1] and the nested one [#2], both at {} s, and every CPU was to answer afterwards; but \
         {oopses} reports began, and the diagnosis is: {}. A real machine in that state loses one CPU after another, and writes no crash dump",
        softlockup::scenario::nested_oops::OOPS_AT,
        report.diagnosis
    ))
    .with_detail(replay::last_lines(&incident.console())))
}

/// `--oops 7@300`
fn later_oops(parts: fn() -> Parts) -> Result<(), Failure> {
    let later = At { cpu: CpuId(7), time: KernelTime::from_ns(300 * NSEC_PER_SEC) };
    let scenario = NestedOops { more_oopses: vec![later], ..NestedOops::default() };
    let incident = replay::live(&scenario, parts())?;
    let report = incident.report();
    if report.outcome == Outcome::Recovered && headers(&incident).contains(&later) {
        return Ok(());
    }
    Err(Failure::new(format!(
        "CPU#{} was to report its oops at {} s, and to go on; but the diagnosis is: {}. The nested oops on CPU#0, 46 s \
         before, was survived and left something behind: on real x86 the next oops, on any CPU, prints nothing and hangs",
        later.cpu, later.time, report.diagnosis
    ))
    .with_detail(replay::last_lines(&incident.console())))
}

fn slow_report(parts: fn() -> Parts) -> Result<(), Failure> {
    let scenario = SlowReport::default();
    let incident = replay::live(&scenario, parts())?;
    scenario.judge(&incident).map_err(Failure::new)
}

fn callback_chain(parts: fn() -> Parts) -> Result<(), Failure> {
    let scenario = CallbackChain::default();
    let incident = replay::live(&scenario, parts())?;
    scenario.judge(&incident).map_err(|happened| {
        Failure::new(format!("{happened}. On a real machine such a callback saves the log"))
            .with_detail(replay::last_lines(&incident.console()))
    })
}

/// What `lab replay` shows: the article's incident, and a later oops on CPU 7.
pub fn replayed<D: DieLock + Default, C: DieChain + Default>() -> String {
    beside_stock(parts::<D, C>)
}

fn beside_stock(parts: fn() -> Parts) -> String {
    let later = At { cpu: CpuId(7), time: KernelTime::from_ns(300 * NSEC_PER_SEC) };
    replay::beside_stock(&NestedOops { more_oopses: vec![later], ..NestedOops::default() }, parts())
}
