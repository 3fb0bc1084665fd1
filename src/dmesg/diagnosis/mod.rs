//! Which CPU does not answer: a verdict over a console, with the lines that it rests on.
//!
//! The CPUs that report a soft lockup are mostly victims: they wait for another CPU, take their timers meanwhile, and
//! so can say so. The CPU they wait for says nothing. This module collects what a log says about each CPU, weighs it,
//! and names a CPU only if the log convicts it. Else it says what keeps it from doing so.
//!
//! ```
//! use softlockup::CpuId;
//! use softlockup::dmesg::diagnosis::{Confidence, Verdict, diagnose};
//!
//! let log = b"\
//! [   33.468341] smp: csd: Detected non-responsive CSD lock (#1) on CPU#2, waiting 5000020352 ns for CPU#00 f+0x0/0x4(0x0).
//! [   52.429590] watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [kicker:77]";
//! let incidents = diagnose(log);
//! let Verdict::Named { cpu, confidence, .. } = incidents[0].verdict else { panic!() };
//! assert_eq!((cpu, confidence), (CpuId(0), Confidence::Certain));
//! ```
//!
//! # How it weighs
//!
//! A [`Fact`] has a [`Weight`]. *Certain*: the target of a stalled call that waits for no CPU itself; a fault inside an
//! oops report; a CPU that a watchdog or a second look shows running with interrupts off; a CPU whose stack shows that it
//! waits for a lock it holds. *Likely*: a per-CPU pointer in the registers of those that wait; every other CPU
//! reported itself. *Silent*: whatever only says that a CPU takes no interrupts. Such a CPU may itself wait for another,
//! so this convicts it only if it is the only silent one and no [`Caveat`] clouds that.
//!
//! # What it never says
//!
//! That the CPU that reports most is guilty; CPU 0 for want of another; who holds a lock that no stack shows; that a CPU
//! has recovered because it is silent; a name from a small number in a register.
//!
//! In Linux: no code does this. A reader of a console does.

mod advice;
mod caveat;
mod context;
mod dump;
mod evidence;
mod fact;
pub(crate) mod number;
mod oops;
mod pointer;
mod reading;
mod rules;
mod scene;
mod stacks;
pub(crate) mod verdict;
mod victim;

use serde::Serialize;

pub use advice::Advice;
pub use caveat::Caveat;
pub use context::Class;
pub use fact::{Fact, FactKind, Weight};
pub use number::{Expected, Fit, Reckoning};
pub use verdict::{Confidence, Harmless, Verdict};
pub use victim::Victim;

use crate::cpumask::CpuId;
use crate::dmesg::diagnosis::number::Law;
use crate::dmesg::diagnosis::reading::Reader;
use crate::dmesg::diagnosis::scene::Scene;
use crate::dmesg::entries;
use crate::dmesg::entry::Entry;
use crate::time::KernelTime;

/// What a log says about one incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// The verdict.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What speaks against which CPU: those of the named CPU first, the weightier before the others.
    pub facts: Vec<Fact>,
    /// The CPUs that reported themselves, in the order of their first reports.
    pub victims: Vec<Victim>,
    /// What the log cannot tell, or what makes it doubtful.
    pub caveats: Vec<Caveat>,
    /// What to do.
    pub advice: Vec<Advice>,
    /// How the printed numbers fit their stamps; `None` if the threshold is not known.
    pub numbers: Option<Fit>,
    /// The first and the last line of the incident.
    pub lines: (usize, usize),
    /// The first and the last stamp.
    #[serde(rename = "times_ns")]
    pub times: Option<(KernelTime, KernelTime)>,
}

impl Diagnosis {
    /// The CPU that does not answer, if the log convicts one.
    pub fn culprit(&self) -> Option<CpuId> {
        match self.verdict {
            Verdict::Named { cpu, .. } => Some(cpu),
            _ => None,
        }
    }

    fn of(scene: &Scene) -> Self {
        let law = Law::of(scene);
        let fit = law.map(|law| law.fit(scene));
        let mut evidence = rules::collect(scene);
        let mut caveats = Caveat::of(scene, fit);
        caveats.extend(evidence.caveats.iter().cloned());
        let verdict = verdict::judge(scene, &evidence, &mut caveats);
        let order = verdict::suspects(&evidence);
        let named = match verdict {
            Verdict::Named { cpu, .. } => Some(cpu),
            _ => None,
        };
        let rank = |cpu: CpuId| order.iter().position(|other| *other == cpu);
        evidence.facts.sort_by_key(|fact| {
            (Some(fact.cpu) != named, rank(fact.cpu), std::cmp::Reverse(fact.weight), fact.line)
        });
        let advice = advice::advice(scene, &verdict, &evidence.facts, &caveats);
        Diagnosis {
            advice,
            victims: victim::victims(scene, law),
            facts: evidence.facts,
            caveats,
            numbers: fit,
            lines: (scene.first_line, scene.last_line),
            times: scene.first_time.zip(scene.last_time),
            verdict,
        }
    }
}

/// Reads a console, a `dmesg` or a syslog, and gives a verdict on each incident in it, in the order of the log. Any bytes
/// will do; a log in which nothing is wrong gives one incident, of [`Verdict::NoLockup`], and an empty one none.
pub fn diagnose(log: &[u8]) -> Vec<Diagnosis> {
    diagnose_entries(entries(log))
}

/// The same for a log that is read already.
pub fn diagnose_entries(entries: impl IntoIterator<Item = Entry>) -> Vec<Diagnosis> {
    let mut reader = Reader::default();
    entries.into_iter().for_each(|entry| reader.read(entry));
    let scenes = reader.finish();
    let has_lockup = scenes.iter().any(Scene::is_lockup);
    // A boot in which nothing is wrong is no incident, if another one is.
    let kept = scenes.iter().filter(|scene| !has_lockup || scene.is_lockup());
    let mut incidents: Vec<Diagnosis> = kept.map(Diagnosis::of).collect();
    if !has_lockup {
        incidents.truncate(1);
    }
    incidents
}
