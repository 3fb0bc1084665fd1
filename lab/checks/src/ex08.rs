//! The checks of ex08: when the next CSD report is due.

use softlockup::incident::report::diagnosis::Cause;
use softlockup::parts::contract::{Broken, csd_stall};
use softlockup::parts::csd_stall::StallDetector;
use softlockup::scenario::lost_ipi::LostIpi;
use softlockup::scenario::slow_console::SlowConsole;
use softlockup::time::NSEC_PER_SEC;
use softlockup::{CpuId, Event, Incident, KernelTime, Parts};

use crate::check::{Check, Failure};
use crate::replay;

/// The name in reports.
pub const ID: &str = "ex08";

/// What a [`StallDetector`] must do.
pub fn checks<S: StallDetector + Default>() -> Vec<Check> {
    checks_of(|| Box::new(S::default()), parts::<S>)
}

fn checks_of(new: fn() -> Box<dyn StallDetector>, parts: fn() -> Parts) -> Vec<Check> {
    let contract = |id, rule, contract: fn(&dyn StallDetector) -> Result<(), Broken>| {
        Check::contract(id, rule, 1, move || contract(&*new()))
    };
    vec![
        contract(
            "contract::csd_stall::not_at_five_seconds",
            "a wait is first reported when more than 5 s have passed",
            csd_stall::not_at_five_seconds,
        ),
        contract(
            "contract::csd_stall::soon_after_five_seconds",
            "a wait that lasts is first reported within a second after its 5 s",
            csd_stall::soon_after_five_seconds,
        ),
        contract(
            "contract::csd_stall::each_report_comes_later",
            "each further report comes at least 5 s after the one before",
            csd_stall::each_report_comes_later,
        ),
        contract(
            "contract::csd_stall::keeps_waits_apart",
            "when a wait is due depends on that wait alone",
            csd_stall::keeps_waits_apart,
        ),
        Check::replay(
            "replay::slow_console",
            "a CPU that is slow is named once by each CPU that waits for more than 5 s",
            1,
            move || slow_console(parts),
        ),
        Check::replay(
            "replay::lost_ipi",
            "a caller whose interrupt was lost sends it again after 5 s, and goes on",
            1,
            move || lost_ipi(parts),
        ),
    ]
}

/// A slow console, with CSD-lock debugging.
fn slow() -> SlowConsole {
    let mut scenario = SlowConsole::default();
    scenario.config.detectors.csd = true;
    scenario
}

/// A lost interrupt, with CSD-lock debugging.
fn lost() -> LostIpi {
    let mut scenario = LostIpi::default();
    scenario.config.detectors.csd = true;
    scenario
}

/// Each report: when, by which CPU, and for which it waits.
fn reports(incident: &Incident) -> impl Iterator<Item = (KernelTime, CpuId, CpuId)> + '_ {
    incident.records.iter().filter_map(|record| match record.event {
        Event::CsdStall { on, .. } => Some((record.time, record.cpu, on)),
        _ => None,
    })
}

fn told(incident: &Incident) -> String {
    let mut text = String::new();
    for (time, cpu, on) in reports(incident).take(12) {
        text += &format!("{time}  CPU#{cpu} reports that it waits for CPU#{on}\n");
    }
    text
}

fn slow_console(parts: fn() -> Parts) -> Result<(), Failure> {
    let scenario = slow();
    let incident = replay::live(&scenario, parts())?;
    let (slow, over) = (scenario.slow.cpu, scenario.slow.time + scenario.write_ns);
    for at in &scenario.callers {
        let (cpu, began) = (at.cpu, at.time);
        let waits_ns = over.ns_since(began);
        let of_it: Vec<_> = reports(&incident).filter(|report| report.1 == cpu).collect();
        let expected = usize::from(waits_ns > 5 * NSEC_PER_SEC);
        if of_it.len() != expected {
            let waited = KernelTime::from_ns(waits_ns);
            return Err(Failure::new(format!(
                "CPU#{slow} writes to a slow console with its interrupts off, and CPU#{cpu} waits for it from \
                 {began} s on, for {waited} s: expected {expected} report of that, and there were {}. A report too \
                 many floods the console that is slow already; a report too few, and no CPU says why the machine \
                 stood still",
                of_it.len()
            ))
            .with_detail(told(&incident)));
        }
        let wrong = of_it
            .iter()
            .find(|(time, _, on)| *on != slow || time.ns_since(began) > 6 * NSEC_PER_SEC);
        if let Some((time, _, on)) = wrong {
            return Err(Failure::new(format!(
                "CPU#{cpu} waits for CPU#{slow} from {began} s on. Its report was to come right after 5 s; it came \
                 at {time} s, for CPU#{on}. By then the wait may be over, and the cause out of sight"
            )));
        }
    }
    Ok(())
}

fn lost_ipi(parts: fn() -> Parts) -> Result<(), Failure> {
    let scenario = lost();
    let incident = replay::live(&scenario, parts())?;
    let (deaf, first) = (scenario.deaf, scenario.callers[0]);
    let freed = incident.records.iter().find(|record| {
        record.cpu == first.cpu
            && matches!(record.event, Event::CsdWaitEnd { on } if on == deaf)
            && record.time > first.time
    });
    let count = reports(&incident).count();
    let diagnosis = incident.report().diagnosis;
    let message = match freed {
        None => format!("it waited until the machine was switched off, at {} s", incident.ended),
        Some(record) if record.time.ns_since(first.time) > 6 * NSEC_PER_SEC => {
            format!("it went on at {} s", record.time)
        }
        Some(_) if count > scenario.callers.len() => format!("there were {count} reports"),
        Some(_) if diagnosis.cause != Cause::LostIpi => format!("the report says: {diagnosis}"),
        Some(_) => return Ok(()),
    };
    Err(Failure::new(format!(
        "CPU#{} calls CPU#{deaf} at {} s, and its interrupt is lost. It was to report once, after 5 s, to send the \
         interrupt again with that, and to go on; but {message}. On real machines, mostly under a hypervisor, such \
         hangs went on for more than two years until a second interrupt showed what they were",
        first.cpu, first.time
    ))
    .with_detail(told(&incident)))
}

fn parts<S: StallDetector + Default>() -> Parts {
    Parts::stock().with_stall_detector(S::default())
}

/// What `lab replay` shows.
pub fn replayed<S: StallDetector + Default>() -> String {
    beside_stock(parts::<S>)
}

fn beside_stock(parts: fn() -> Parts) -> String {
    let both = [replay::beside_stock(&slow(), parts()), replay::beside_stock(&lost(), parts())];
    both.join("\n")
}
