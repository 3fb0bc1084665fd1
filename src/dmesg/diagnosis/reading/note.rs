//! What an entry adds to the scene that is read.

use crate::cpumask::CpuId;
use crate::dmesg::diagnosis::reading::Reader;
use crate::dmesg::diagnosis::reading::text::{hotplug, thresh};
use crate::dmesg::diagnosis::scene::{CsdReport, HardReport, RcuCpu, Request, Sign, SoftReport};
use crate::dmesg::entry::{Caller, Entry};
use crate::dmesg::line::Line;
use crate::dmesg::lockup;
use crate::dmesg::message::Message;

/// A list of more CPUs than this says nothing about any of them.
const MOST_LOCKED_UP: usize = 64;

/// A CPU that took so many ticks in a grace period that stalls takes interrupts.
const MANY_TICKS: u64 = 100;

impl Reader {
    /// Notes an entry.
    pub(super) fn note(&mut self, entry: &Entry) {
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
            Message::CsdStall { .. } | Message::CsdUnstuck { .. } => self.note_csd(entry),
            Message::BacktraceRequest { .. } | Message::Backtrace { .. } => {
                self.note_backtrace(entry)
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
            Message::RcuStall { .. }
            | Message::RcuStallCpu { .. }
            | Message::RcuStallEnd { .. }
            | Message::RcuKthreadStarved { .. } => self.note_rcu(entry),
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

    /// A call that stalls, and its end.
    fn note_csd(&mut self, entry: &Entry) {
        let scene = &mut self.scene;
        let line = entry.line;
        let mut sign = |cpu: CpuId, takes_interrupts: bool| {
            scene.signs.push(Sign { line, cpu, takes_interrupts });
        };
        match &entry.message {
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
            _ => {}
        }
    }

    /// A question for backtraces, and its answers.
    fn note_backtrace(&mut self, entry: &Entry) {
        let scene = &mut self.scene;
        let &Entry { line, time, .. } = entry;
        let mut sign = |cpu: CpuId, takes_interrupts: bool| {
            scene.signs.push(Sign { line, cpu, takes_interrupts });
        };
        match &entry.message {
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
            _ => {}
        }
    }

    /// A grace period that stalls, and the CPUs that it waits for.
    fn note_rcu(&mut self, entry: &Entry) {
        let scene = &mut self.scene;
        let &Entry { line, time, .. } = entry;
        let mut sign = |cpu: CpuId, takes_interrupts: bool| {
            scene.signs.push(Sign { line, cpu, takes_interrupts });
        };
        match &entry.message {
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
            _ => {}
        }
    }

    /// A line of no class of its own.
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
