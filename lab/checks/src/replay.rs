//! Living through an incident with a learner's part in the machine, and telling what went wrong.

use std::panic::resume_unwind;
use std::sync::Mutex;
use std::thread;

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

/// Lives through `scenario` twice at once: on the stock machine, and on one of `parts`.
///
/// # Errors
/// As [`live`].
pub fn live_and_stock(
    scenario: &(impl Scenario + Sync),
    parts: Parts,
) -> Result<(Incident, Incident), Failure> {
    thread::scope(|scope| {
        let stock = scope.spawn(|| live(scenario, scenario.parts()));
        let mine = live(scenario, parts)?;
        let stock = stock.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        Ok((mine, stock))
    })
}

/// What `run` makes of each of `jobs`, in their order. As many run at once as the host has cores.
pub fn at_once<T: Send, R: Send>(jobs: Vec<T>, run: impl Fn(T) -> R + Sync) -> Vec<R> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let jobs = Mutex::new(jobs.into_iter().enumerate());
    let next = || jobs.lock().expect("no worker panics here").next();
    let work = || std::iter::from_fn(next).map(|(n, job)| (n, run(job))).collect::<Vec<_>>();
    let mut done = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, Vec<(usize, R)>>| {
            worker.join().unwrap_or_else(|panic| resume_unwind(panic))
        };
        workers.into_iter().flat_map(join).collect::<Vec<_>>()
    });
    done.sort_by_key(|(n, _)| *n);
    done.into_iter().map(|(_, result)| result).collect()
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
