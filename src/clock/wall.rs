//! Wall-clock time: kernel time is the host's, times a ratio, and all CPUs run in parallel.
//!
//! A CPU that looks spins (and lets other threads run if there are more CPUs than host cores); one that sleeps parks
//! its thread until its timer, its deadline, or a kick.
//!
//! | atomic of a seat | written by | read by | order |
//! |---|---|---|---|
//! | `parked` | the owner, before it looks into its mailbox a last time | whoever made something pending there, after it did | SeqCst, as the mailbox: of the two, at least one sees the other |
//! | `timers`, `deaf`, `was_paused` | the owner | the owner | Relaxed |
//! | `thread` | the host, before it starts the clock or halts the machine | whoever wakes the CPU | a `OnceLock`: set once, then read |
//! | `boot` of the clock | the host, before it unparks every thread | every CPU | likewise; a CPU that still misses it parks, and the unparking is not lost |
//!
//! In Linux: `clockevents` and WFI. Here it differs: a spinning CPU polls its timers itself.

#![expect(clippy::disallowed_methods, reason = "here is where CPUs wait in the host's time")]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::thread::Thread;
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

use super::{TIMERS, Waiting, timer_of};
use crate::irq::Mailbox;
use crate::machine::Shared;
use crate::{Config, CpuId, KernelTime, Vector, host, sample_period_ns};

/// The clock of a machine that runs in real time.
#[derive(Debug)]
pub(crate) struct Wall {
    boot: OnceLock<Instant>,
    ratio: f64,
    /// A timer that is found later than this, in nanoseconds of kernel time, is the host's fault: four sample periods.
    /// Nothing shorter can be taken for a lockup, which is five without a feed.
    pause_ns: u64,
    /// More CPUs than host cores: a spinning CPU must let others run.
    crowded: bool,
    seats: Box<[CachePadded<Seat>]>,
}

#[derive(Debug)]
struct Seat {
    thread: OnceLock<Thread>,
    parked: AtomicBool,
    timers: [AtomicU64; TIMERS.len()],
    /// It slept without listening to its timers, so that finding one late says nothing about the host.
    deaf: AtomicBool,
    /// The host did not run this CPU's thread for longer than `pause_ns`.
    was_paused: AtomicBool,
}

/// No timer is armed.
const NEVER: u64 = u64::MAX;

impl Wall {
    pub(crate) fn new(config: &Config, ratio: f64) -> Self {
        let nr_cpus = config.nr_cpus;
        let seat = |_| {
            CachePadded::new(Seat {
                thread: OnceLock::new(),
                parked: AtomicBool::new(false),
                timers: TIMERS.map(|_| AtomicU64::new(NEVER)),
                deaf: AtomicBool::new(false),
                was_paused: AtomicBool::new(false),
            })
        };
        Wall {
            boot: OnceLock::new(),
            ratio,
            pause_ns: 4 * sample_period_ns(config.watchdog_thresh_secs.max(1)),
            crowded: nr_cpus as usize > host::cores().len(),
            seats: (0..nr_cpus).map(seat).collect(),
        }
    }

    /// Before the start it is boot time, for ever.
    pub(crate) fn now(&self) -> KernelTime {
        let elapsed = self.boot.get().map_or(Duration::ZERO, Instant::elapsed);
        KernelTime::from_ns((elapsed.as_nanos() as f64 * self.ratio) as u64)
    }

    /// Tells the clock which thread a CPU is, so that it can be woken. Called by the host before the start.
    pub(crate) fn thread_of(&self, cpu: CpuId, thread: &Thread) {
        _ = self.seats[cpu.index()].thread.set(thread.clone());
    }

    pub(crate) fn start(&self) {
        self.boot.get_or_init(Instant::now);
        self.wake_all();
    }

    pub(crate) fn bring_up(&self, shared: &Shared, cpu: CpuId) {
        let online_at = shared.config.bring_up.online_at(cpu);
        while (self.boot.get().is_none() || self.now() < online_at) && !shared.is_halting() {
            let offline = Waiting { looks: false, deadline: Some(online_at) };
            self.wait(shared, cpu, offline, 0);
        }
    }

    pub(crate) fn arm_timer(&self, cpu: CpuId, vector: Vector, at: KernelTime) {
        self.seats[cpu.index()].timers[timer_of(vector)].store(at.ns(), Relaxed);
    }

    pub(crate) fn poll_timer(&self, cpu: CpuId, mailbox: &Mailbox) {
        let seat = &self.seats[cpu.index()];
        for (timer, vector) in seat.timers.iter().zip(TIMERS) {
            let due = timer.load(Relaxed);
            if due == NEVER {
                continue;
            }
            let now = self.now().ns();
            if now >= due {
                timer.store(NEVER, Relaxed);
                mailbox.raise(vector);
                if now - due > self.pause_ns && !seat.deaf.load(Relaxed) {
                    seat.was_paused.store(true, Relaxed);
                }
            }
        }
        seat.deaf.store(false, Relaxed);
    }

    /// Whether the host kept this CPU from running for long since it was last asked.
    pub(crate) fn check_and_clear_guest_paused(&self, cpu: CpuId) -> bool {
        let was_paused = &self.seats[cpu.index()].was_paused;
        was_paused.load(Relaxed) && was_paused.swap(false, Relaxed)
    }

    pub(crate) fn kick(&self, target: CpuId) {
        let seat = &self.seats[target.index()];
        if seat.parked.load(SeqCst)
            && let Some(thread) = seat.thread.get()
        {
            thread.unpark();
        }
    }

    pub(crate) fn wake_all(&self) {
        self.seats.iter().filter_map(|seat| seat.thread.get()).for_each(Thread::unpark);
    }

    pub(crate) fn wait(&self, shared: &Shared, cpu: CpuId, waiting: Waiting, accepts: u32) {
        shared.progress(cpu);
        match waiting.looks {
            true if self.crowded => std::thread::yield_now(),
            true => std::hint::spin_loop(),
            false => self.park(shared, cpu, waiting.deadline, accepts),
        }
    }

    fn park(&self, shared: &Shared, cpu: CpuId, deadline: Option<KernelTime>, accepts: u32) {
        let (seat, per_cpu) = (&self.seats[cpu.index()], shared.per_cpu(cpu));
        let accepted = seat.timers.iter().zip(TIMERS).filter(|(_, by)| accepts & by.bit() != 0);
        let timer = accepted.map(|(timer, _)| timer.load(Relaxed)).min().unwrap_or(NEVER);
        seat.deaf.store(accepts & Vector::Timer.bit() == 0, Relaxed);
        let wake_at = deadline.map_or(NEVER, KernelTime::ns).min(timer);
        per_cpu.asleep.store(true, Relaxed);
        seat.parked.store(true, SeqCst);
        if !per_cpu.mailbox.has(accepts) && !shared.is_halting() {
            match (self.boot.get(), wake_at) {
                (None, _) | (_, NEVER) => std::thread::park(),
                _ => {
                    let left = KernelTime::from_ns(wake_at).ns_since(self.now());
                    std::thread::park_timeout(self.host_duration(left));
                }
            }
        }
        seat.parked.store(false, SeqCst);
        per_cpu.asleep.store(false, Relaxed);
    }

    /// How long `ns` nanoseconds of kernel time take on the host.
    pub(crate) fn host_duration(&self, ns: u64) -> Duration {
        Duration::from_nanos((ns as f64 / self.ratio).min(u64::MAX as f64) as u64)
    }
}
