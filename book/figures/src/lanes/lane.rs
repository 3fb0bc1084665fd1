//! One CPU.

use softlockup::incident::report::Place;
use softlockup::{CpuId, KernelTime};

/// From when to when; `None`: to the end of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: KernelTime,
    pub(crate) to: Option<KernelTime>,
}

/// A wait for an answer to a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub(crate) span: Span,
    pub(crate) on: CpuId,
    /// An IPI went out with the call.
    pub(crate) ipi: bool,
}

/// What a detector said.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) time: KernelTime,
    pub(crate) what: What,
}

/// Which detector, and what about.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// `soft lockup … stuck for 22s`, with the innermost function of the stack it prints.
    Soft { printed: u64, func: Option<String>, fed: Option<KernelTime> },
    /// `hard LOCKUP on cpu 0`.
    Hard { named: CpuId },
    /// `csd: Detected non-responsive CSD lock`.
    Csd { on: CpuId, waited_ns: u64 },
}

/// One CPU.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    pub(crate) cpu: CpuId,
    pub(crate) feeds: Vec<KernelTime>,
    pub(crate) samples: Vec<KernelTime>,
    pub(crate) irqs_off: Vec<Span>,
    pub(crate) waits: Vec<Wait>,
    /// It wants `die_lock` and does not have it.
    pub(crate) die_lock: Vec<Span>,
    pub(crate) faults: Vec<KernelTime>,
    pub(crate) said: Vec<Said>,
    /// The CPUs that named this one in a hard-lockup report.
    pub(crate) named_by: Vec<CpuId>,
    pub(crate) stopped: Option<KernelTime>,
    /// It panicked, and turned its interrupts off for that.
    pub(crate) panicked: bool,
    /// Where it was stuck in the end, and the CPU that it waited for.
    pub(crate) stuck: Option<(Place, Option<CpuId>)>,
}

impl Span {
    pub(crate) fn ns(self, ended: KernelTime) -> u64 {
        self.to.unwrap_or(ended).ns_since(self.from)
    }

    pub(crate) fn overlaps(self, other: Span) -> bool {
        let before = |end: Option<KernelTime>, from| end.is_none_or(|end| end > from);
        before(self.to, other.from) && before(other.to, self.from)
    }
}

impl Lane {
    pub(crate) fn new(cpu: CpuId) -> Self {
        Lane {
            cpu,
            feeds: Vec::new(),
            samples: Vec::new(),
            irqs_off: Vec::new(),
            waits: Vec::new(),
            die_lock: Vec::new(),
            faults: Vec::new(),
            said: Vec::new(),
            named_by: Vec::new(),
            stopped: None,
            panicked: false,
            stuck: None,
        }
    }

    /// Its name in a figure.
    pub(crate) fn name(&self) -> String {
        format!("CPU {}", self.cpu)
    }

    /// When something out of the ordinary begins here: a span that is longer than `long`, a fault, a report.
    pub(crate) fn begins(&self, long: u64, ended: KernelTime) -> Option<KernelTime> {
        let spans = self.irqs_off.iter().chain(&self.die_lock).copied();
        let spans = spans.chain(self.waits.iter().map(|wait| wait.span));
        let spans = spans.filter(|span| span.ns(ended) > long).map(|span| span.from);
        spans.chain(self.faults.iter().copied()).chain(self.said.iter().map(|said| said.time)).min()
    }

    /// When it is over: `ended` if it is not.
    pub(crate) fn ends(&self, long: u64, ended: KernelTime) -> Option<KernelTime> {
        let spans = self.irqs_off.iter().chain(&self.die_lock).copied();
        let spans = spans.chain(self.waits.iter().map(|wait| wait.span));
        let spans = spans.filter(|span| span.ns(ended) > long);
        let spans = spans.map(|span| span.to.or(self.stopped).unwrap_or(ended));
        let said = self.said.iter().map(|said| said.time);
        spans.chain(said).chain(self.faults.iter().copied()).chain(self.stopped).max()
    }

    /// The part of a wait in which its interrupts are on, if there is one.
    pub(crate) fn waits_with_interrupts_on(&self, span: Span) -> bool {
        !self.irqs_off.iter().any(|off| {
            off.from <= span.from && off.to.is_none_or(|end| span.to.is_some_and(|to| to <= end))
        })
    }

    /// The watchdog's reports: when, the printed number, the function, and from when it counted.
    pub(crate) fn soft(
        &self,
    ) -> impl Iterator<Item = (KernelTime, u64, Option<&str>, Option<KernelTime>)> {
        self.said.iter().filter_map(|said| match said.what {
            What::Soft { printed, ref func, fed } => {
                Some((said.time, printed, func.as_deref(), fed))
            }
            _ => None,
        })
    }

    /// Whatever keeps it from its work: waits, and interrupts that are off.
    pub(crate) fn held_up(&self) -> impl Iterator<Item = Span> {
        let waits = self.waits.iter().map(|wait| wait.span);
        waits.chain(self.irqs_off.iter().copied()).chain(self.die_lock.iter().copied())
    }

    /// Its interrupts are off to the end.
    pub(crate) fn is_silent(&self) -> bool {
        self.stopped.is_none()
            && !self.panicked
            && self.irqs_off.last().is_some_and(|span| span.to.is_none())
    }
}
