//! The checks of ex11: what does the console prove?

mod arrival;
mod console;
mod named;
mod scenarios;
mod unnamed;

use softlockup::CpuId;

use crate::check::{Check, Failure, Tier};
use crate::oracle::ask;
use arrival::{as_logs_arrive, cut};
use console::{Console, Proof};
use named::{named, real_consoles};
use unnamed::cannot_know;

/// The name in reports.
pub const ID: &str = "ex11";

/// What a learner writes.
pub type SilentCpu = fn(&[u8]) -> Option<CpuId>;

/// What the function must say.
pub fn checks(silent_cpu: SilentCpu) -> Vec<Check> {
    let check = |id, rule, points, run: fn(SilentCpu) -> Result<(), Failure>| {
        Check::new(Tier::Oracle, id, rule, points, move || run(silent_cpu))
    };
    vec![
        check("oracle::named", "a console that names the CPU is believed", 2, |silent_cpu| {
            named().iter().try_for_each(|console| console.judge(silent_cpu))
        }),
        check(
            "oracle::cannot_know",
            "a console that names no CPU proves nothing",
            2,
            |silent_cpu| cannot_know().iter().try_for_each(|console| console.judge(silent_cpu)),
        ),
        check("oracle::real_consoles", "real consoles are read as well", 1, |silent_cpu| {
            real_consoles().iter().try_for_each(|console| console.judge(silent_cpu))
        }),
        check("oracle::cut", "a line that is cut proves nothing, a whole one does", 1, cut),
        check(
            "oracle::as_logs_arrive",
            "prefixes, line ends and other bytes do not matter",
            0,
            as_logs_arrive,
        ),
    ]
}

/// What `lab replay` shows.
pub fn replayed(silent_cpu: SilentCpu) -> String {
    let mut text = String::new();
    for Console { name, text: bytes, proof, because } in
        [named().to_vec(), cannot_know(), real_consoles()].into_iter().flatten()
    {
        let said = match ask("the silent CPU", move || silent_cpu(&bytes)) {
            Ok(Some(cpu)) => format!("CPU#{cpu}"),
            Ok(None) => "it cannot be known".to_owned(),
            Err(failure) => failure.message,
        };
        let proof = match proof {
            Proof::Of(cpu) => format!("CPU#{cpu}"),
            Proof::None => "it cannot be known".to_owned(),
            Proof::AtMost(cpu) => format!("it cannot be known for sure; it is CPU#{cpu}"),
        };
        text += &format!("{name}\n    your code: {said}\n    true: {proof}, because {because}\n");
    }
    text
}
