//! Two clocks with one meaning: kernel time, in nanoseconds since boot.
//!
//! A clock decides when a waiting CPU goes on. [`lockstep`] lets one CPU run at a time and jumps from event to event:
//! the same machine gives the same bytes on every run, and a loaded host may delay them but never change them. [`wall`]
//! ties kernel time to the host's clock and lets all CPUs run in parallel.
//!
//! In Linux: `clockevents`, `local_clock`. Here it differs: the machine chooses the time.

pub(crate) mod clocked;
pub(crate) mod lockstep;
pub(crate) mod sleeper;
pub(crate) mod wall;

use std::thread::Thread;

use crate::config::Config;
use crate::config::clock::Clock;
use crate::cpumask::CpuId;
use crate::hardware::clock::clocked::{Clocked, Waiting};
use crate::hardware::clock::lockstep::Lockstep;
use crate::hardware::clock::wall::Wall;
use crate::hardware::interrupts::Interrupts;
use crate::time::KernelTime;
use crate::vector::Vector;

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

    /// Whether time is the host's.
    pub(crate) fn is_wall(&self) -> bool {
        matches!(self, ClockSource::Wall(_))
    }

    /// Kernel time now.
    pub(crate) fn now(&self) -> KernelTime {
        match self {
            ClockSource::Lockstep(clock) => clock.now(),
            ClockSource::Wall(clock) => clock.now(),
        }
    }

    /// Starts time. Called once, by the host, when every thread has been created.
    pub(crate) fn start(&self, machine: &impl Clocked) {
        match self {
            ClockSource::Lockstep(clock) => clock.start(machine),
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
    pub(crate) fn bring_up(&self, machine: &impl Clocked, cpu: CpuId) {
        match self {
            ClockSource::Lockstep(clock) => clock.first_turn(machine, cpu),
            ClockSource::Wall(clock) => clock.bring_up(machine, cpu),
        }
    }

    /// Makes `vector`, one of the timers', pending on `cpu` at `at`. Called by the CPU itself.
    pub(crate) fn arm_timer(&self, cpu: CpuId, vector: Vector, at: KernelTime) {
        match self {
            ClockSource::Lockstep(clock) => clock.arm_timer(cpu, vector, at),
            ClockSource::Wall(clock) => clock.arm_timer(cpu, vector, at),
        }
    }

    /// Makes `cpu`'s timers pending if they are due. In lockstep the clock has done so already, when time jumped.
    pub(crate) fn poll_timer(&self, machine: &impl Clocked, cpu: CpuId) {
        if let ClockSource::Wall(clock) = self {
            _ = clock.poll_timer(machine, cpu);
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

    /// Whether `cpu` sleeps and does not listen to its timers: never, in lockstep, as far as this is asked for.
    pub(crate) fn sleeps_deaf(&self, cpu: CpuId) -> bool {
        match self {
            ClockSource::Lockstep(_) => false,
            ClockSource::Wall(clock) => clock.sleeps_deaf(cpu),
        }
    }

    /// Something happened that a waiting CPU might see: in lockstep all waiting CPUs look.
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
    pub(crate) fn wait(&self, machine: &impl Clocked, cpu: CpuId, waiting: Waiting, accepts: u32) {
        match self {
            ClockSource::Lockstep(clock) => clock.wait(machine, cpu, waiting, accepts),
            ClockSource::Wall(clock) => clock.wait(machine, cpu, waiting, accepts),
        }
    }

    /// Wakes every thread, so that each notices that the machine halts.
    pub(crate) fn wake_all(&self) {
        match self {
            ClockSource::Lockstep(clock) => clock.wake_all(),
            ClockSource::Wall(clock) => clock.wake_all(),
        }
    }

    /// Whether `cpu`'s thread should be making progress right now.
    pub(crate) fn is_running(&self, cpu: CpuId) -> bool {
        match self {
            ClockSource::Lockstep(clock) => clock.is_running(cpu),
            ClockSource::Wall(clock) => !clock.is_asleep(cpu),
        }
    }
}
