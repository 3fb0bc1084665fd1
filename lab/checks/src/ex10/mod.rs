//! The checks of ex10: whose fault?

mod case;
mod chains;
mod look_alikes;
mod machines;
mod wrong_parts;

use softlockup::incident::report::diagnosis::{Cause, Diagnosis};
use softlockup::{CpuId, Record};

use crate::check::{Check, Tier};
use crate::oracle::ask;
use case::Case;

/// The name in reports.
pub const ID: &str = "ex10";

/// What a learner writes.
pub type Diagnose = fn(&[Record]) -> (Cause, Vec<CpuId>);

/// What the function must say.
pub fn checks(diagnose: Diagnose) -> Vec<Check> {
    let check = |id, rule, points, cases: fn() -> Vec<Case>| {
        Check::new(Tier::Oracle, id, rule, points, move || {
            cases().into_iter().try_for_each(|case| case.judge(diagnose))
        })
    };
    vec![
        check(
            "oracle::no_records",
            "where nothing happened no CPU is to blame",
            0,
            look_alikes::no_records,
        ),
        check("oracle::article", "in the article CPU 0 waits for itself", 1, look_alikes::articles),
        check(
            "oracle::look_alikes",
            "what looks like the article may be something else",
            2,
            look_alikes::look_alikes,
        ),
        check(
            "oracle::wait_chains",
            "a chain of waits is followed to its end",
            2,
            chains::wait_chains,
        ),
        check("oracle::rings", "all CPUs of a ring are to blame", 1, chains::rings),
        check(
            "oracle::wrong_parts",
            "a machine with a wrong part is found out",
            1,
            wrong_parts::wrong_parts,
        ),
    ]
}

/// What `lab replay` shows.
pub fn replayed(diagnose: Diagnose) -> String {
    let mut text = String::new();
    let cases = [
        look_alikes::articles(),
        look_alikes::look_alikes(),
        chains::wait_chains(),
        chains::rings(),
    ]
    .into_iter()
    .flatten();
    for Case { name, incident, truth } in cases {
        let records = incident.records;
        let said = match ask("a cause", move || diagnose(&records)) {
            Ok((cause, cpus)) => Diagnosis { cause, cpus }.to_string(),
            Err(failure) => failure.message,
        };
        text += &format!("{name}\n    the report: {truth}\n    your code:  {said}\n");
    }
    text
}
