//! A run, and what is to be said of it.

use softlockup::incident::report::diagnosis::{Cause, Diagnosis};
use softlockup::{CpuId, Incident, Machine, Scenario};

use crate::check::Failure;
use crate::ex10::Diagnose;
use crate::ex10::machines::run;
use crate::oracle::ask;

/// A run, and what is to be said of it.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) incident: Incident,
    pub(super) truth: Diagnosis,
}

impl Case {
    /// A run of `scenario`.
    pub(super) fn of(name: String, scenario: &impl Scenario) -> Self {
        let incident = run(scenario.machine().expect("the scenario can be set up"));
        let truth = scenario.conclusion();
        assert_eq!(incident.report().diagnosis, truth, "{name}");
        Case { name, incident, truth }
    }

    /// A run of a machine that is no scenario.
    pub(super) fn of_machine(name: &str, machine: Machine, cause: Cause, cpus: &[u32]) -> Self {
        let incident = run(machine);
        let truth = Diagnosis { cause, cpus: cpus.iter().copied().map(CpuId).collect() };
        assert_eq!(incident.report().diagnosis, truth, "{name}");
        Case { name: name.to_owned(), incident, truth }
    }

    pub(super) fn judge(self, diagnose: Diagnose) -> Result<(), Failure> {
        let Case { name, incident, truth } = self;
        let records = incident.records.clone();
        let asked = format!("the cause in the records of {name}");
        let (cause, mut cpus) =
            ask(&asked, move || diagnose(&records)).map_err(|mut failure| {
                if failure.message.contains("goes on") {
                    failure.message += &format!(" It was given the records of {name}.");
                    if truth.cause == Cause::WaitingWithInterruptsOff {
                        failure.message +=
                            " A way from waiter to waiter that ends in a ring has no end";
                        failure.mistake = Some("a ring has no end");
                    }
                }
                failure
            })?;
        cpus.sort();
        cpus.dedup();
        if cause == truth.cause && cpus == truth.cpus {
            return Ok(());
        }
        let report = incident.report();
        let mut way = String::new();
        for stuck in &report.stuck {
            way += &match stuck.waits_for {
                Some(on) if on == stuck.cpu => format!(" CPU#{on} waits for itself."),
                Some(on) => format!(" CPU#{} waits for CPU#{on}.", stuck.cpu),
                None => format!(" CPU#{} is stuck, and waits for no CPU.", stuck.cpu),
            };
        }
        if way.is_empty() {
            way += " No CPU is stuck in the end.";
        }
        let named = |cpus: &[CpuId]| match cpus {
            [] => "no CPU".to_owned(),
            _ => cpus.iter().map(|cpu| format!("CPU#{cpu}")).collect::<Vec<_>>().join(" and "),
        };
        Err(Failure::new(format!(
            "{name}: expected {:?}, to blame {}; the code says {cause:?}, to blame {}.{way} {}",
            truth.cause,
            named(&truth.cpus),
            named(&cpus),
            match cpus == truth.cpus {
                true => meaning(truth.cause),
                false => {
                    "The CPUs that were reported are those that still take their timer; a wrong name sends its \
                     reader to a healthy CPU, and the machine hangs again next week"
                }
            }
        ))
        .with_detail(report.to_string()))
    }
}

/// Why the cause matters, if the CPU is the right one.
fn meaning(cause: Cause) -> &'static str {
    match cause {
        Cause::SelfDeadlock => {
            "It holds `die_lock` and waits for it. Its interrupts are off as well, but to switch them on would not set it free"
        }
        Cause::LeakedDieLock => {
            "The task that held `die_lock` is dead, so no CPU can give it back. Each later oops, on any CPU, hangs there too"
        }
        Cause::InterruptsOff => {
            "It waits for no CPU, and takes no interrupt: the bug is in what it runs, and not in a lock"
        }
        Cause::LostIpi => {
            "It took its timer after a call's interrupt was sent to it, so its interrupts are on. To send that \
             interrupt once more sets every caller free; with its interrupts off it would change nothing"
        }
        Cause::WaitingWithInterruptsOff => {
            "Each of them waits with its interrupts off, so none can answer another. Each is at fault as much as the next"
        }
        Cause::SlowCpu => {
            "It answered in the end. A reader who takes that for a hang reboots a machine that is well"
        }
        Cause::Unanswered => {
            "It took the call's interrupt, and its callers still wait: a part of the kernel is wrong, and no task's code is"
        }
        _ => "Each CPU answers. A false alarm costs a reboot, and the next one is not believed",
    }
}
