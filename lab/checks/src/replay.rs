//! Living through an incident with a learner's part in the machine, and telling what went wrong.

use serde_json::json;
use softlockup::incident::report::Outcome;
use softlockup::machine::RunError;
use softlockup::{Incident, Parts, Scenario};

use crate::check::{Failure, LIMITS};

/// Lives through `scenario` on a machine of `parts`.
///
/// # Errors
/// If the code panics, or never reaches an interruption point: told as the machine's state.
pub fn live(scenario: &impl Scenario, parts: Parts) -> Result<Incident, Failure> {
    let mut machine = scenario.machine_with(parts).expect("the scenario can be set up");
    machine.set_host_limits(LIMITS);
    let incident = match machine.run() {
        Ok(run) => run.incident,
        Err(RunError::Panicked { cpu, time, message, incident }) => {
            let detail = incident.console();
            let message = format!("on CPU#{cpu} at {time} s the code panicked: {message}");
            return Err(Failure::new(message).with_detail(last_lines(&detail)));
        }
        Err(error) => return Err(Failure::new(error.to_string())),
    };
    let report = incident.report();
    if report.outcome == Outcome::HostHang {
        let stuck = report.stuck.iter().find(|stuck| Some(stuck.cpu) == report.culprit);
        let place = stuck.and_then(|stuck| Some(format!(" in {}", stuck.stack.first()?)));
        let (cpu, since) = (report.culprit.expect("it is named"), incident.ended);
        return Err(Failure::new(format!(
            "CPU#{cpu} has run{} since {since} s and never calls `relax`: it takes no interrupt, and the machine had to be \
             switched off from outside. On real hardware no other CPU gets an answer from it",
            place.unwrap_or_default(),
        )));
    }
    Ok(incident)
}

/// Both consoles, the stock machine's and the learner's, and the learner's report: a line of JSON that `lab replay`
/// reads and shows side by side. It begins a line of its own, whatever the learner's code has printed before.
pub fn beside_stock(scenario: &impl Scenario, parts: Parts) -> String {
    let stock = live(scenario, scenario.parts()).expect("the stock parts are right").console();
    let beside = match live(scenario, parts) {
        Ok(incident) => json!({
            "yours": incident.console(), "stock": stock, "report": incident.report().to_string(),
        }),
        Err(Failure { message, detail, .. }) => json!({
            "yours": detail.unwrap_or_default(), "stock": stock, "report": "", "broke_off": message,
        }),
    };
    format!("\n{}\n", json!({ "beside": beside }))
}

/// The end of a console.
pub fn last_lines(console: &str) -> String {
    let lines: Vec<&str> = console.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}
