//! One check of an exercise, and what became of it.

use std::fmt;
use std::time::Duration;

use softlockup::config::HostLimits;
use softlockup::parts::contract::Broken;
use softlockup::parts::contract::host::comes_back;

use crate::mistakes;

/// How long the code of a learner may go on without coming back: on a host core, and asleep.
pub const LIMITS: HostLimits =
    HostLimits { running: Duration::from_millis(500), blocked: Duration::from_secs(3) };

/// What a check looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// The rules of a part, on a CPU without a thread.
    Contract,
    /// Known answers.
    Oracle,
    /// Every interleaving of a small program.
    Model,
    /// The whole machine.
    Replay,
}

impl Tier {
    /// As the report writes it.
    pub fn name(self) -> &'static str {
        match self {
            Tier::Contract => "contract",
            Tier::Oracle => "oracle",
            Tier::Model => "model",
            Tier::Replay => "replay",
        }
    }
}

/// Why a check failed, for the learner who wrote the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What was expected, what happened, and why that matters on real hardware.
    pub message: String,
    /// More of it: two columns, a console.
    pub detail: Option<String>,
    /// The mistake's name, if it is a known one.
    pub mistake: Option<&'static str>,
}

impl Failure {
    /// A failure that is told in a few sentences.
    pub fn new(message: impl Into<String>) -> Self {
        Failure { message: message.into(), detail: None, mistake: None }
    }

    /// With more to look at.
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Failure { detail: Some(detail.into()), ..self }
    }

    /// With the name of the mistake.
    pub fn with_mistake(self, mistake: &'static str) -> Self {
        Failure { mistake: Some(mistake), ..self }
    }
}

impl From<Broken> for Failure {
    fn from(broken: Broken) -> Self {
        Failure::new(broken.to_string())
    }
}

/// A check that has not run yet.
pub struct Check {
    /// Its name in reports: `contract::die_lock::excludes`.
    pub id: &'static str,
    /// What it looks at.
    pub tier: Tier,
    /// What must hold, as a sentence without its full stop.
    pub rule: &'static str,
    /// What it is worth.
    pub points: u32,
    pub(crate) run: Box<dyn FnOnce() -> Result<(), Failure>>,
}

impl Check {
    /// A check that runs `run`.
    pub fn new(
        tier: Tier,
        id: &'static str,
        rule: &'static str,
        points: u32,
        run: impl FnOnce() -> Result<(), Failure> + 'static,
    ) -> Self {
        Check { id, tier, rule, points, run: Box::new(run) }
    }

    /// A rule of a part's contract, which may also never come back.
    pub fn contract(
        id: &'static str,
        rule: &'static str,
        points: u32,
        contract: impl FnOnce() -> Result<(), Broken> + Send + 'static,
    ) -> Self {
        let run = move || Ok(comes_back(LIMITS, contract)?);
        Check::new(Tier::Contract, id, rule, points, run)
    }

    /// An incident on the machine, with the learner's part in it.
    pub fn replay(
        id: &'static str,
        rule: &'static str,
        points: u32,
        run: impl FnOnce() -> Result<(), Failure> + 'static,
    ) -> Self {
        Check::new(Tier::Replay, id, rule, points, run)
    }

    /// Runs it.
    ///
    /// # Errors
    /// Why it failed.
    ///
    /// # Panics
    /// If the code does: `lab` tells where.
    pub fn run(self) -> Result<(), Failure> {
        let id = self.id;
        (self.run)().map_err(|failure| Failure {
            mistake: failure.mistake.or_else(|| mistakes::name(id, &failure.message)),
            ..failure
        })
    }
}

/// Every interleaving of a few small programs that use the part.
#[cfg(feature = "models")]
pub fn model(
    id: &'static str,
    rule: &'static str,
    points: u32,
    search: impl FnOnce() -> models::Verdict + 'static,
) -> Check {
    use models::Verdict;
    Check::new(Tier::Model, id, rule, points, move || match search() {
        Verdict::Right { .. } => Ok(()),
        Verdict::Wrong { rule, why, columns, .. } => {
            let matters = why_it_matters(&why, &columns);
            Err(Failure::new(format!("{rule}; but not always. {why} {matters}"))
                .with_detail(columns))
        }
        Verdict::Inconclusive { why } => {
            eprintln!("{id}: no verdict, and so no objection: {why}");
            Ok(())
        }
    })
}

/// A sentence on real hardware, for the learner who reads that a model refuses the part.
#[cfg(feature = "models")]
fn why_it_matters(why: &str, columns: &str) -> &'static str {
    let orders = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];
    if why.starts_with("RACE") && !orders.iter().any(|order| columns.contains(order)) {
        "The models see only what the atomics of `softlockup::sync` order, and the part uses none: a lock of the standard \
         library may put its CPU to sleep, where nothing wakes it."
    } else if why.starts_with("RACE") && why.contains("inside at once") {
        "Two CPUs that come at the same moment are enough, on any hardware. To look whether the lock is free and then to take \
         it are two steps, and the other CPU comes between them: one exchange must do both."
    } else if why.starts_with("RACE") {
        "If no more than an ordering is too weak, x86 hides that from every test; the article's arm64 server does not."
    } else if why.starts_with("WAITS") || why.starts_with("SPINS") || why.starts_with("HANGS") {
        "On real hardware that CPU is silent from then on, and each CPU that calls it waits with it."
    } else {
        "One such moment in a year is enough to lose a server."
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} points)", self.id, self.points)
    }
}
