//! The host finds code that never reaches an interruption point.
//!
//! A loop without `relax` keeps its turn for ever, and no detector of the machine can see it: on real hardware there is
//! no such thing. So the host measures how long a thread has *run* since its last interruption point. It does not
//! measure wall time: a loaded host may not run the thread meanwhile.

#![expect(clippy::disallowed_methods, reason = "the host's time is what is measured here")]

use std::time::{Duration, Instant};

use crate::config::clock::HostLimits;
use crate::cpumask::CpuId;
use crate::host;
use crate::kernel::shared::Shared;

/// How often the threads are looked at.
const INTERVAL: Duration = Duration::from_millis(200);

/// Watches the threads of one machine.
pub(crate) struct HangDetector {
    last_look: Instant,
    seen: Vec<Option<Seen>>,
    hung: Vec<CpuId>,
    limits: HostLimits,
}

/// A thread, when its progress was last seen to change.
struct Seen {
    progress: u64,
    cpu_time: Option<Duration>,
    at: Instant,
}

impl HangDetector {
    /// Allocates nothing yet: it is also needed when the host has no memory left for another thread.
    pub(crate) fn new(limits: HostLimits) -> Self {
        HangDetector { last_look: Instant::now(), seen: Vec::new(), hung: Vec::new(), limits }
    }

    /// The CPUs that were found hung.
    pub(crate) fn hung(&self) -> &[CpuId] {
        &self.hung
    }

    /// Whether every thread has ended, or is known never to end.
    pub(crate) fn all_accounted_for(&self, shared: &Shared) -> bool {
        let mut cpus = (0..shared.config.nr_cpus).map(CpuId);
        cpus.all(|cpu| shared.per_cpu(cpu).thread.is_gone() || self.hung.contains(&cpu))
    }

    /// Looks at all threads, if it is time. Returns whether one has just been found hung.
    pub(crate) fn check(&mut self, shared: &Shared) -> bool {
        if self.last_look.elapsed() < INTERVAL {
            return false;
        }
        self.last_look = Instant::now();
        self.seen.resize_with(shared.config.nr_cpus as usize, || None);
        let (hung, seen) = (&self.hung, &mut self.seen);
        let late =
            |cpu: &CpuId| !hung.contains(cpu) && is_late(seen, shared, *cpu, self.limits, hung);
        let found = (0..shared.config.nr_cpus).map(CpuId).find(late);
        self.hung.extend(found);
        found.is_some()
    }
}

fn is_late(
    seen: &mut [Option<Seen>],
    shared: &Shared,
    cpu: CpuId,
    limits: HostLimits,
    hung: &[CpuId],
) -> bool {
    let per_cpu = shared.per_cpu(cpu);
    let halting = shared.is_halting();
    let gone = per_cpu.thread.is_gone();
    let owes_progress = !gone && (halting || shared.clock.is_running(cpu));
    let seen = &mut seen[cpu.index()];
    if !owes_progress {
        *seen = None;
        return false;
    }
    // Once the machine halts there is nothing to wait for: a destructor that goes on relaxing makes no progress.
    let progress = if halting { u64::MAX } else { per_cpu.own.progress.get() };
    let thread = per_cpu.thread.id();
    let cpu_time = thread.and_then(host::thread_cpu_time);
    match seen {
        Some(seen) if seen.progress == progress => match (cpu_time, seen.cpu_time) {
            (Some(now), Some(then)) if now.saturating_sub(then) > limits.running => true,
            (Some(_), Some(_)) => {
                seen.at.elapsed() > limits.blocked
                    && thread.is_some_and(host::thread_is_blocked)
                    && !may_be_woken(shared, hung)
            }
            _ => seen.at.elapsed() > limits.blocked,
        },
        _ => {
            *seen = Some(Seen { progress, cpu_time, at: Instant::now() });
            false
        }
    }
}

/// Whether a thread of this machine is about to run that may wake the one that has the turn: a loaded host can stop a CPU
/// for seconds between the moment when it hands on its turn and the one when it wakes the next CPU. In wall-clock time
/// no CPU waits for a turn, and others that run prove nothing.
fn may_be_woken(shared: &Shared, hung: &[CpuId]) -> bool {
    let runs = |cpu: CpuId| {
        let thread = &shared.per_cpu(cpu).thread;
        let is_blocked = || thread.id().is_none_or(host::thread_is_blocked);
        !thread.is_gone() && !hung.contains(&cpu) && !is_blocked()
    };
    !shared.clock.is_wall() && (0..shared.config.nr_cpus).map(CpuId).any(runs)
}
