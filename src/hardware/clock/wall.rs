//! Wall-clock time: kernel time is the host's, times a ratio, and all CPUs run in parallel.
//!
//! A CPU that looks spins (and lets other threads run if there are more CPUs than host cores); a CPU that sleeps parks
//! its thread until its timer, its deadline, or a kick.
//!
//! | atomic of a seat | written by | read by | order |
//! |---|---|---|---|
//! | `sleeper` | see [`crate::hardware::clock::sleeper`] | | |
//! | `timers`, `was_paused` | the owner | the owner | Relaxed |
//! | `deaf` | the owner | the owner; a CPU that waits for it or watches it | Relaxed: a hint, good for one sample |
//! | `thread` | the host, before it starts the clock or halts the machine | the CPU or the host that wakes this CPU | a `OnceLock`: set once, then read |
//! | `boot` of the clock | the host, before it unparks every thread | every CPU | likewise; a CPU that does not see it yet parks, and the unparking is not lost |
//!
//! In Linux: `clockevents` and WFI. Here it differs: a spinning CPU polls its timers itself.

#![expect(clippy::disallowed_methods, reason = "here is where CPUs wait in the host's time")]

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::thread::Thread;
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

use crate::config::Config;
use crate::cpumask::CpuId;
use crate::hardware::clock::clocked::{Clocked, TIMERS, Waiting, timer_of};
use crate::hardware::clock::sleeper::Sleeper;
use crate::host;
use crate::time::{KernelTime, sample_period_ns};
use crate::vector::Vector;

/// The clock of a machine that runs in real time.
#[derive(Debug)]
pub(crate) struct Wall {
    boot: OnceLock<Instant>,
    ratio: f64,
    /// When the machine is switched off.
    until: KernelTime,
    /// More CPUs than host cores: a spinning CPU must let others run.
    crowded: bool,
    seats: Box<[CachePadded<Seat>]>,
}

#[derive(Debug)]
struct Seat {
    online_at: KernelTime,
    thread: OnceLock<Thread>,
    sleeper: Sleeper,
    timers: [AtomicU64; TIMERS.len()],
    /// The CPU slept without listening to its timers, so a late timer says nothing about the host.
    deaf: AtomicBool,
    /// The host did not run this CPU's thread for longer than `pause_ns`.
    was_paused: AtomicBool,
}

/// No timer is armed.
const NEVER: u64 = u64::MAX;

impl Wall {
    pub(crate) fn new(config: &Config, ratio: f64) -> Self {
        let nr_cpus = config.nr_cpus;
        let seat = |cpu| {
            CachePadded::new(Seat {
                online_at: config.online_at(CpuId(cpu)),
                thread: OnceLock::new(),
                sleeper: Sleeper::default(),
                timers: TIMERS.map(|_| AtomicU64::new(NEVER)),
                deaf: AtomicBool::new(false),
                was_paused: AtomicBool::new(false),
            })
        };
        Wall {
            boot: OnceLock::new(),
            ratio,
            until: config.until,
            crowded: nr_cpus as usize > host::cores().len(),
            seats: (0..nr_cpus).map(seat).collect(),
        }
    }

    /// Before the start it is always boot time.
    pub(crate) fn now(&self) -> KernelTime {
        self.kernel_time(self.elapsed())
    }

    fn elapsed(&self) -> Duration {
        self.boot.get().map_or(Duration::ZERO, Instant::elapsed)
    }

    fn kernel_time(&self, elapsed: Duration) -> KernelTime {
        KernelTime::from_ns((elapsed.as_nanos() as u64 as f64 * self.ratio) as u64)
    }

    /// Tells the clock which thread a CPU is, so that it can be woken. Called by the host before the start.
    pub(crate) fn thread_of(&self, cpu: CpuId, thread: &Thread) {
        _ = self.seats[cpu.index()].thread.set(thread.clone());
    }

    pub(crate) fn start(&self) {
        self.boot.get_or_init(Instant::now);
        self.wake_all();
    }

    pub(crate) fn bring_up(&self, machine: &impl Clocked, cpu: CpuId) {
        let online_at = self.seats[cpu.index()].online_at;
        while (self.boot.get().is_none() || self.now() < online_at) && !machine.is_halting() {
            let offline = Waiting { looks: false, deadline: Some(online_at) };
            self.wait(machine, cpu, offline, 0);
        }
    }

    pub(crate) fn arm_timer(&self, cpu: CpuId, vector: Vector, at: KernelTime) {
        self.seats[cpu.index()].timers[timer_of(vector)].store(at.ns(), Relaxed);
    }

    /// Makes the timers that are due pending, and ends the machine if its time is over: the host's own thread may be the
    /// last of thousands to run. Returns what the host's clock says, if it had to be asked.
    pub(crate) fn poll_timer(&self, machine: &impl Clocked, cpu: CpuId) -> Option<Duration> {
        let seat = &self.seats[cpu.index()];
        let timers = seat.timers.each_ref().map(|timer| timer.load(Relaxed));
        let was_deaf = seat.deaf.load(Relaxed);
        if was_deaf {
            seat.deaf.store(false, Relaxed);
        }
        if timers == [NEVER; TIMERS.len()] {
            return None;
        }
        let elapsed = self.elapsed();
        let now = self.kernel_time(elapsed);
        if now >= self.until && !machine.is_halting() {
            machine.begin_halt();
            self.wake_all();
        }
        for ((timer, due), vector) in seat.timers.iter().zip(timers).zip(TIMERS) {
            if now.ns() >= due {
                timer.store(NEVER, Relaxed);
                machine.interrupts(cpu).raise(vector);
                if now.ns() - due > pause_ns(machine) && !was_deaf {
                    seat.was_paused.store(true, Relaxed);
                }
            }
        }
        Some(elapsed)
    }

    /// Whether the host kept this CPU from running for long since it was last asked.
    pub(crate) fn check_and_clear_guest_paused(&self, cpu: CpuId) -> bool {
        let was_paused = &self.seats[cpu.index()].was_paused;
        was_paused.load(Relaxed) && was_paused.swap(false, Relaxed)
    }

    /// Whether `cpu` sleeps and does not listen to its timers.
    pub(crate) fn sleeps_deaf(&self, cpu: CpuId) -> bool {
        let seat = &self.seats[cpu.index()];
        seat.deaf.load(Relaxed) && seat.sleeper.is_asleep()
    }

    /// Something became pending for `target`.
    pub(crate) fn kick(&self, target: CpuId) {
        let seat = &self.seats[target.index()];
        if seat.sleeper.must_be_woken()
            && let Some(thread) = seat.thread.get()
        {
            thread.unpark();
        }
    }

    pub(crate) fn wake_all(&self) {
        self.seats.iter().filter_map(|seat| seat.thread.get()).for_each(Thread::unpark);
    }

    /// The calling CPU sleeps. (A CPU that looks does not come here, but to [`spin`](Self::spin).)
    pub(crate) fn wait(&self, machine: &impl Clocked, cpu: CpuId, waiting: Waiting, accepts: u32) {
        machine.count_progress(cpu);
        let seat = &self.seats[cpu.index()];
        let accepted = seat.timers.iter().zip(TIMERS).filter(|(_, by)| accepts & by.bit() != 0);
        let timer = accepted.map(|(timer, _)| timer.load(Relaxed)).min().unwrap_or(NEVER);
        seat.deaf.store(accepts & Vector::Timer.bit() == 0, Relaxed);
        let wake_at = waiting.deadline.map_or(NEVER, KernelTime::ns).min(timer);
        seat.sleeper.lies_down();
        if !machine.would_be_interrupted(cpu, accepts) && !machine.is_halting() {
            match (self.boot.get(), wake_at) {
                (None, _) | (_, NEVER) => std::thread::park(),
                _ => {
                    let left = KernelTime::from_ns(wake_at).ns_since(self.now());
                    std::thread::park_timeout(self.host_duration(left));
                }
            }
        }
        seat.sleeper.gets_up();
    }

    /// Whether `cpu`'s thread sleeps, and owes no progress.
    pub(crate) fn is_asleep(&self, cpu: CpuId) -> bool {
        self.seats[cpu.index()].sleeper.is_asleep()
    }

    /// The calling CPU looks, and lets others run if there are more CPUs than host cores.
    pub(crate) fn spin(&self) {
        match self.crowded {
            true => std::thread::yield_now(),
            false => std::hint::spin_loop(),
        }
    }

    /// How long `ns` nanoseconds of kernel time take on the host.
    pub(crate) fn host_duration(&self, ns: u64) -> Duration {
        Duration::from_nanos((ns as f64 / self.ratio).min(u64::MAX as f64) as u64)
    }
}

/// If a timer is found later than this, in nanoseconds of kernel time, the host is at fault: four sample periods. No
/// shorter delay can be taken for a lockup, which is five periods without a feed.
fn pause_ns(machine: &impl Clocked) -> u64 {
    4 * machine.sample_period_ns().max(sample_period_ns(1))
}

/// When a spinning CPU looks at its timers. Asking the host for the time takes longer than everything else that a look
/// does, so a CPU whose looks are short asks only once in a while.
#[derive(Debug, Default)]
pub(crate) struct TimerPoll {
    looks_left: Cell<u32>,
    /// How many looks lie between two polls.
    every: Cell<u32>,
    last: Cell<Duration>,
}

impl TimerPoll {
    /// Polls that come closer together than this waste the time of a CPU that waits.
    const CLOSE: Duration = Duration::from_micros(2);
    /// How many looks may lie between two polls: when looks suddenly become long, the timers are late by no more than
    /// this many of them.
    const MAX_LOOKS: u32 = 8;

    /// Counts one look. Returns whether the timers must be polled now.
    pub(crate) fn is_due(&self) -> bool {
        match self.looks_left.get().checked_sub(1) {
            Some(left) => {
                self.looks_left.set(left);
                false
            }
            None => true,
        }
    }

    /// The timers were polled; `at` is what the host's clock said then, if it was asked. After one long look the CPU
    /// polls at every look again.
    pub(crate) fn polled(&self, at: Option<Duration>) {
        let at = at.unwrap_or_default();
        let close = at.saturating_sub(self.last.replace(at)) < Self::CLOSE;
        let every = if close { (2 * self.every.get() + 1).min(Self::MAX_LOOKS) } else { 0 };
        self.every.set(every);
        self.looks_left.set(every);
    }
}
