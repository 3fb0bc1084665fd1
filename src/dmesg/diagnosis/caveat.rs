//! What keeps a log from being sure: each caveat says what is missing and where that shows.

use std::fmt;

use serde::Serialize;

use crate::cpumask::CpuId;
use crate::dmesg::diagnosis::fact::list;
use crate::dmesg::diagnosis::number::Fit;
use crate::dmesg::diagnosis::oops::OopsReport;
use crate::dmesg::diagnosis::scene::Scene;

/// Something that a log cannot tell, or that makes it doubtful.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "caveat", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Caveat {
    /// The first report says that there was one before: the beginning is missing.
    HeadIsMissing {
        /// Where it says so.
        line: usize,
    },
    /// Lines of a dump are missing, or two dumps are mixed.
    Holes {
        /// How many dumps are concerned.
        dumps: usize,
        /// The first of them.
        line: usize,
    },
    /// A CPU called others with its interrupts off, so that a silent CPU may be one that waits.
    CallsWithIrqsOff {
        /// Where the kernel warns of it.
        line: usize,
    },
    /// The kernel had printed a warning before, and the log does not have it: perhaps that very warning.
    UnseenWarning {
        /// The line whose taint says so.
        line: usize,
    },
    /// No line says which CPU a dump is of, so nothing tells whether the log is whole.
    NoCpuLines,
    /// Some numbers do not follow from their stamps: timers were late, as on a guest that its host does not run.
    LateTimers(Fit),
    /// Facts point at several CPUs.
    Conflict {
        /// Which.
        cpus: Vec<CpuId>,
    },
    /// CPUs wait for each other in a ring, or the only one that is waited for waits itself.
    Ring {
        /// Which.
        cpus: Vec<CpuId>,
    },
    /// Many CPUs wait for one lock, and its holder is not in the log.
    Convoy {
        /// Which CPUs wait.
        cpus: Vec<CpuId>,
    },
    /// An oops began and did not end, and its CPU is not printed.
    OopsWithoutCpu {
        /// Where it begins.
        line: usize,
    },
    /// Numbered lines are missing: `(#2)` is there and `(#1)` is not.
    CsdGap {
        /// The line behind the gap.
        line: usize,
    },
    /// The newest line comes first.
    Backwards,
}

impl Caveat {
    /// Those that hold for an incident whatever is said of its CPUs.
    pub(super) fn of(scene: &Scene, fit: Option<Fit>) -> Vec<Caveat> {
        let mut caveats = Vec::new();
        if scene.steps_back > scene.steps_on {
            caveats.push(Caveat::Backwards);
        }
        caveats.extend(scene.head_is_missing.map(|line| Caveat::HeadIsMissing { line }));
        if let Some(&line) = scene.holes.iter().min() {
            caveats.push(Caveat::Holes { dumps: scene.holes.len(), line });
        }
        if let Some(&line) = scene.calls_with_irqs_off.first() {
            caveats.push(Caveat::CallsWithIrqsOff { line });
        } else if let Some(line) = scene.unseen_warning {
            caveats.push(Caveat::UnseenWarning { line });
        }
        if !scene.has_cpu_lines && scene.is_lockup() {
            caveats.push(Caveat::NoCpuLines);
        }
        if let Some(fit) = fit.filter(|fit| fit.misfit >= 2 && fit.misfit * 3 > fit.fit) {
            caveats.push(Caveat::LateTimers(fit));
        }
        let lost = |oops: &&OopsReport| {
            oops.cpu.is_none()
                && oops.ended.is_none()
                && (oops.fault_inside.is_some() || oops.count.is_none())
        };
        caveats.extend(
            scene.oopses.iter().filter(lost).map(|oops| Caveat::OopsWithoutCpu { line: oops.line }),
        );
        caveats
    }

    /// Whether no fact convicts a CPU while this holds, unless it is certain.
    pub(super) fn forbids(&self) -> bool {
        matches!(self, Caveat::HeadIsMissing { .. } | Caveat::Backwards)
    }

    /// Whether a CPU of which only its silence is known may be a victim, while this holds. If its stack is in the log,
    /// it shows whether the CPU waits for others itself.
    pub(super) fn clouds_silence(&self, stack_is_known: bool) -> bool {
        match self {
            Caveat::Holes { .. } | Caveat::NoCpuLines | Caveat::Ring { .. } => true,
            Caveat::CallsWithIrqsOff { .. }
            | Caveat::UnseenWarning { .. }
            | Caveat::CsdGap { .. } => !stack_is_known,
            _ => false,
        }
    }
}

impl fmt::Display for Caveat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Caveat::HeadIsMissing { line } => write!(
                f,
                "line {line}: the first report is tainted L, so there was one before it: the beginning is missing"
            ),
            Caveat::Holes { dumps: 1, line } => {
                write!(f, "line {line}: lines of this dump are missing, or mixed with another's")
            }
            Caveat::Holes { dumps, line } => write!(
                f,
                "{dumps} dumps, the first at line {line}, lack lines or are mixed with others"
            ),
            Caveat::CallsWithIrqsOff { line } => write!(
                f,
                "line {line}: a CPU called others with its interrupts off, so a silent CPU may itself wait"
            ),
            Caveat::UnseenWarning { line } => write!(
                f,
                "line {line}: tainted W, and the warning is not in this log; it may be of a call with interrupts off"
            ),
            Caveat::NoCpuLines => {
                f.write_str("no line says \"CPU: n PID: …\": this is not the whole log")
            }
            Caveat::LateTimers(fit) => write!(
                f,
                "{} of {} numbers do not follow from their stamps: timers were late, as when a host does not run \
                 its guest",
                fit.misfit,
                fit.fit + fit.misfit
            ),
            Caveat::Conflict { cpus } => {
                write!(f, "facts point at different CPUs: {}", list(cpus))
            }
            Caveat::Ring { cpus } if cpus.len() == 1 => {
                write!(f, "CPU {} is waited for, and waits itself", list(cpus))
            }
            Caveat::Ring { cpus } => write!(f, "CPUs {} wait for each other", list(cpus)),
            Caveat::Convoy { cpus } => {
                write!(f, "CPUs {} wait for a lock; its holder is not in this log", list(cpus))
            }
            Caveat::OopsWithoutCpu { line } => write!(
                f,
                "line {line}: an oops whose report never ended; the kernel did not get to print its CPU"
            ),
            Caveat::CsdGap { line } => {
                write!(
                    f,
                    "line {line}: stalled calls are numbered, and some before this one are missing"
                )
            }
            Caveat::Backwards => {
                f.write_str("the newest line comes first: turn the log over (tac)")
            }
        }
    }
}
