//! Interrupts: what can be pending on a CPU, the flag that keeps it pending, and the guard that holds the flag.
//!
//! | atomic of a CPU | written by | read by | order |
//! |---|---|---|---|
//! | `pending` | any CPU sets a bit (`raise`); the owner clears it (`take`) | the owner at an interruption point; the clock, to see whether it has something to do | SeqCst; that a bit which is set just as the owner goes to sleep is not missed is `clock/sleeper.rs`'s doing |
//! | `irqs_disabled` | the owner only | the owner; others may look | Relaxed: it orders nothing, it only keeps the owner from taking |
//!
//! In Linux: `PSTATE.I` (arm64), the GIC's pending state; `include/linux/irqflags.h`.
//! Here it differs: an interrupt is taken at an *interruption point* (in `relax`, when the guard ends, when idle) and
//! nowhere else. That stands for "between two instructions".

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::mailbox::Taken;
use crate::record::Event;
use crate::sync::{AtomicBool, AtomicU32, Ordering::*};
use crate::{Cpu, ThisCpu, hardlockup, nmi, panic, smp, watchdog};

/// What can interrupt a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vector {
    /// The CPU's own timer, which drives its watchdog.
    Timer,
    /// `IPI_CALL_FUNC`: another CPU posted a call.
    CallFunction,
    /// `IPI_CPU_STOP`: another CPU panics, and this one is to stop.
    Stop,
    /// The same as an NMI, for a CPU that did not hear the first.
    StopNmi,
    /// The perf counter of the CPU's own hard-lockup detector: an NMI.
    Perf,
    /// `IPI_CPU_BACKTRACE`: another CPU wants to know what this one is doing. An NMI if the machine has
    /// [`pseudo_nmi`](crate::Config::pseudo_nmi), and then it passes the flag.
    Backtrace,
}

impl Vector {
    /// In the order in which they are taken when several are pending.
    const ALL: [Vector; 6] = [
        Vector::StopNmi,
        Vector::Perf,
        Vector::Backtrace,
        Vector::Timer,
        Vector::CallFunction,
        Vector::Stop,
    ];

    pub(crate) const fn bit(self) -> u32 {
        1 << self as u32
    }
}

impl fmt::Display for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Vector::Timer => "timer",
            Vector::CallFunction => "IPI_CALL_FUNC",
            Vector::Stop => "IPI_CPU_STOP",
            Vector::StopNmi => "IPI_CPU_STOP_NMI",
            Vector::Perf => "perf",
            Vector::Backtrace => "IPI_CPU_BACKTRACE",
        })
    }
}

/// What interrupts a CPU: a pending bit, or a letter that rings by itself ([`crate::mailbox`]).
#[derive(Clone, Copy)]
enum Interrupt {
    Vector(Vector),
    Letter(Taken),
}

/// The vectors that are NMIs, on a machine that has any.
const NMI_VECTORS: u32 = Vector::Backtrace.bit() | Vector::Perf.bit() | Vector::StopNmi.bit();

/// A CPU that is called without end looks at its timers, and lets its stopper run, after this many interrupts.
const MAX_INTERRUPTS: u32 = 64;

/// The vectors that a CPU accepts with its interrupts on.
pub(crate) const ALL_VECTORS: u32 = u32::MAX;

/// The interrupts of one CPU: see the table above.
#[derive(Debug)]
pub(crate) struct Interrupts {
    pending: AtomicU32,
    irqs_disabled: AtomicBool,
}

impl Default for Interrupts {
    fn default() -> Self {
        Interrupts { pending: AtomicU32::new(0), irqs_disabled: AtomicBool::new(false) }
    }
}

impl Interrupts {
    /// Makes `vector` pending. Called by any CPU, and by the clock.
    pub(crate) fn raise(&self, vector: Vector) {
        self.pending.fetch_or(vector.bit(), SeqCst);
    }

    /// Whether something is pending that its owner would take.
    pub(crate) fn has(&self, accepts: u32) -> bool {
        self.pending.load(SeqCst) & accepts != 0
    }

    /// Takes one pending vector out. Called by the owner.
    ///
    /// Polls with a compare-exchange for what is likeliest, a call and nothing else: what the owner then has of the line
    /// can be written to, and is no copy that must be fetched again ([`crate::mailbox`] does the same).
    fn take(&self, accepts: u32) -> Option<Vector> {
        let call = Vector::CallFunction;
        let pending = match accepts & call.bit() {
            0 => self.pending.load(SeqCst),
            lone_call => match self.pending.compare_exchange(lone_call, 0, SeqCst, SeqCst) {
                Ok(_) => return Some(call),
                Err(pending) => pending,
            },
        };
        let pending = pending & accepts;
        let vector = Vector::ALL.into_iter().find(|vector| pending & vector.bit() != 0)?;
        self.pending.fetch_and(!vector.bit(), SeqCst);
        Some(vector)
    }

    pub(crate) fn irqs_disabled(&self) -> bool {
        self.irqs_disabled.load(Relaxed)
    }

    pub(crate) fn set_irqs_disabled(&self, disabled: bool) {
        self.irqs_disabled.store(disabled, Relaxed);
    }
}

/// Whether this CPU's interrupts are off. In Linux: `irqs_disabled()`.
pub fn irqs_disabled(cpu: &Cpu) -> bool {
    cpu.irq().irqs_disabled()
}

/// Turns this CPU's interrupts off until the guard ends, which turns them back to what they were and takes what
/// became pending meanwhile. In Linux: `local_irq_save`, `local_irq_restore`.
pub fn disable_local(cpu: &Cpu) -> DisabledLocalIrqGuard<'_> {
    let was_disabled = irqs_disabled(cpu);
    if !was_disabled {
        cpu.irq().set_irqs_disabled(true);
        cpu.record(Event::IrqsOff);
    }
    DisabledLocalIrqGuard { cpu, was_disabled, _not_send: PhantomData }
}

/// Proof that this CPU's interrupts are off. Stays on its CPU:
///
/// ```compile_fail
/// fn is_send<T: Send>() {}
/// is_send::<softlockup::irq::DisabledLocalIrqGuard<'static>>();
/// ```
///
/// While a task is being killed the guard does nothing: the kernel restores no flags on a stack it throws away.
#[must_use = "interrupts come on again when the guard is dropped"]
pub struct DisabledLocalIrqGuard<'a> {
    cpu: &'a Cpu,
    was_disabled: bool,
    _not_send: PhantomData<*const ()>,
}

impl Drop for DisabledLocalIrqGuard<'_> {
    fn drop(&mut self) {
        if !self.was_disabled && !std::thread::panicking() {
            enable_local(self.cpu);
        }
    }
}

/// Turns interrupts on, whatever is on the stack. In Linux: `local_irq_enable`.
pub(crate) fn enable_local(cpu: &Cpu) {
    cpu.irq().set_irqs_disabled(false);
    cpu.record(Event::IrqsOn);
    cpu.take_interrupts();
}

impl Cpu {
    /// Which vectors would be taken now: everything; or, with interrupts off or inside a handler, NMIs only.
    pub(crate) fn accepts(&self) -> u32 {
        let nmi = if self.shared().config.has_nmi() { NMI_VECTORS } else { 0 };
        match (self.in_nmi.get(), self.in_irq.get() || irqs_disabled(self)) {
            (true, _) => 0,
            (false, true) => nmi,
            (false, false) => ALL_VECTORS,
        }
    }

    /// An interruption point: takes every pending interrupt that this CPU accepts, then lets the stopper run.
    /// Returns whether there was any. Not while frames are unwound: a handler that had to unwind in turn would abort the
    /// process.
    pub(crate) fn take_interrupts(&self) -> bool {
        self.take_interrupts_after(|| self.shared().clock.poll_timer(self.id(), self.irq()))
    }

    /// The same; `poll_timers` makes this CPU's timers pending if they are due.
    pub(crate) fn take_interrupts_after(&self, poll_timers: impl FnOnce()) -> bool {
        if self.shared().is_halting() || std::thread::panicking() {
            return false;
        }
        poll_timers();
        let mut taken = 0;
        while taken < MAX_INTERRUPTS
            && let Some(interrupt) = self.next_interrupt()
        {
            self.handle(interrupt);
            taken += 1;
        }
        self.preempt_check();
        taken > 0
    }

    /// Takes one thing out that interrupts this CPU now.
    fn next_interrupt(&self) -> Option<Interrupt> {
        let accepts = self.accepts();
        let calls = accepts & Vector::CallFunction.bit() != 0;
        let polls_letter = calls && self.letters_ring;
        if !polls_letter || self.irq().has(accepts) {
            return self.irq().take(accepts).map(Interrupt::Vector);
        }
        let mailbox = self.shared().parts.mailbox(self.id())?;
        mailbox.take_ringing().map(Interrupt::Letter)
    }

    /// Runs one handler, with interrupts off by hardware. A handler may wait, but is not interrupted (by an NMI it
    /// is): else a timer would nest in a timer.
    fn handle(&self, interrupt: Interrupt) {
        let (vector, letter) = match interrupt {
            Interrupt::Vector(vector) => (vector, None),
            Interrupt::Letter(taken) => (Vector::CallFunction, Some(taken)),
        };
        let is_nmi = vector.bit() & NMI_VECTORS != 0 && self.shared().config.has_nmi();
        let context = if is_nmi { &self.in_nmi } else { &self.in_irq };
        context.set(true);
        let were_disabled = irqs_disabled(self);
        self.irq().set_irqs_disabled(true);
        self.shared().progress(self.id());
        self.record(Event::IrqEnter { vector });
        match vector {
            Vector::Timer => watchdog::watchdog_timer_fn(self),
            Vector::CallFunction => smp::flush_smp_call_function_queue(self, letter),
            Vector::Backtrace => nmi::nmi_cpu_backtrace(self),
            Vector::Perf => hardlockup::watchdog_overflow_callback(self),
            Vector::Stop | Vector::StopNmi => panic::local_cpu_stop(self),
        }
        self.record(Event::IrqExit { vector });
        self.irq().set_irqs_disabled(were_disabled);
        context.set(false);
    }
}

#[cfg(all(test, loom))]
mod loom_models {
    use std::rc::Rc;

    use loom::thread;

    use super::*;

    /// Two CPUs raise vectors while the owner takes: nothing is lost, and nothing is taken twice.
    #[test]
    fn what_is_raised_is_taken_once() {
        loom::model(|| {
            let irq = Rc::new(Interrupts::default());
            let raise = |vector| {
                let irq = Rc::clone(&irq);
                thread::spawn(move || irq.raise(vector))
            };
            let others = [raise(Vector::Timer), raise(Vector::CallFunction)];
            let mut taken = Vec::new();
            taken.extend(irq.take(ALL_VECTORS));
            others.into_iter().for_each(|other| other.join().unwrap());
            taken.extend(std::iter::from_fn(|| irq.take(ALL_VECTORS)));
            assert_eq!(taken.len(), 2);
            assert!(taken.contains(&Vector::Timer) && taken.contains(&Vector::CallFunction));
        });
    }

    /// A vector that is raised once more while it is taken is either part of what is taken or still there.
    #[test]
    fn what_comes_while_it_is_taken_is_not_lost() {
        loom::model(|| {
            let shared = Rc::new((Interrupts::default(), AtomicU32::new(0)));
            let sender = Rc::clone(&shared);
            let other = thread::spawn(move || {
                for _ in 0..2 {
                    sender.1.fetch_add(1, Relaxed); // a call is posted, then the IPI
                    sender.0.raise(Vector::CallFunction);
                }
            });
            let mut posted = 0;
            if shared.0.take(ALL_VECTORS).is_some() {
                posted = shared.1.swap(0, Relaxed);
            }
            other.join().unwrap();
            if shared.0.take(ALL_VECTORS).is_some() {
                posted += shared.1.swap(0, Relaxed);
            }
            assert_eq!(posted, 2, "the IPI behind the last call was lost");
        });
    }
}
