//! What the rules look at: the headlines of one incident, and who was heard of when.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::RangeInclusive;

use crate::cpumask::CpuId;
use crate::dmesg::cpu_list::CpuList;
use crate::dmesg::diagnosis::context::Class;
use crate::dmesg::diagnosis::dump::{Dump, Why};
use crate::dmesg::diagnosis::oops::OopsReport;
use crate::dmesg::entry::{Caller, Entry};
use crate::dmesg::message::Message;
use crate::record::Pid;
use crate::time::{KernelTime, NSEC_PER_SEC};

/// A soft lockup's headline.
#[derive(Clone, Debug)]
pub(super) struct SoftReport {
    pub(super) line: usize,
    pub(super) time: Option<KernelTime>,
    pub(super) cpu: CpuId,
    pub(super) secs: u64,
    pub(super) task: Option<(String, Pid)>,
}

/// A line that says that a CPU takes no interrupts.
#[derive(Clone, Debug)]
pub(super) struct HardReport {
    pub(super) line: usize,
    pub(super) time: Option<KernelTime>,
    pub(super) cpu: CpuId,
}

/// `csd: Detected non-responsive CSD lock`, or `Continued`.
#[derive(Clone, Debug)]
pub(super) struct CsdReport {
    pub(super) line: usize,
    pub(super) number: u32,
    pub(super) on: CpuId,
    pub(super) target: CpuId,
    pub(super) waiting_ns: u64,
    /// Where it says that the call was answered after all.
    pub(super) unstuck: Option<usize>,
}

/// CPUs that were asked for their backtraces.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) line: usize,
    pub(super) time: Option<KernelTime>,
    pub(super) from: CpuId,
    pub(super) to: CpuList,
    /// Those of them of which something was heard within the time that the kernel waits.
    pub(super) answered: BTreeSet<CpuId>,
    /// The log shows what it was asked for.
    pub(super) has_cause: bool,
    /// Who printed the question, if the log says so.
    pub(super) caller: Option<Caller>,
    /// The line by which the asker goes on, and how long after the question that is, in nanoseconds.
    pub(super) goes_on: Option<(usize, u64)>,
}

/// A CPU that RCU names.
#[derive(Clone, Debug)]
pub(super) struct RcuCpu {
    pub(super) line: usize,
    pub(super) time: Option<KernelTime>,
    pub(super) cpu: CpuId,
    pub(super) irqs_off: Option<bool>,
    /// It took ticks in the grace period that stalls, or is idle.
    pub(super) runs: bool,
}

/// When a CPU showed that it runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sign {
    pub(super) line: usize,
    pub(super) cpu: CpuId,
    /// Its timer's handler ran: it takes interrupts.
    pub(super) takes_interrupts: bool,
}

/// One incident, as the log tells it.
#[derive(Debug, Default)]
pub(super) struct Scene {
    pub(super) soft: Vec<SoftReport>,
    pub(super) hard: Vec<HardReport>,
    pub(super) csd: Vec<CsdReport>,
    pub(super) requests: Vec<Request>,
    /// powerpc says of a CPU by name that it did not answer.
    pub(super) no_backtrace: Vec<HardReport>,
    pub(super) rcu: Vec<RcuCpu>,
    /// Where RCU says that it is stalled, whether it names a CPU or not.
    pub(super) rcu_stalls: Vec<usize>,
    /// A runnable RCU kthread that does not get its CPU.
    pub(super) starved: Vec<RcuCpu>,
    /// CPUs that run `multi_cpu_stop`: they wait for all others to arrive there.
    pub(super) stoppers: BTreeMap<CpuId, usize>,
    pub(super) not_stopped: Vec<(usize, CpuList)>,
    pub(super) panic: Option<usize>,
    pub(super) other_lockups: Vec<usize>,
    pub(super) oopses: Vec<OopsReport>,
    pub(super) dumps: Vec<Dump>,
    pub(super) holes: Vec<usize>,
    pub(super) signs: Vec<Sign>,
    /// Where something warns that a CPU called others with its interrupts off.
    pub(super) calls_with_irqs_off: Vec<usize>,
    /// The first soft lockup of this boot stands here, and says that there was one before.
    pub(super) head_is_missing: Option<usize>,
    /// A CPU line says that a warning was printed, and the log has none.
    pub(super) unseen_warning: Option<usize>,
    pub(super) has_cpu_lines: bool,
    /// The first line that is tainted D: by then the report of an oops had ended.
    pub(super) first_died: Option<usize>,
    /// The last line that is not.
    pub(super) last_not_died: Option<usize>,
    /// All CPUs were asked, by a line that does not list them.
    pub(super) asks_all: bool,
    /// Answers to requests that are not in the log. A CPU that asks others dumps itself before.
    pub(super) unasked: Vec<(CpuId, usize)>,
    /// The CPUs that were dumped, or were found idle, not long ago.
    answers: VecDeque<(CpuId, usize, Option<KernelTime>)>,
    pub(super) nr_cpus: Option<u32>,
    /// CPUs that were taken offline: they take part in nothing.
    pub(super) offline: BTreeSet<CpuId>,
    /// NUMA nodes.
    pub(super) nodes: Option<u32>,
    pub(super) unit_size: Option<u64>,
    pub(super) thresh_secs: Option<u64>,
    /// Registers are scrambled by the compiler's instrumentation.
    pub(super) is_instrumented: bool,
    pub(super) first_line: usize,
    pub(super) last_line: usize,
    pub(super) first_time: Option<KernelTime>,
    pub(super) last_time: Option<KernelTime>,
    /// The stamp of each line counts down: the newest line comes first.
    pub(super) steps_back: usize,
    pub(super) steps_on: usize,
}

/// A CPU that asks for backtraces waits for 10 s.
const PATIENCE_NS: u64 = 11 * NSEC_PER_SEC;

impl Scene {
    /// A CPU was dumped, or found idle: it answers those who asked.
    pub(super) fn answer(&mut self, cpu: CpuId, line: usize, time: Option<KernelTime>) {
        const MOST: usize = 256;
        if self.answers.len() == MOST {
            self.answers.pop_front();
        }
        self.answers.push_back((cpu, line, time));
        for request in self.requests.iter_mut().rev().take(8) {
            let is_late = match (request.time, time) {
                (Some(asked), Some(now)) => now.ns_since(asked) > PATIENCE_NS,
                _ => false,
            };
            if !is_late && request.to.contains(cpu) {
                request.answered.insert(cpu);
            }
        }
    }

    /// The CPUs whose answers stand before the question: lines of several CPUs are mixed.
    pub(super) fn just_answered(&self, line: usize, now: Option<KernelTime>) -> BTreeSet<CpuId> {
        const LINES: usize = 100;
        let just = |&&(_, at, time): &&(CpuId, usize, Option<KernelTime>)| match (time, now) {
            (Some(time), Some(now)) => now.ns_since(time) <= NSEC_PER_SEC,
            _ => line - at <= LINES,
        };
        self.answers.iter().filter(just).map(|&(cpu, ..)| cpu).collect()
    }

    /// A CPU that dumps itself runs; one that is dumped by an NMI need not, but it takes interrupts if they were on.
    pub(super) fn signs_of_dumps(&mut self) {
        let sign = |dump: &Dump| {
            let is_own = matches!(dump.why, Why::Own | Why::Warning | Why::SoftLockup | Why::Oops);
            // Idle, it may have them off for a moment.
            let is_idle = dump.why == Why::Backtrace && dump.class == Some(Class::Idle);
            let is_on = matches!(dump.why, Why::Backtrace | Why::HardLockup)
                && dump.is_whole
                && (dump.irqs_off == Some(false) || is_idle);
            let sign = Sign { line: dump.line, cpu: dump.cpu, takes_interrupts: is_on };
            (is_own || is_on).then_some(sign)
        };
        let signs: Vec<Sign> = self.dumps.iter().filter_map(sign).collect();
        self.signs.extend(signs);
    }

    /// Warnings that show a CPU as it calls others, with interrupts off.
    pub(super) fn warnings(&mut self) {
        let calls = |dump: &&Dump| {
            let waits = dump.class == Some(Class::Waiter);
            dump.why == Why::Warning && waits && dump.irqs_off != Some(false)
        };
        let lines: Vec<usize> = self.dumps.iter().filter(calls).map(|dump| dump.line).collect();
        self.calls_with_irqs_off.extend(lines);
    }

    /// Whether something was said by now that makes a kernel ask CPUs for their backtraces.
    pub(super) fn has_alarm(&self) -> bool {
        !(self.soft.is_empty()
            && self.hard.is_empty()
            && self.csd.is_empty()
            && self.rcu_stalls.is_empty())
    }

    /// Whether something of this incident is a lockup.
    pub(super) fn is_lockup(&self) -> bool {
        let unanswered = self.requests.iter().any(|request| !request.unanswered().is_empty());
        !(self.soft.is_empty()
            && self.hard.is_empty()
            && self.csd.is_empty()
            && self.rcu_stalls.is_empty()
            && self.rcu.is_empty()
            && self.not_stopped.is_empty()
            && self.no_backtrace.is_empty()
            && self.other_lockups.is_empty())
            || unanswered
    }

    /// Whether the CPU took an interrupt after this line.
    pub(super) fn takes_interrupts_after(&self, cpu: CpuId, line: usize) -> bool {
        self.signs.iter().any(|sign| sign.cpu == cpu && sign.line > line && sign.takes_interrupts)
    }

    /// Whether the CPU dumps itself, and in no NMI, more than a second after this line: what kept it has ended.
    pub(super) fn dumps_itself_after(
        &self,
        cpu: CpuId,
        line: usize,
        from: Option<KernelTime>,
    ) -> bool {
        self.dumps.iter().any(|dump| {
            let is_own = matches!(dump.why, Why::Own | Why::Warning | Why::Oops);
            let times = dump.time.zip(from);
            let is_later = times.is_some_and(|(time, from)| time.ns_since(from) > NSEC_PER_SEC);
            is_own && dump.cpu == cpu && dump.line > line && is_later && !dump.context.in_nmi
        })
    }

    /// Whether the CPU was heard of after this line, be it with interrupts off.
    pub(super) fn is_heard_of_after(&self, cpu: CpuId, line: usize) -> bool {
        self.signs.iter().any(|sign| sign.cpu == cpu && sign.line > line)
    }

    /// The CPUs that say of themselves, or show, that they wait for another CPU, and where.
    pub(super) fn waiters(&self) -> BTreeMap<CpuId, usize> {
        let mut waiters = BTreeMap::new();
        let shown = self
            .dumps
            .iter()
            .filter(|dump| dump.why != Why::Stale && dump.class.is_some_and(Class::waits));
        shown.for_each(|dump| _ = waiters.entry(dump.cpu).or_insert(dump.line));
        let stalls = self.csd.iter().filter(|stall| stall.unstuck.is_none());
        stalls.for_each(|stall| _ = waiters.entry(stall.on).or_insert(stall.line));
        let stoppers = self.stoppers.iter();
        stoppers.for_each(|(&cpu, &line)| _ = waiters.entry(cpu).or_insert(line));
        waiters
    }

    /// How long the log goes on after a moment, if stamps tell.
    pub(super) fn ns_left_after(&self, time: Option<KernelTime>) -> Option<u64> {
        Some(self.last_time?.ns_since(time?))
    }
}

/// Who asks, waits until all have answered, and for no longer than this.
///
/// In Linux: `nmi_trigger_cpumask_backtrace`, ten thousand times `mdelay(1)`.
const PATIENCE: RangeInclusive<u64> = 9_900_000_000..=10_500_000_000;

impl Request {
    /// Notes when the asker goes on, if this line shows that.
    pub(super) fn note(&mut self, entry: &Entry) {
        let (Some(asked), Some(now)) = (self.time, entry.time) else { return };
        if self.goes_on.is_none() && self.is_of_the_asker(entry) {
            self.goes_on = Some((entry.line, now.ns_since(asked)));
        }
    }

    /// Without callers only what the asker alone can say tells that it goes on.
    fn is_of_the_asker(&self, entry: &Entry) -> bool {
        match (&entry.message, self.caller) {
            // powerpc says by itself who did not answer, and waits for half as long.
            (Message::NoBacktrace { .. }, _) => false,
            (_, Some(caller)) => entry.caller == Some(caller),
            (Message::BacktraceRequest { from, .. }, None) => *from == self.from,
            (Message::RcuKthreadStarved { .. } | Message::RcuTimerIssue { .. }, None) => true,
            _ => false,
        }
    }

    /// Where the log shows that the asker waited in vain, and for how long.
    pub(super) fn waited_in_vain(&self) -> Option<(usize, u64)> {
        self.goes_on.filter(|(_, waited_ns)| PATIENCE.contains(waited_ns))
    }

    /// Whether the asker went on before its patience was at an end: then all have answered.
    pub(super) fn is_answered(&self) -> bool {
        self.goes_on.is_some_and(|(_, waited_ns)| waited_ns < PATIENCE.start() / 10)
    }

    /// Those that did not answer.
    pub(super) fn unanswered(&self) -> Vec<CpuId> {
        const MOST: usize = 4096;
        if self.is_answered() {
            return Vec::new();
        }
        self.to.iter().take(MOST).filter(|cpu| !self.answered.contains(cpu)).collect()
    }
}
