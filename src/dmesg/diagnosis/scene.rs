//! What the rules look at: the headlines of one incident, and who was heard of when.
//!
//! A log may hold several incidents. One ends where the kernel boots anew, or where nothing was wrong for ten minutes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::cpumask::CpuId;
use crate::dmesg::cpu_list::CpuList;
use crate::dmesg::diagnosis::context::Class;
use crate::dmesg::diagnosis::dump::{Dump, Gatherer, Why};
use crate::dmesg::diagnosis::oops::{OopsReport, Oopses};
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
}

/// A CPU that RCU names.
#[derive(Clone, Debug)]
pub(super) struct RcuCpu {
    pub(super) line: usize,
    pub(super) time: Option<KernelTime>,
    pub(super) cpu: CpuId,
    pub(super) irqs_off: Option<bool>,
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
    /// Answers to requests that are not in the log. A CPU that asks others dumps itself before.
    unasked: Vec<(CpuId, usize)>,
    /// The CPUs that were dumped, or were found idle, not long ago.
    answers: VecDeque<(CpuId, usize, Option<KernelTime>)>,
    pub(super) nr_cpus: Option<u32>,
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

/// After this long without a sign of a lockup the next one is another incident.
const QUIET_NS: u64 = 600 * NSEC_PER_SEC;

/// A stamp that lies further back than this counts from another boot.
const BACK_NS: u64 = 30 * NSEC_PER_SEC;

/// A CPU that asks for backtraces waits for 10 s.
const PATIENCE_NS: u64 = 11 * NSEC_PER_SEC;

/// Reads a log, and keeps its incidents apart.
#[derive(Debug, Default)]
pub(super) struct Reader {
    scenes: Vec<Scene>,
    scene: Scene,
    gatherer: Gatherer,
    oopses: Oopses,
    /// When something of a lockup was last said.
    last_alarm: Option<KernelTime>,
    boot: Boot,
}

/// What holds from one boot to the next.
#[derive(Debug, Default)]
struct Boot {
    nr_cpus: Option<u32>,
    unit_size: Option<u64>,
    thresh_secs: Option<u64>,
    had_soft_lockup: bool,
    /// The first CPU that reported itself, until its dump says whether it was the first.
    first_reporter: Option<CpuId>,
    had_warning: bool,
    is_instrumented: bool,
}

impl Reader {
    /// Reads the next entry.
    pub(super) fn read(&mut self, entry: &Entry) {
        self.divide(entry);
        self.gatherer.read(entry);
        self.oopses.read(entry);
        let scene = &mut self.scene;
        if scene.first_line == 0 {
            scene.first_line = entry.line;
        }
        scene.last_line = scene.last_line.max(entry.line);
        if let Some(time) = entry.time {
            if let Some(last) = scene.last_time {
                // A second is more than what interleaved lines differ by.
                scene.steps_back += usize::from(last.ns_since(time) > 0);
                scene.steps_on += usize::from(time.ns_since(last) > 0);
            }
            scene.first_time.get_or_insert(time);
            scene.last_time = Some(time);
        }
        self.note(entry);
    }

    /// Begins another scene where another incident begins.
    fn divide(&mut self, entry: &Entry) {
        let is_boot = matches!(entry.message, Message::Booted { .. });
        let goes_back = match (self.scene.last_time, entry.time) {
            (Some(last), Some(time)) => last.ns_since(time) > BACK_NS && time.ns() < last.ns() / 2,
            _ => false,
        };
        let is_alarm = is_alarm(&entry.message);
        let was_quiet = match (self.last_alarm, entry.time) {
            (Some(last), Some(time)) => is_alarm && time.ns_since(last) > QUIET_NS,
            _ => false,
        };
        if is_boot || goes_back || was_quiet {
            self.end_scene();
            if is_boot || goes_back {
                self.boot = Boot::default();
            }
        }
        if is_alarm {
            self.last_alarm = entry.time.or(self.last_alarm);
        }
    }

    fn end_scene(&mut self) {
        let mut scene = std::mem::take(&mut self.scene);
        let mut gatherer = std::mem::take(&mut self.gatherer);
        gatherer.finish();
        scene.holes = gatherer.holes;
        scene.holes.extend(scene.unasked.iter().map(|&(_, line)| line));
        scene.dumps = gatherer.dumps;
        scene.oopses = std::mem::take(&mut self.oopses).finish();
        scene.nr_cpus = self.boot.nr_cpus;
        scene.unit_size = self.boot.unit_size;
        scene.thresh_secs = self.boot.thresh_secs;
        scene.is_instrumented = self.boot.is_instrumented;
        scene.signs_of_dumps();
        scene.warnings();
        self.last_alarm = None;
        if scene.first_line != 0 {
            self.scenes.push(scene);
        }
    }

    /// The incidents, in the order of the log.
    pub(super) fn finish(mut self) -> Vec<Scene> {
        self.end_scene();
        self.scenes
    }

    fn note(&mut self, entry: &Entry) {
        let scene = &mut self.scene;
        let &Entry { line, time, .. } = entry;
        let mut sign = |cpu: CpuId, takes_interrupts: bool| {
            scene.signs.push(Sign { line, cpu, takes_interrupts });
        };
        match &entry.message {
            Message::SoftLockup { cpu, secs, comm, pid } => {
                sign(*cpu, true);
                if !std::mem::replace(&mut self.boot.had_soft_lockup, true) {
                    self.boot.first_reporter = Some(*cpu);
                }
                let task = comm.clone().zip(*pid);
                scene.soft.push(SoftReport { line, time, cpu: *cpu, secs: *secs, task });
            }
            Message::HardLockup { cpu, reporter } => {
                if let Some(reporter) = reporter.filter(|reporter| reporter != cpu) {
                    sign(reporter, true);
                }
                scene.hard.push(HardReport { line, cpu: *cpu });
            }
            Message::HardLockups { cpus, reporter } => {
                sign(*reporter, true);
                let cpus = cpus.iter().take(MOST_LOCKED_UP);
                scene.hard.extend(cpus.map(|cpu| HardReport { line, cpu }));
            }
            Message::BecameUnstuck { cpu } | Message::Stopped { cpu } => sign(*cpu, true),
            Message::CsdStall { number, on, waiting_ns, target, .. } => {
                sign(*on, false);
                scene.csd.push(CsdReport {
                    line,
                    number: *number,
                    on: *on,
                    target: *target,
                    waiting_ns: *waiting_ns,
                    unstuck: None,
                });
            }
            Message::CsdUnstuck { number, on, target } => {
                sign(*on, false);
                sign(*target, true);
                let same = |stall: &&mut CsdReport| stall.number == *number;
                scene.csd.iter_mut().filter(same).for_each(|stall| stall.unstuck = Some(line));
            }
            Message::BacktraceRequest { from, to } => {
                sign(*from, false);
                let answered = scene.just_answered(line, time);
                let (from, to) = (*from, to.clone());
                let has_cause = self.last_alarm.is_some() || scene.has_alarm();
                scene.unasked.retain(|&(cpu, _)| cpu != from);
                scene.requests.push(Request { line, time, from, to, answered, has_cause });
            }
            Message::Backtrace { cpu, .. } => {
                if !scene.requests.iter().rev().take(8).any(|request| request.to.contains(*cpu)) {
                    scene.unasked.push((*cpu, line));
                }
                scene.answer(*cpu, line, time);
            }
            Message::NoBacktrace { cpus } => {
                let cpus = cpus.iter().take(MOST_LOCKED_UP);
                scene.no_backtrace.extend(cpus.map(|cpu| HardReport { line, cpu }));
            }
            Message::CpuLine { cpu, taint, release, .. } => {
                scene.answer(*cpu, line, time);
                scene.has_cpu_lines = true;
                match taint.contains('D') {
                    true => _ = scene.first_died.get_or_insert(line),
                    false if !release.is_empty() => scene.last_not_died = Some(line),
                    false => {}
                }
                let is_of_the_first =
                    self.boot.first_reporter.take_if(|first| first == cpu).is_some();
                if is_of_the_first && taint.contains('L') {
                    scene.head_is_missing = Some(line);
                }
                if taint.contains('W') && !self.boot.had_warning {
                    scene.unseen_warning.get_or_insert(line);
                }
            }
            Message::RcuStall { .. } => scene.rcu_stalls.push(line),
            Message::RcuStallCpu { cpu, irqs_off, false_positive: false, .. } => {
                scene.rcu.push(RcuCpu { line, time, cpu: *cpu, irqs_off: *irqs_off });
            }
            Message::RcuStallEnd { by, nr_cpus, .. } => {
                if let Some(by) = by {
                    sign(*by, true);
                }
                self.boot.nr_cpus = nr_cpus.or(self.boot.nr_cpus);
            }
            Message::RcuKthreadStarved { runnable: Some(true), cpu: Some(cpu), .. } => {
                scene.starved.push(RcuCpu { line, time, cpu: *cpu, irqs_off: None });
            }
            Message::WorkqueueLockup { .. } => scene.other_lockups.push(line),
            Message::FailedToStop { cpus } => scene.not_stopped.push((line, cpus.clone())),
            Message::Panic { .. } => _ = scene.panic.get_or_insert(line),
            Message::PerCpu { unit_size } => self.boot.unit_size = Some(*unit_size),
            Message::BroughtUp { cpus } => self.boot.nr_cpus = Some(*cpus),
            Message::Other(text) => self.other(line, text),
            _ => {}
        }
        if let Some(Caller::Cpu(cpu)) = entry.caller
            && !matches!(entry.message, Message::Other(_))
        {
            // It prints, perhaps in an NMI.
            scene_sign(&mut self.scene, line, cpu);
        }
    }

    fn other(&mut self, line: usize, text: &str) {
        if text.starts_with("WARNING: ") {
            self.boot.had_warning = true;
            if !text.contains("+0x") {
                self.gatherer.holes.push(line); // its end, which says where, is missing
            }
            if text.contains("smp_call_function") || text.contains("kernel/smp.c") {
                self.scene.calls_with_irqs_off.push(line);
            }
        } else if text.contains("KASAN") || text.contains("KCOV") || text.contains("kcsan") {
            self.boot.is_instrumented = true;
        }
        if let Some(secs) = thresh(text) {
            self.boot.thresh_secs = Some(secs);
        }
    }
}

/// A list of more CPUs than this says nothing about any of them.
const MOST_LOCKED_UP: usize = 64;

fn scene_sign(scene: &mut Scene, line: usize, cpu: CpuId) {
    scene.signs.push(Sign { line, cpu, takes_interrupts: false });
}

/// `watchdog_thresh=20`: of the command line, or what a script printed.
fn thresh(text: &str) -> Option<u64> {
    let (_, value) = text.split_once("watchdog_thresh")?;
    let digits: String = value
        .trim_start_matches([' ', '=', ':'])
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok().filter(|secs| (1..=60).contains(secs))
}

/// Whether a message says that something does not go on.
fn is_alarm(message: &Message) -> bool {
    matches!(
        message,
        Message::SoftLockup { .. }
            | Message::HardLockup { .. }
            | Message::HardLockups { .. }
            | Message::CsdStall { .. }
            | Message::RcuStall { .. }
            | Message::WorkqueueLockup { .. }
            | Message::FailedToStop { .. }
            | Message::Oops { .. }
            | Message::Fault { .. }
    )
}

impl Scene {
    fn answer(&mut self, cpu: CpuId, line: usize, time: Option<KernelTime>) {
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
    fn just_answered(&self, line: usize, now: Option<KernelTime>) -> BTreeSet<CpuId> {
        const LINES: usize = 100;
        let just = |&&(_, at, time): &&(CpuId, usize, Option<KernelTime>)| match (time, now) {
            (Some(time), Some(now)) => now.ns_since(time) <= NSEC_PER_SEC,
            _ => line - at <= LINES,
        };
        self.answers.iter().filter(just).map(|&(cpu, ..)| cpu).collect()
    }

    /// A CPU that dumps itself runs; one that is dumped by an NMI need not.
    fn signs_of_dumps(&mut self) {
        let own = self.dumps.iter().filter(|dump| {
            matches!(dump.why, Why::Own | Why::Warning | Why::SoftLockup | Why::Oops)
        });
        let signs: Vec<_> = own
            .map(|dump| Sign { line: dump.line, cpu: dump.cpu, takes_interrupts: false })
            .collect();
        self.signs.extend(signs);
    }

    /// Warnings that show a CPU as it calls others, with interrupts off.
    fn warnings(&mut self) {
        let calls = |dump: &&Dump| {
            let waits = dump.class == Some(Class::Waiter);
            dump.why == Why::Warning && waits && dump.irqs_off != Some(false)
        };
        let lines: Vec<usize> = self.dumps.iter().filter(calls).map(|dump| dump.line).collect();
        self.calls_with_irqs_off.extend(lines);
    }

    /// Whether something was said by now that makes a kernel ask CPUs for their backtraces.
    fn has_alarm(&self) -> bool {
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
            .filter(|dump| dump.why != Why::Stale && dump.class == Some(Class::Waiter));
        shown.for_each(|dump| _ = waiters.entry(dump.cpu).or_insert(dump.line));
        let stalls = self.csd.iter().filter(|stall| stall.unstuck.is_none());
        stalls.for_each(|stall| _ = waiters.entry(stall.on).or_insert(stall.line));
        waiters
    }

    /// How long the log goes on after a moment, if stamps tell.
    pub(super) fn ns_left_after(&self, time: Option<KernelTime>) -> Option<u64> {
        Some(self.last_time?.ns_since(time?))
    }
}

impl Request {
    /// Those that did not answer.
    pub(super) fn unanswered(&self) -> Vec<CpuId> {
        const MOST: usize = 4096;
        self.to.iter().take(MOST).filter(|cpu| !self.answered.contains(cpu)).collect()
    }
}
