//! What a figure shows of each CPU, from records alone.

use std::collections::{HashMap, VecDeque};

use softlockup::dmesg::{self, Message};
use softlockup::incident::console::Console;
use softlockup::incident::report::{Place, Report, SoftLockup};
use softlockup::time::NSEC_PER_SEC;
use softlockup::vector::Vector;
use softlockup::{CpuId, Event, Incident, KernelTime};

/// CPUs with a row of their own, at most.
const ROWS: usize = 16;

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

/// A call to one or more CPUs.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) from: CpuId,
    pub(crate) time: KernelTime,
    pub(crate) targets: Vec<Target>,
}

/// A CPU that was called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) cpu: CpuId,
    pub(crate) ipi: bool,
    pub(crate) answered: Option<KernelTime>,
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

/// All CPUs, those that something happens to first.
#[derive(Debug)]
pub(crate) struct Lanes {
    pub(crate) shown: Vec<Lane>,
    pub(crate) others: Vec<Lane>,
    /// Calls that some CPU was slow to answer, or did not answer.
    pub(crate) calls: Vec<Call>,
    pub(crate) panic: Option<(CpuId, KernelTime, String)>,
    /// Where the figure begins and ends. Where all is well for long before the machine is switched off, it ends earlier.
    pub(crate) begin: KernelTime,
    pub(crate) end: KernelTime,
    pub(crate) ended: KernelTime,
    pub(crate) report: Report,
    /// What takes longer than this, in nanoseconds, is shown.
    pub(crate) long: u64,
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
    fn new(cpu: CpuId) -> Self {
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
    fn begins(&self, long: u64, ended: KernelTime) -> Option<KernelTime> {
        let spans = self.irqs_off.iter().chain(&self.die_lock).copied();
        let spans = spans.chain(self.waits.iter().map(|wait| wait.span));
        let spans = spans.filter(|span| span.ns(ended) > long).map(|span| span.from);
        spans.chain(self.faults.iter().copied()).chain(self.said.iter().map(|said| said.time)).min()
    }

    /// When it is over: `ended` if it is not.
    fn ends(&self, long: u64, ended: KernelTime) -> Option<KernelTime> {
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

/// How a CPU's interrupts come and go on the way through the records.
#[derive(Clone, Default)]
struct Irqs {
    off: bool,
    depth: u32,
    since: Option<KernelTime>,
}

impl Lanes {
    pub(crate) fn of(incident: &Incident) -> Self {
        let report = incident.report();
        let mut console = Console::new(&incident.config);
        let mut printed_text = String::new();
        let nr_cpus = incident.config.nr_cpus as usize;
        let mut lanes: Vec<Lane> = (0..nr_cpus).map(|n| Lane::new(CpuId::from(n))).collect();
        let mut irqs = vec![Irqs::default(); nr_cpus];
        let mut calls: Vec<Call> = Vec::new();
        // For each CPU the call that it is still making, and for each pair the calls that wait for an answer.
        let mut making: Vec<Option<usize>> = vec![None; nr_cpus];
        let mut unanswered: HashMap<(CpuId, CpuId), VecDeque<(usize, usize)>> = HashMap::new();
        let mut panic = None;
        for record in &incident.records {
            let (time, cpu) = (record.time, record.cpu);
            printed_text.clear();
            console.print(record, &mut printed_text);
            let lane = &mut lanes[cpu.index()];
            match record.event {
                Event::Feed => lane.feeds.push(time),
                Event::Fault { .. } => lane.faults.push(time),
                Event::Stopped => lane.stopped = Some(time),
                Event::IrqEnter { vector: Vector::Timer } => lane.samples.push(time),
                Event::CsdQueue { to, .. } => {
                    let call = *making[cpu.index()].get_or_insert_with(|| {
                        calls.push(Call { from: cpu, time, targets: Vec::new() });
                        calls.len() - 1
                    });
                    unanswered
                        .entry((cpu, to))
                        .or_default()
                        .push_back((call, calls[call].targets.len()));
                    calls[call].targets.push(Target { cpu: to, ipi: false, answered: None });
                }
                Event::IpiSend { to, vector: Vector::CallFunction } => {
                    if let Some(call) = making[cpu.index()]
                        && let Some(target) =
                            calls[call].targets.iter_mut().find(|target| target.cpu == to)
                    {
                        target.ipi = true;
                    }
                }
                Event::CsdUnlock { from } => {
                    let oldest = unanswered.get_mut(&(from, cpu)).and_then(VecDeque::pop_front);
                    if let Some((call, target)) = oldest {
                        calls[call].targets[target].answered = Some(time);
                    }
                }
                Event::CsdWait { on, .. } => {
                    let call = calls.iter().rev().find(|call| call.from == cpu);
                    let ipi = call.is_some_and(|call| {
                        call.targets.iter().any(|target| target.cpu == on && target.ipi)
                    });
                    making[cpu.index()] = None;
                    lane.waits.push(Wait { span: Span { from: time, to: None }, on, ipi });
                }
                Event::CsdWaitEnd { .. } => {
                    close(lane.waits.iter_mut().map(|wait| &mut wait.span), time);
                }
                Event::Exit { .. } => making[cpu.index()] = None,
                Event::DieLock => lane.die_lock.push(Span { from: time, to: None }),
                Event::DieLockHeld { .. } => close(lane.die_lock.iter_mut(), time),
                Event::TaskEnd { .. } => {
                    close(lane.die_lock.iter_mut(), time);
                    close(lane.waits.iter_mut().map(|wait| &mut wait.span), time);
                }
                Event::SoftLockup { printed } => {
                    let same = |soft: &&SoftLockup| (soft.cpu, soft.time) == (cpu, time);
                    let fed = report.soft_lockups.iter().find(same).and_then(|soft| soft.last_feed);
                    let func = innermost(&printed_text);
                    lane.said.push(Said { time, what: What::Soft { printed, func, fed } });
                }
                Event::HardLockup { cpu: named } => {
                    lane.said.push(Said { time, what: What::Hard { named } });
                    lanes[named.index()].named_by.push(cpu);
                }
                Event::CsdStall { on, waited_ns, .. } => {
                    lane.said.push(Said { time, what: What::Csd { on, waited_ns } });
                }
                Event::Panic { ref reason } => {
                    lane.panicked = true;
                    panic.get_or_insert((cpu, time, reason.to_string()));
                }
                _ => {}
            }
            irqs[cpu.index()].read(&record.event, time, &mut lanes[cpu.index()].irqs_off);
        }
        for (irqs, lane) in irqs.iter().zip(&mut lanes) {
            lane.irqs_off.extend(irqs.since.map(|from| Span { from, to: None }));
        }
        for stuck in &report.stuck {
            lanes[stuck.cpu.index()].stuck = Some((stuck.place, stuck.waits_for));
        }
        Self::arrange(lanes, calls, panic, incident.ended, report)
    }

    fn arrange(
        lanes: Vec<Lane>,
        calls: Vec<Call>,
        panic: Option<(CpuId, KernelTime, String)>,
        ended: KernelTime,
        report: Report,
    ) -> Self {
        // What takes longer than this can be seen in a figure of the whole run, or of what is left of it.
        let long = [NSEC_PER_SEC, NSEC_PER_SEC / 20, NSEC_PER_SEC / 1_000, 0];
        let is_shown = |long: &u64| lanes.iter().any(|lane| lane.begins(*long, ended).is_some());
        let long = long.into_iter().find(is_shown).unwrap_or(0);
        let begin = |lane: &Lane| lane.begins(long, ended);
        let first = lanes.iter().filter_map(begin).min().unwrap_or(KernelTime::BOOT);
        let last = lanes.iter().filter_map(|lane| lane.ends(long, ended)).max().unwrap_or(ended);
        let last = if last == first { ended } else { last };
        let end = ended.min(last + last.ns_since(first) * 3 / 5 + NSEC_PER_SEC / 10);
        let lead = (end.ns_since(first) / 25).max(NSEC_PER_SEC / 20);
        let (mut shown, mut others): (Vec<_>, Vec<_>) =
            lanes.into_iter().partition(|lane| begin(lane).is_some());
        shown.sort_by_key(|lane| (begin(lane), lane.cpu));
        // The latest go without a row of their own.
        others.splice(0..0, shown.drain(shown.len().min(ROWS)..));
        let slow = |call: &Call| {
            call.targets
                .iter()
                .any(|target| target.answered.unwrap_or(ended).ns_since(call.time) > long)
        };
        let calls = calls.into_iter().filter(slow).collect();
        Lanes { shown, others, calls, panic, begin: first - lead, end, ended, report, long }
    }

    /// Every CPU.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Lane> {
        self.shown.iter().chain(&self.others)
    }

    /// The row of a CPU, if it has one of its own.
    pub(crate) fn row(&self, cpu: CpuId) -> Option<usize> {
        self.shown.iter().position(|lane| lane.cpu == cpu)
    }
}

impl Irqs {
    fn read(&mut self, event: &Event, time: KernelTime, spans: &mut Vec<Span>) {
        match event {
            Event::IrqsOff => self.off = true,
            Event::IrqsOn => self.off = false,
            Event::IrqEnter { .. } => self.depth += 1,
            Event::IrqExit { .. } => self.depth = self.depth.saturating_sub(1),
            _ => return,
        }
        match (self.off || self.depth > 0, self.since) {
            (true, None) => self.since = Some(time),
            (false, Some(from)) => {
                self.since = None;
                if from < time {
                    spans.push(Span { from, to: Some(time) });
                }
            }
            _ => {}
        }
    }
}

/// Ends the innermost span that is still open.
fn close<'a>(spans: impl DoubleEndedIterator<Item = &'a mut Span>, time: KernelTime) {
    spans.rev().find(|span| span.to.is_none()).into_iter().for_each(|span| span.to = Some(time));
}

/// The function in which a printed report says its CPU is: its program counter.
fn innermost(report: &str) -> Option<String> {
    dmesg::parse(report.as_bytes()).into_iter().find_map(|entry| match entry.message {
        Message::Pc { symbol } => Some(symbol),
        _ => None,
    })
}
