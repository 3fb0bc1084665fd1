//! What both clocks know of the machine whose time they keep, and of a CPU that waits.

use crate::cpumask::CpuId;
use crate::hardware::interrupts::Interrupts;
use crate::time::KernelTime;
use crate::vector::Vector;

/// The interrupts that a CPU's own timers raise: the watchdog's hrtimer, the perf counter, and the
/// tick.
pub(super) const TIMERS: [Vector; 3] = [Vector::Timer, Vector::Perf, Vector::Tick];

/// Which of a CPU's timers raises `vector`.
pub(super) fn timer_of(vector: Vector) -> usize {
    TIMERS.iter().position(|timer| *timer == vector).expect("a timer raises it")
}

/// What a waiting CPU waits for, besides interrupts that it accepts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    /// It looks at something that another CPU may change: wake it whenever that CPU might have done so.
    pub(crate) looks: bool,
    /// Wake it at this time at the latest.
    pub(crate) deadline: Option<KernelTime>,
}

/// What a clock asks of the machine whose time it keeps.
pub(crate) trait Clocked {
    /// The interrupts of one CPU.
    fn interrupts(&self, cpu: CpuId) -> &Interrupts;

    /// Whether something is there that would interrupt `cpu`, if it accepts these vectors.
    fn would_be_interrupted(&self, cpu: CpuId, accepts: u32) -> bool;

    /// `cpu` passes an interruption point.
    fn count_progress(&self, cpu: CpuId);

    /// `cpu` hands on its turn, and with it what it has recorded.
    fn end_turn(&self, cpu: CpuId);

    /// How far a CPU's samples lie apart now, in nanoseconds; 0 if the watchdog is off.
    fn sample_period_ns(&self) -> u64;

    /// Whether the machine is being switched off.
    fn is_halting(&self) -> bool;

    /// The machine's time is over. Wakes no CPU.
    fn begin_halt(&self);
}
