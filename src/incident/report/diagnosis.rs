//! The diagnosis: what class of cause this was, and which CPUs are to blame.
//!
//! It is made from all records, and from nothing else. No record tells of an injected fault. The waiting of stuck CPUs
//! is followed to its roots: a CPU that waits for no CPU, a CPU that waits for itself, or a ring. If no CPU is stuck in
//! the end, the waits of more than 5 s count.
//!
//! In Linux: no CPU sees all CPUs; a reader of a dump does what is done here.

use std::collections::HashMap;

use serde::Serialize;

use crate::config::Config;
use crate::cpumask::CpuId;
use crate::incident::report::stuck::{Place, Stuck};
use crate::incident::view::View;
use crate::record::{Event, Record};
use crate::time::{CSD_LOCK_TIMEOUT_NS, KernelTime};
use crate::vector::Vector;

/// What was wrong, and with which CPUs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// The class of cause.
    #[serde(rename = "diagnosis")]
    pub cause: Cause,
    /// The CPUs to blame, in order. If a CPU is stuck, [`culprit`](crate::incident::report::Report::culprit) is among
    /// them.
    #[serde(rename = "diagnosed_cpus")]
    pub cpus: Vec<CpuId>,
}

/// A class of cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// A CPU waits for a `die_lock` that it holds.
    SelfDeadlock,
    /// A CPU waits for a `die_lock` that is never given back: its holder is dead. [`Stuck::leaked_on`] says on which
    /// CPU the holder died.
    LeakedDieLock,
    /// A CPU keeps its interrupts off and waits for no CPU.
    InterruptsOff,
    /// Callers wait for a CPU that takes interrupts (its timer ran after the IPI was sent) but never took the IPI.
    LostIpi,
    /// CPUs wait for each other, in a ring, with interrupts off.
    WaitingWithInterruptsOff,
    /// No CPU is stuck in the end; but a CPU waited for more than 5 s for a CPU that had its interrupts off.
    SlowCpu,
    /// A CPU takes interrupts but lets no other task run, and was reported for it.
    NotPreempted,
    /// A CPU runs without ever reaching an interruption point: no kernel would do that, and none could report it.
    NoInterruptionPoint,
    /// Callers wait for a CPU that heard them and does not answer: a part of the machine is wrong.
    Unanswered,
    /// No CPU is stuck, and none waited for long.
    None,
}

/// What has to be remembered on the way through the records, beside the view.
#[derive(Debug)]
pub(crate) struct Tracker {
    cpus: Vec<Tracked>,
    /// What the host can delay a CPU by: see [`Config::host_slack_ns`].
    host_slack_ns: u64,
    /// Waits of more than 5 s that are over.
    long_waits: Vec<LongWait>,
}

#[derive(Clone, Debug, Default)]
struct Tracked {
    /// A call-function IPI that was sent to this CPU and that it did not take yet.
    unheard: Option<Unheard>,
    /// An IPI to it was sent again, and it took other interrupts after the first one: so the first one was lost.
    missed_one: bool,
    /// Since when its interrupts are off, as of its last record.
    irqs_off_since: Option<KernelTime>,
    /// How long they were off until then, all in all.
    irqs_off_ns: u64,
    /// Its waits, as in the view.
    csd_waits: Vec<OpenWait>,
    /// It waits for a backtrace.
    ask: Option<OpenWait>,
}

#[derive(Clone, Copy, Debug)]
struct Unheard {
    since: KernelTime,
    /// Its timer's handler runs, entered after the IPI was sent.
    in_timer: bool,
    /// When such a handler ended. If the IPI was not lost, the CPU takes it right then.
    timer_done: Option<KernelTime>,
}

#[derive(Clone, Copy, Debug)]
struct OpenWait {
    on: CpuId,
    since: KernelTime,
    /// The waiter's interrupts are off.
    irqs_off: bool,
    /// `irqs_off_ns` of the CPU it waits for, when the wait began.
    irqs_off_ns: u64,
}

#[derive(Clone, Copy, Debug)]
struct LongWait {
    waiter: CpuId,
    wait: OpenWait,
    until: KernelTime,
    /// The CPU it waited for had its interrupts off most of the time.
    was_masked: bool,
}

impl Tracker {
    pub(crate) fn new(config: &Config) -> Self {
        Tracker {
            cpus: vec![Tracked::default(); config.nr_cpus as usize],
            host_slack_ns: config.host_slack_ns(),
            long_waits: Vec::new(),
        }
    }

    /// Reads one record, which `view` has read already.
    pub(crate) fn read(&mut self, record: &Record, view: &View) {
        let &Record { time, cpu, ref event, .. } = record;
        let now = view.cpu(cpu);
        self.count_irqs_off(cpu, time, now.irqs_off_since);
        if let Some(ask) = self.cpus[cpu.index()].ask.take_if(|ask| now.asks() != Some(ask.on)) {
            self.end_wait(cpu, ask, time);
            // One of several has answered: it goes on to wait for the next.
            let next = now.asks().map(|on| self.begin_wait(on, time, ask.irqs_off));
            self.cpus[cpu.index()].ask = next;
        }
        match *event {
            Event::IpiSend { to, vector: Vector::CallFunction } => {
                let unheard = Unheard { since: time, in_timer: false, timer_done: None };
                self.cpus[to.index()].unheard.get_or_insert(unheard);
            }
            Event::CsdResend { to, .. } => {
                let slack_ns = self.host_slack_ns;
                let to = &mut self.cpus[to.index()];
                to.missed_one |= to.unheard.is_some_and(|ipi| ipi.was_passed_over(time, slack_ns));
            }
            Event::IrqEnter { vector: Vector::CallFunction } => {
                self.cpus[cpu.index()].unheard = None;
            }
            Event::IrqEnter { vector: Vector::Timer } => {
                if let Some(unheard) = &mut self.cpus[cpu.index()].unheard {
                    unheard.in_timer = true;
                }
            }
            Event::IrqExit { vector: Vector::Timer } => {
                if let Some(unheard) = &mut self.cpus[cpu.index()].unheard
                    && std::mem::take(&mut unheard.in_timer)
                {
                    unheard.timer_done.get_or_insert(time);
                }
            }
            Event::CsdWait { on, .. } => {
                let wait = self.begin_wait(on, time, now.irqs_off());
                self.cpus[cpu.index()].csd_waits.push(wait);
            }
            Event::CsdWaitEnd { .. } => {
                if let Some(wait) = self.cpus[cpu.index()].csd_waits.pop() {
                    self.end_wait(cpu, wait, time);
                }
            }
            Event::BacktraceRequest { of } => {
                let ask = self.begin_wait(of, time, now.irqs_off());
                self.cpus[cpu.index()].ask = Some(ask);
            }
            Event::BacktraceRequests { ref of } => {
                let ask = of.first().map(|&of| self.begin_wait(of, time, now.irqs_off()));
                self.cpus[cpu.index()].ask = ask;
            }
            Event::TaskEnd { .. } => self.cpus[cpu.index()].csd_waits.clear(),
            _ => {}
        }
    }

    fn count_irqs_off(&mut self, cpu: CpuId, time: KernelTime, since: Option<KernelTime>) {
        let tracked = &mut self.cpus[cpu.index()];
        if let Some(began) = tracked.irqs_off_since.filter(|_| tracked.irqs_off_since != since) {
            tracked.irqs_off_ns += time.ns_since(began);
        }
        tracked.irqs_off_since = since;
    }

    /// How long a CPU's interrupts were off until `time`, all in all.
    fn irqs_off_ns(&self, cpu: CpuId, time: KernelTime) -> u64 {
        let tracked = &self.cpus[cpu.index()];
        tracked.irqs_off_ns + tracked.irqs_off_since.map_or(0, |since| time.ns_since(since))
    }

    fn begin_wait(&self, on: CpuId, since: KernelTime, irqs_off: bool) -> OpenWait {
        OpenWait { on, since, irqs_off, irqs_off_ns: self.irqs_off_ns(on, since) }
    }

    fn end_wait(&mut self, waiter: CpuId, wait: OpenWait, until: KernelTime) {
        let waited_ns = until.ns_since(wait.since);
        if waited_ns > CSD_LOCK_TIMEOUT_NS {
            let masked_ns = self.irqs_off_ns(wait.on, until).saturating_sub(wait.irqs_off_ns);
            let was_masked = masked_ns > waited_ns / 2;
            self.long_waits.push(LongWait { waiter, wait, until, was_masked });
        }
    }

    /// The culprit, if a CPU is stuck; and the diagnosis.
    pub(crate) fn diagnose(
        &self,
        view: &View,
        stuck: &[Stuck],
        ended: KernelTime,
        patience_ns: u64,
    ) -> (Option<CpuId>, Diagnosis) {
        if stuck.is_empty() {
            return (None, self.without_stuck());
        }
        // A CPU that hangs the host comes first: no CPU could have done anything after that.
        let hung = stuck.iter().filter(|stuck| stuck.place == Place::NoInterruptionPoint);
        let hung = Diagnosis::new(Cause::NoInterruptionPoint, hung.map(|stuck| stuck.cpu));
        if let Some(&first) = hung.cpus.first() {
            return (Some(first), hung);
        }
        let graph = Graph::new(view, stuck);
        let roots: Vec<_> = stuck.iter().map(|stuck| graph.root(stuck.cpu)).collect();
        let mut led_to: HashMap<CpuId, usize> = HashMap::new();
        roots.iter().for_each(|root| *led_to.entry(root[0]).or_default() += 1);
        // `max_by_key` takes the last of equals: look from the end, to get the earliest.
        let most = roots.iter().rev().max_by_key(|root| led_to[&root[0]]);
        let Some(culprit) = most else { return (None, self.without_stuck()) };

        let is_deaf = |cpu: CpuId| self.is_deaf(cpu, view, ended, patience_ns);
        let cause = graph.cause(culprit, is_deaf);
        let alike = roots.iter().filter(|root| graph.cause(root, is_deaf) == cause);
        (Some(culprit[0]), Diagnosis::new(cause, alike.flatten().copied()))
    }

    /// Whether a CPU that takes interrupts has not taken an IPI that was sent to it.
    fn is_deaf(&self, cpu: CpuId, view: &View, ended: KernelTime, patience_ns: u64) -> bool {
        self.cpus[cpu.index()].unheard.is_some_and(|ipi| {
            let could_take_it =
                !view.cpu(cpu).irqs_off() && ended.ns_since(ipi.since) > patience_ns;
            ipi.was_passed_over(ended, self.host_slack_ns) || could_take_it // the latter where no timer runs
        })
    }

    fn without_stuck(&self) -> Diagnosis {
        let waited_for = |wait: &&LongWait| self.cpus[wait.wait.on.index()].missed_one;
        let lost: Vec<_> = self.long_waits.iter().filter(waited_for).collect();
        if !lost.is_empty() {
            return Diagnosis::new(Cause::LostIpi, lost.iter().map(|wait| wait.wait.on));
        }
        // Without a CPU that could not answer because it waited itself.
        let waited_itself = |wait: &LongWait| {
            self.long_waits.iter().any(|other| {
                let overlaps = other.wait.since < wait.until && wait.wait.since < other.until;
                other.waiter == wait.wait.on && other.wait.irqs_off && overlaps
            })
        };
        let slow = self.long_waits.iter().filter(|wait| wait.was_masked && !waited_itself(wait));
        let slow: Vec<_> = slow.map(|wait| wait.wait.on).collect();
        let cause = if slow.is_empty() { Cause::None } else { Cause::SlowCpu };
        Diagnosis::new(cause, slow.into_iter())
    }
}

impl Unheard {
    /// Whether its CPU took its timer instead, more than `slack_ns` before `time`.
    fn was_passed_over(self, time: KernelTime, slack_ns: u64) -> bool {
        self.timer_done.is_some_and(|done| done < time && time.ns_since(done) > slack_ns)
    }
}

impl Diagnosis {
    fn new(cause: Cause, cpus: impl Iterator<Item = CpuId>) -> Self {
        let mut cpus: Vec<_> = cpus.collect();
        cpus.sort();
        cpus.dedup();
        Diagnosis { cause, cpus }
    }
}

/// Which CPU waits for which, among the stuck CPUs and those they wait for.
struct Graph<'a> {
    view: &'a View,
    stuck: &'a [Stuck],
    /// Where each is in `stuck`.
    places: HashMap<CpuId, usize>,
}

impl<'a> Graph<'a> {
    fn new(view: &'a View, stuck: &'a [Stuck]) -> Self {
        let places = stuck.iter().enumerate().map(|(n, stuck)| (stuck.cpu, n)).collect();
        Graph { view, stuck, places }
    }

    fn find(&self, cpu: CpuId) -> Option<&'a Stuck> {
        self.places.get(&cpu).map(|&n| &self.stuck[n])
    }

    /// The CPU that `cpu` waits for: for an answer, for a lock, or (with interrupts off, and for 10 s at most) for a
    /// backtrace.
    fn waits_for(&self, cpu: CpuId) -> Option<CpuId> {
        self.find(cpu)?.waits_for.or(self.view.cpu(cpu).asks())
    }

    /// Where the way from `start` ends: at one CPU, or in a ring, whose earliest CPU comes first.
    fn root(&self, start: CpuId) -> Vec<CpuId> {
        let mut way = vec![start];
        loop {
            let last = way[way.len() - 1];
            let Some(next) = self.waits_for(last) else { return vec![last] };
            if let Some(entered) = way.iter().position(|cpu| *cpu == next) {
                let mut ring = way.split_off(entered);
                ring.sort_by_key(|cpu| self.places.get(cpu));
                return ring;
            }
            way.push(next);
        }
    }

    fn cause(&self, root: &[CpuId], is_deaf: impl Fn(CpuId) -> bool) -> Cause {
        let members: Vec<_> = root.iter().filter_map(|cpu| self.find(*cpu)).collect();
        match members[..] {
            [_, _, ..] if members.iter().all(|stuck| stuck.irqs_off) => {
                Cause::WaitingWithInterruptsOff
            }
            _ if root.iter().any(|cpu| is_deaf(*cpu)) => Cause::LostIpi,
            [stuck] => match stuck.place {
                Place::NoInterruptionPoint => Cause::NoInterruptionPoint,
                Place::DieLock if stuck.waits_for == Some(stuck.cpu) => Cause::SelfDeadlock,
                Place::DieLock => Cause::LeakedDieLock,
                Place::InterruptsOff => Cause::InterruptsOff,
                Place::NotPreempted => Cause::NotPreempted,
                Place::CsdLockWait => Cause::Unanswered,
            },
            _ => Cause::Unanswered,
        }
    }
}
