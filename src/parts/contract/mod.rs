//! The rules of each part, written once.
//!
//! A rule is generic over the part, so that the shipped parts, an exercise, its solution and every known wrong answer
//! go through the same code. The rules need no threads: they run on a
//! [`FakeCpu`](crate::parts::fake_cpu::FakeCpu), which reports a wait that does not end. Faults that only show between
//! CPUs that run at once (orderings, lost wake-ups) are model-checked in `tests/loom.rs`.

pub mod call_queue;
pub mod csd_lock;
pub mod die_lock;
pub mod host;
pub mod softlockup;

use std::fmt;

use crate::parts::fake_cpu::Stuck;

/// A rule that a part broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The rule, as a sentence.
    pub rule: &'static str,
    /// What happened instead.
    pub happened: String,
    /// Why the rule matters on a real machine.
    pub why: &'static str,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; but {}. {}", self.rule, self.happened, self.why)
    }
}

impl std::error::Error for Broken {}

/// A rule that is being checked: its sentence, and the reason why it matters.
struct Rule(&'static str, &'static str);

impl Rule {
    fn expect<T: PartialEq + fmt::Debug>(
        &self,
        what: &str,
        seen: Result<T, Stuck>,
        want: T,
    ) -> Result<(), Broken> {
        match seen {
            Ok(got) if got == want => Ok(()),
            Ok(got) => self.broken(format!("{what} gave {got:?} and not {want:?}")),
            Err(stuck) => self.broken(format!("{what}: {stuck}")),
        }
    }

    fn expect_stuck<T: fmt::Debug>(
        &self,
        what: &str,
        seen: Result<T, Stuck>,
    ) -> Result<(), Broken> {
        match seen {
            Err(_) => Ok(()),
            Ok(got) => self.broken(format!("{what} came back (it gave {got:?})")),
        }
    }

    fn broken(&self, happened: String) -> Result<(), Broken> {
        Err(Broken { rule: self.0, happened, why: self.1 })
    }
}
