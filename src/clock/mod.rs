//! Two clocks with one meaning: kernel time, in nanoseconds since boot.
//!
//! A clock decides when a waiting CPU goes on. [`lockstep`] lets one CPU run at a time and jumps from event to event:
//! the same machine is the same bytes on every run, and a loaded host may delay it but never make it lie. [`wall`]
//! ties kernel time to the host's clock and lets all CPUs run in parallel.
//!
//! In Linux: `clockevents`, `local_clock`. Here it differs: time is the machine's to choose.

pub(crate) mod lockstep;
pub(crate) mod sleeper;
pub(crate) mod wall;

use std::thread::Thread;

use serde::{Deserialize, Serialize};

use crate::irq::Interrupts;
use crate::machine::Shared;
use crate::{Config, CpuId, KernelTime, Vector};
use lockstep::Lockstep;
use wall::Wall;

/// Which clock a machine runs on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// Virtual time; one CPU at a time between interruption points.
    Lockstep {
        /// `Some` permutes the order in which CPUs that can run at the same instant take their turns; each seed names
        /// one such order. `None` goes round by number.
        turn_seed: Option<u64>,
    },
    /// The host's time, multiplied; all CPUs at once. Its order of events is the host's, and may differ from run to
    /// run.
    Wall {
        /// Kernel seconds per host second, 0.001 to 1000000.
        ratio: f64,
    },
}

impl Default for Clock {
    fn default() -> Self {
        Clock::Lockstep { turn_seed: None }
    }
}

/// The interrupts that a CPU's own timers raise: the watchdog's hrtimer, and the perf counter.
const TIMERS: [Vector; 2] = [Vector::Timer, Vector::Perf];

/// Which of a CPU's timers raises `vector`.
fn timer_of(vector: Vector) -> usize {
    TIMERS.iter().position(|timer| *timer == vector).expect("a timer raises it")
}

/// What a waiting CPU waits for, besides interrupts that it accepts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    /// It looks at something that another CPU may change: wake it whenever it might have.
    pub(crate) looks: bool,
    /// Wake it then at the latest.
    pub(crate) deadline: Option<KernelTime>,
}

/// The clock of a running machine.
#[derive(Debug)]
pub(crate) enum ClockSource {
    Lockstep(Lockstep),
    Wall(Wall),
}

impl ClockSource {
    pub(crate) fn new(config: &Config) -> Self {
        match config.clock {
            Clock::Lockstep { turn_seed } => {
                ClockSource::Lockstep(Lockstep::new(config, turn_seed))
            }
            Clock::Wall { ratio } => ClockSource::Wall(Wall::new(config, ratio)),
        }
    }

    /// Kernel time now.
    pub(crate) fn now(&self) -> KernelTime {
        match self {
            ClockSource::Lockstep(clock) => clock.now(),
            ClockSource::Wall(clock) => clock.now(),
        }
    }

    /// Starts time. Called once, by the host, when every thread has been created.
    pub(crate) fn start(&self, shared: &Shared) {
        match self {
            ClockSource::Lockstep(clock) => clock.start(shared),
            ClockSource::Wall(clock) => clock.start(),
        }
    }

    /// Tells the clock which thread a CPU is. Called by the host before the start.
    pub(crate) fn thread_of(&self, cpu: CpuId, thread: &Thread) {
        if let ClockSource::Wall(clock) = self {
            clock.thread_of(cpu, thread);
        }
    }

    /// A CPU's thread waits to be brought up. Called once by each.
    pub(crate) fn bring_up(&self, shared: &Shared, cpu: CpuId) {
        match self {
            ClockSource::Lockstep(clock) => clock.first_turn(shared, cpu),
            ClockSource::Wall(clock) => clock.bring_up(shared, cpu),
        }
    }

    /// Makes `vector`, one of [`TIMERS`], pending on `cpu` at `at`. Called by the CPU itself.
    pub(crate) fn arm_timer(&self, cpu: CpuId, vector: Vector, at: KernelTime) {
        match self {
            ClockSource::Lockstep(clock) => clock.arm_timer(cpu, vector, at),
            ClockSource::Wall(clock) => clock.arm_timer(cpu, vector, at),
        }
    }

    /// Makes `cpu`'s timers pending if they are due: only wall time passes without the clock being asked.
    pub(crate) fn poll_timer(&self, cpu: CpuId, irq: &Interrupts) {
        if let ClockSource::Wall(clock) = self {
            _ = clock.poll_timer(cpu, irq);
        }
    }

    /// Whether the host kept `cpu` from running for so long that it looks like a lockup: never, in lockstep. In Linux:
    /// `kvm_check_and_clear_guest_paused`.
    pub(crate) fn check_and_clear_guest_paused(&self, cpu: CpuId) -> bool {
        match self {
            ClockSource::Lockstep(_) => false,
            ClockSource::Wall(clock) => clock.check_and_clear_guest_paused(cpu),
        }
    }

    /// Something happened that a waiting CPU might see: lockstep lets them all look.
    pub(crate) fn something_visible(&self) {
        if let ClockSource::Lockstep(clock) = self {
            clock.something_visible();
        }
    }

    /// Something became pending in `target`'s interrupts.
    pub(crate) fn kick(&self, target: CpuId, irq: &Interrupts) {
        match self {
            ClockSource::Lockstep(clock) => clock.kick(target, irq),
            ClockSource::Wall(clock) => clock.kick(target),
        }
    }

    /// The calling CPU waits; see [`Waiting`]. `accepts` are the vectors that would wake it.
    pub(crate) fn wait(&self, shared: &Shared, cpu: CpuId, waiting: Waiting, accepts: u32) {
        match self {
            ClockSource::Lockstep(clock) => clock.wait(shared, cpu, waiting, accepts),
            ClockSource::Wall(clock) => clock.wait(shared, cpu, waiting, accepts),
        }
    }

    /// Wakes every thread, so that each notices that the machine halts.
    pub(crate) fn wake_all(&self) {
        match self {
            ClockSource::Lockstep(clock) => clock.wake_all(),
            ClockSource::Wall(clock) => clock.wake_all(),
        }
    }

    /// The CPUs whose threads should be making progress right now.
    pub(crate) fn is_running(&self, cpu: CpuId) -> bool {
        match self {
            ClockSource::Lockstep(clock) => clock.is_running(cpu),
            ClockSource::Wall(clock) => !clock.is_asleep(cpu),
        }
    }
}
