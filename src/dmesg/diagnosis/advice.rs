//! What to collect or to change, each tied to what the log shows or lacks.

use std::fmt;

use serde::Serialize;

use crate::dmesg::diagnosis::caveat::Caveat;
use crate::dmesg::diagnosis::fact::{Fact, FactKind};
use crate::dmesg::diagnosis::scene::Scene;
use crate::dmesg::diagnosis::verdict::Verdict;

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Advice {
    /// The silent CPU's stack is not in the log.
    GetItsStack,
    /// The kernel is arm64, and the silent CPU did not answer a request for its backtrace.
    PseudoNmi,
    /// Calls stall, and nothing says for which CPU.
    CsdDebug,
    /// No hard-lockup detector spoke.
    HardLockupDetector,
    /// The machine went on for minutes: a panic would have kept the evidence.
    SoftlockupPanic,
    /// A die notifier faulted.
    DieNotifier,
    /// Several CPUs dump at a time, and no line says whose it is.
    PrintkCaller,
    /// The beginning of the log is missing.
    WholeLog,
    /// Timers were late: look at the host.
    LookAtTheHost,
    /// A lock's holder is not in the log.
    FindTheHolder,
    /// The CPU came back: a slow one, or an interrupt that was lost.
    LookForTheDelay,
}

/// What fits an incident, the most useful first.
pub(super) fn advice(
    scene: &Scene,
    verdict: &Verdict,
    facts: &[Fact],
    caveats: &[Caveat],
) -> Vec<Advice> {
    let mut out = Vec::new();
    let any = |is: fn(&Fact) -> bool| facts.iter().any(is);
    let has = |is: fn(&Caveat) -> bool| caveats.iter().any(is);
    match verdict {
        Verdict::NoLockup => return out,
        Verdict::NobodyAtFault { .. } => {
            if !scene.csd.is_empty() {
                out.push(Advice::LookForTheDelay);
            }
        }
        Verdict::Named { cpu, .. } => {
            let is_dumped = scene.dumps.iter().any(|dump| dump.cpu == *cpu && dump.is_whole);
            if !is_dumped {
                out.push(Advice::GetItsStack);
            }
        }
        Verdict::NotConvicted => {
            if has(|caveat| {
                matches!(
                    caveat,
                    Caveat::HeadIsMissing { .. } | Caveat::Holes { .. } | Caveat::NoCpuLines
                )
            }) {
                out.push(Advice::WholeLog);
            }
            if scene.csd.is_empty() {
                out.push(Advice::CsdDebug);
            }
            if scene.hard.is_empty() {
                out.push(Advice::HardLockupDetector);
            }
        }
    }
    if any(|fact| {
        matches!(fact.kind, FactKind::NoBacktrace { .. } | FactKind::KeptTheAskerWaiting { .. })
    }) {
        out.push(Advice::PseudoNmi);
    }
    let notifier = any(|fact| {
        matches!(fact.kind, FactKind::FaultInOops { .. } | FactKind::WaitsForItself { .. })
    });
    if notifier || scene.oopses.iter().any(|oops| oops.fault_inside.is_some()) {
        out.push(Advice::DieNotifier);
    }
    if has(|caveat| matches!(caveat, Caveat::Convoy { .. }))
        || any(|fact| matches!(fact.kind, FactKind::LockWithIrqsOff { .. }))
    {
        out.push(Advice::FindTheHolder);
    }
    if has(|caveat| matches!(caveat, Caveat::LateTimers(_))) {
        out.push(Advice::LookAtTheHost);
    }
    if has(|caveat| matches!(caveat, Caveat::Holes { .. })) {
        out.push(Advice::PrintkCaller);
    }
    if scene.soft.len() > 1 && scene.panic.is_none() {
        out.push(Advice::SoftlockupPanic);
    }
    out
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Advice::GetItsStack => {
                "its stack is not in this log: take a dump (kdump, the hypervisor's dump-guest-memory, JTAG) before \
                 you reset"
            }
            Advice::PseudoNmi => {
                "it did not answer a request for its backtrace: on arm64 irqchip.gicv3_pseudo_nmi=1 makes that an NMI"
            }
            Advice::CsdDebug => {
                "csdlock_debug=1 (CONFIG_CSD_LOCK_WAIT_DEBUG) makes each caller say after 5 s for which CPU it waits"
            }
            Advice::HardLockupDetector => {
                "no hard-lockup detector spoke: nmi_watchdog=1, CONFIG_HARDLOCKUP_DETECTOR (6.5 and later have the \
                 buddy, which needs no NMI)"
            }
            Advice::SoftlockupPanic => {
                "softlockup_panic=1 with kdump keeps the evidence, and ends the wait at the first report"
            }
            Advice::DieNotifier => {
                "a fault inside an oops report comes from what listens to it: look at die notifiers and kmsg dumpers"
            }
            Advice::PrintkCaller => "CONFIG_PRINTK_CALLER tells mixed lines apart: each line then says who prints it",
            Advice::WholeLog => "lines are missing: get the log from its beginning (journalctl -k -b, /sys/fs/pstore)",
            Advice::LookAtTheHost => "timers were late: look at steal time, and at what the host did then",
            Advice::FindTheHolder => {
                "a lock's holder is not in this log: sysrq-l or softlockup_all_cpu_backtrace=1 shows all CPUs"
            }
            Advice::LookForTheDelay => {
                "it answered after all: look for what kept interrupts off there, or for an interrupt that was lost"
            }
        })
    }
}
