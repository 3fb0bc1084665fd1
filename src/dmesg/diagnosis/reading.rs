//! From a log to scenes: what each line adds to what the rules look at.
//!
//! A log may hold several incidents. One ends where the kernel boots anew, or where nothing was wrong for ten minutes.

use std::collections::BTreeSet;

use crate::cpumask::CpuId;
use crate::dmesg::diagnosis::dump::Gatherer;
use crate::dmesg::diagnosis::oops::Oopses;
use crate::dmesg::diagnosis::scene::{
    CsdReport, HardReport, RcuCpu, Request, Scene, Sign, SoftReport,
};
use crate::dmesg::entry::{Caller, Entry};
use crate::dmesg::line::Line;
use crate::dmesg::lockup;
use crate::dmesg::message::Message;
use crate::time::{KernelTime, NSEC_PER_SEC};

/// After this long without a sign of a lockup the next one is another incident.
const QUIET_NS: u64 = 600 * NSEC_PER_SEC;

/// A stamp that lies further back than this counts from another boot, if the following ones do, too. Else it is of a CPU
/// whose clock stood still.
///
/// In Linux: `kernel/sched/clock.c`; where `sched_clock` is not stable, each CPU's timer drives its clock.
const BACK_NS: u64 = 30 * NSEC_PER_SEC;

/// So many entries tell a boot from a CPU whose clock stood still.
const MOST_HELD: usize = 64;

/// Reads a log, and keeps its incidents apart.
#[derive(Debug, Default)]
pub(super) struct Reader {
    scenes: Vec<Scene>,
    scene: Scene,
    gatherer: Gatherer,
    oopses: Oopses,
    /// When something of a lockup was last said.
    last_alarm: Option<KernelTime>,
    /// The last stall of RCU was reported by the CPU that stalls.
    is_own_stall: bool,
    /// The CPU of which lines are printed.
    shown: Option<CpuId>,
    /// Lines whose stamps lie far back, until it is known why.
    held: Vec<Entry>,
    boot: Boot,
}

/// What holds from one boot to the next.
#[derive(Debug, Default)]
struct Boot {
    nr_cpus: Option<u32>,
    nodes: Option<u32>,
    unit_size: Option<u64>,
    thresh_secs: Option<u64>,
    /// The CPUs that reported themselves, until a dump of one says whether it was the first.
    first_reporters: BTreeSet<CpuId>,
    has_first_report: bool,
    had_warning: bool,
    is_instrumented: bool,
    /// CPUs that were taken offline.
    offline: BTreeSet<CpuId>,
}

impl Reader {
    /// Reads the next entry.
    pub(super) fn read(&mut self, entry: Entry) {
        let is_boot = matches!(entry.message, Message::Booted { .. });
        let is_back = self.goes_back(&entry) && !is_boot;
        let has_ended = is_boot || entry.time.is_some() && !is_back;
        if !self.held.is_empty() && has_ended {
            self.release(false);
        }
        if !is_back && self.held.is_empty() {
            return self.take(entry, is_boot);
        }
        self.held.push(entry);
        if self.held.len() == MOST_HELD {
            self.release(self.is_another_boot());
        }
    }

    /// Whether a stamp lies so far back that it may be of another boot.
    fn goes_back(&self, entry: &Entry) -> bool {
        let times = self.scene.last_time.zip(entry.time);
        times.is_some_and(|(last, time)| last.ns_since(time) > BACK_NS && time.ns() < last.ns() / 2)
    }

    /// Whether the stamps of the lines that are held go on, as those of a boot do.
    fn is_another_boot(&self) -> bool {
        let mut times = self.held.iter().filter_map(|entry| entry.time);
        let Some(first) = times.next() else { return false };
        times.any(|time| time.ns_since(first) > NSEC_PER_SEC)
    }

    /// Reads the lines that are held: those of another boot, or those of a CPU whose clock stood still, whose stamps say
    /// nothing.
    fn release(&mut self, is_boot: bool) {
        for (at, mut entry) in std::mem::take(&mut self.held).into_iter().enumerate() {
            let begins = is_boot && (at == 0 || self.goes_back(&entry));
            entry.time = entry.time.filter(|_| is_boot);
            self.take(entry, begins);
        }
    }

    fn take(&mut self, mut entry: Entry, is_boot: bool) {
        self.divide(&entry, is_boot);
        self.oopses.read(&entry);
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
        self.note(&entry);
        self.gatherer.read(&mut entry);
    }

    /// Begins another scene where another incident begins.
    fn divide(&mut self, entry: &Entry, is_boot: bool) {
        let is_alarm = is_alarm(&entry.message);
        let was_quiet = match (self.last_alarm, entry.time) {
            (Some(last), Some(time)) => is_alarm && time.ns_since(last) > QUIET_NS,
            _ => false,
        };
        if is_boot || was_quiet {
            self.end_scene();
            if is_boot {
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
        scene.nodes = self.boot.nodes;
        scene.offline.clone_from(&self.boot.offline);
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
        self.release(self.is_another_boot());
        self.end_scene();
        self.scenes
    }

    fn note(&mut self, entry: &Entry) {
        let scene = &mut self.scene;
        let &Entry { line, time, .. } = entry;
        scene.requests.iter_mut().rev().take(8).for_each(|request| request.note(entry));
        let mut sign = |cpu: CpuId, takes_interrupts: bool| {
            scene.signs.push(Sign { line, cpu, takes_interrupts });
        };
        match &entry.message {
            Message::SoftLockup { cpu, secs, comm, pid } => {
                sign(*cpu, true);
                if !self.boot.has_first_report {
                    self.boot.first_reporters.insert(*cpu);
                }
                let task = comm.clone().zip(*pid);
                scene.soft.push(SoftReport { line, time, cpu: *cpu, secs: *secs, task });
            }
            Message::HardLockup { cpu, reporter } => {
                if let Some(reporter) = reporter.filter(|reporter| reporter != cpu) {
                    sign(reporter, true);
                }
                scene.hard.push(HardReport { line, time, cpu: *cpu });
            }
            Message::HardLockups { cpus, reporter } => {
                sign(*reporter, true);
                let cpus = cpus.iter().take(MOST_LOCKED_UP);
                scene.hard.extend(cpus.map(|cpu| HardReport { line, time, cpu }));
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
                // In a syslog of two hosts each counts its own stalls.
                let same = |stall: &&mut CsdReport| {
                    (stall.number, stall.on, stall.target) == (*number, *on, *target)
                };
                scene.csd.iter_mut().filter(same).for_each(|stall| stall.unstuck = Some(line));
            }
            Message::BacktraceRequest { from, to } => {
                sign(*from, false);
                let answered = scene.just_answered(line, time);
                let (from, to) = (*from, to.clone());
                let has_cause = self.last_alarm.is_some() || scene.has_alarm();
                scene.unasked.retain(|&(cpu, _)| cpu != from);
                let caller = entry.caller;
                let goes_on = None;
                scene.requests.push(Request {
                    line,
                    time,
                    from,
                    to,
                    answered,
                    has_cause,
                    caller,
                    goes_on,
                });
            }
            Message::Backtrace { cpu, idle } => {
                if *idle {
                    sign(*cpu, true);
                }
                if !scene.asks_all
                    && !scene.requests.iter().rev().take(8).any(|request| request.to.contains(*cpu))
                {
                    scene.unasked.push((*cpu, line));
                }
                scene.answer(*cpu, line, time);
            }
            Message::NoBacktrace { cpus } => {
                let cpus = cpus.iter().take(MOST_LOCKED_UP);
                scene.no_backtrace.extend(cpus.map(|cpu| HardReport { line, time, cpu }));
            }
            Message::CpuLine { cpu, taint, release, .. } => {
                scene.answer(*cpu, line, time);
                scene.has_cpu_lines = true;
                self.shown = Some(*cpu);
                match taint.contains('D') {
                    true => _ = scene.first_died.get_or_insert(line),
                    false if !release.is_empty() => scene.last_not_died = Some(line),
                    false => {}
                }
                // Of several CPUs that report at the same time, the first dump is tainted by none of the others.
                if !self.boot.has_first_report && self.boot.first_reporters.contains(cpu) {
                    self.boot.has_first_report = true;
                    scene.head_is_missing = taint.contains('L').then_some(line);
                }
                if taint.contains('W') && !self.boot.had_warning {
                    scene.unseen_warning.get_or_insert(line);
                }
            }
            Message::RcuStall { self_detected, .. } => {
                self.is_own_stall = *self_detected;
                scene.rcu_stalls.push(line);
            }
            // Its timer's handler says so.
            Message::RcuStallCpu { cpu, irqs_off, .. }
                if self.is_own_stall && *irqs_off != Some(true) =>
            {
                sign(*cpu, true);
            }
            Message::RcuStallCpu { cpu, irqs_off, ticks, idle, false_positive: false, .. } => {
                // It may have ticked before it stuck: then its last flag says so.
                let has_ticked =
                    *irqs_off != Some(true) && ticks.is_some_and(|ticks| ticks >= MANY_TICKS);
                let runs = *irqs_off == Some(false) || has_ticked || *idle == Some(true);
                scene.rcu.push(RcuCpu { line, time, cpu: *cpu, irqs_off: *irqs_off, runs });
            }
            Message::RcuStallEnd { by, nr_cpus, .. } => {
                self.is_own_stall = false;
                if let Some(by) = by {
                    sign(*by, true);
                }
                self.boot.nr_cpus = nr_cpus.or(self.boot.nr_cpus);
            }
            Message::RcuKthreadStarved { runnable: Some(true), cpu: Some(cpu), .. } => {
                let (cpu, irqs_off, runs) = (*cpu, None, false);
                scene.starved.push(RcuCpu { line, time, cpu, irqs_off, runs });
            }
            Message::WorkqueueLockup { .. } => scene.other_lockups.push(line),
            Message::FailedToStop { cpus } => scene.not_stopped.push((line, cpus.clone())),
            Message::Panic { reason } => {
                scene.panic.get_or_insert(line);
                // `hardlockup_panic` of older kernels says it in no other line.
                if let Some(Line::Says(Message::HardLockup { cpu, .. })) = lockup::read(reason) {
                    scene.hard.push(HardReport { line, time, cpu });
                }
            }
            Message::PerCpu { unit_size } => self.boot.unit_size = Some(*unit_size),
            Message::BroughtUp { cpus, nodes } => {
                (self.boot.nr_cpus, self.boot.nodes) = (Some(*cpus), *nodes);
            }
            Message::TaskDump { cpu } => self.shown = Some(*cpu),
            Message::TaskState { comm, state: 'R', .. } => {
                let stopper = comm.strip_prefix("migration/").and_then(|cpu| cpu.parse().ok());
                _ = stopper.map(|cpu| scene.stoppers.entry(CpuId(cpu)).or_insert(line));
            }
            Message::Other(text) => self.other(line, text),
            _ => {}
        }
        if let Some(Caller::Cpu(cpu)) = entry.caller
            && !matches!(entry.message, Message::Other(_))
        {
            // It prints, perhaps in an NMI.
            self.scene.signs.push(Sign { line, cpu, takes_interrupts: false });
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
        } else if let Some((cpu, is_online)) = hotplug(text) {
            match is_online {
                true => _ = self.boot.offline.remove(&cpu),
                false => _ = self.boot.offline.insert(cpu),
            }
        } else if text.starts_with("Stopper: multi_cpu_stop") {
            _ = self.shown.map(|cpu| self.scene.stoppers.entry(cpu).or_insert(line));
        } else if text.contains("ending NMI to ") {
            self.scene.asks_all = true; // `Sending NMI to all CPUs:` of older kernels
        } else if !self.boot.is_instrumented && text.contains("KASAN") {
            self.boot.is_instrumented = true;
        }
        if let Some(secs) = thresh(text) {
            self.boot.thresh_secs = Some(secs);
        }
    }
}

/// x86's `smpboot: CPU 3 is now offline` and `smpboot: Booting Node 0 Processor 3 APIC 0x6`, arm64's `psci: CPU3 killed`
/// and `CPU3: Booted secondary processor`: which CPU, and whether it is online.
fn hotplug(text: &str) -> Option<(CpuId, bool)> {
    let is_online = text.contains("Booting Node ") || text.contains(": Booted secondary processor");
    let is_offline = text.ends_with(" is now offline") || text.starts_with("psci: CPU");
    let (_, rest) = text.split_once("Processor ").or_else(|| text.split_once("CPU"))?;
    let rest = rest.trim_start();
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let cpu = rest[..end].parse().ok().filter(|_| is_online || is_offline)?;
    Some((CpuId(cpu), is_online))
}

/// A list of more CPUs than this says nothing about any of them.
const MOST_LOCKED_UP: usize = 64;

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

/// A CPU that took so many ticks in a grace period that stalls takes interrupts.
const MANY_TICKS: u64 = 100;

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
