//! From a log to scenes, on which the rules look. `reading/note.rs` says what each line adds to one.
//!
//! A log may hold several incidents. One ends where the kernel boots anew, or where nothing was wrong for ten minutes.

mod note;
mod text;

use std::collections::BTreeSet;

use crate::cpumask::CpuId;
use crate::dmesg::diagnosis::dump::Gatherer;
use crate::dmesg::diagnosis::oops::Oopses;
use crate::dmesg::diagnosis::scene::Scene;
use crate::dmesg::entry::Entry;
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
