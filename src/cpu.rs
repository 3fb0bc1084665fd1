//! One simulated CPU, as the code that runs on it sees it.
//!
//! What only this CPU reads and writes is in `Cell`s here, and [`Cpu`] is not `Sync`; what others see is in
//! [`PerCpu`].
//!
//! In Linux: per-CPU variables (`DEFINE_PER_CPU`), `smp_processor_id()`. Here it differs: kernel code has its CPU in
//! hand and does not ask for it.

use std::cell::Cell;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::*};

use crossbeam_utils::CachePadded;
use crossbeam_utils::atomic::AtomicCell;

use crate::clock::wall::TimerPoll;
use crate::clock::{ClockSource, Waiting};
use crate::flag::Flag;
use crate::irq::Interrupts;
use crate::machine::Shared;
use crate::record::{Event, Symbol};
use crate::task::Task;
use crate::{
    CallFunction, CpuId, HardlockupWatch, Heartbeat, KernelTime, Pid, ThisCpu, Vector, watchdog,
};

/// What other CPUs, and the host, may see of a CPU. What is written often has a cache line of its own, or everybody who
/// looks whether a CPU is online would slow it down.
#[derive(Debug, Default)]
pub(crate) struct PerCpu {
    pub(crate) irq: CachePadded<Interrupts>,
    pub(crate) own: CachePadded<Own>,
    /// See [`crate::hardlockup`].
    pub(crate) hrtimer_interrupts: AtomicU64,
    /// See [`crate::hardlockup`].
    pub(crate) hardlockup_touched: AtomicBool,
    /// See [`crate::nmi`].
    pub(crate) backtrace_wanted: Flag,
    /// Set by the CPU when it comes up and cleared when it stops; read by callers that pick their targets, and by a CPU
    /// that panics.
    pub(crate) online: Flag,
    /// The CPU's thread is over. Written by the CPU, read by the host (Relaxed).
    pub(crate) gone: AtomicBool,
    /// The host's number of the CPU's thread, 0 while unknown. Written by the CPU, read by the host (Relaxed).
    pub(crate) thread: AtomicU64,
}

/// What a CPU writes all the time, and others read rarely.
#[derive(Debug, Default)]
pub(crate) struct Own {
    /// Interruption points passed. Written by the CPU, read by the host (Relaxed): a CPU that runs without passing
    /// any has hung its host thread.
    pub(crate) progress: AtomicU64,
    /// See [`crate::csd_debug`].
    pub(crate) cur_csd: AtomicU32,
    /// See [`crate::csd_debug`].
    pub(crate) cur_csd_func: AtomicCell<Option<&'static CallFunction>>,
    /// See [`crate::csd_debug`].
    pub(crate) trigger_backtrace: AtomicBool,
}

/// One simulated CPU: a thread of its own, and the kernel code on it.
///
/// A reference to it is what kernel code has in hand instead of `smp_processor_id()`. It cannot leave its thread.
pub struct Cpu {
    shared: Arc<Shared>,
    id: CpuId,
    /// Whether a record goes anywhere: into a ring, or to a clock that wants to know what is visible.
    records: bool,
    /// See [`Shared::letters_ring`].
    pub(crate) letters_ring: bool,
    /// When a spinning CPU last looked at its timers, and how often it must.
    timer_poll: TimerPoll,
    pub(crate) preempt_count: Cell<u32>,
    pub(crate) in_irq: Cell<bool>,
    pub(crate) in_nmi: Cell<bool>,
    pub(crate) heartbeat: Cell<Heartbeat>,
    /// The next CPU when this one last looked after it.
    pub(crate) buddy: Cell<Option<CpuId>>,
    /// What this CPU remembers of it.
    pub(crate) buddy_watch: Cell<HardlockupWatch>,
    /// What its perf NMI remembers of this CPU itself.
    pub(crate) perf_watch: Cell<HardlockupWatch>,
    pub(crate) stopper_queued: Cell<bool>,
    /// When the watchdog's timer should have fired; the clock may serve it a tick later.
    pub(crate) timer_expiry: Cell<KernelTime>,
    /// The task that runs, 0 when idle (`swapper`).
    pub(crate) current: Cell<Pid>,
    /// How many oopses are inside each other on the stack of the task that runs.
    pub(crate) nested_oopses: Cell<u32>,
    /// The task that runs is being killed.
    pub(crate) killed: Cell<bool>,
}

impl Cpu {
    pub(crate) fn new(shared: Arc<Shared>, id: CpuId) -> Self {
        let lockstep = matches!(shared.clock, ClockSource::Lockstep(_));
        Cpu {
            records: shared.config.record || lockstep,
            letters_ring: shared.letters_ring(),
            timer_poll: TimerPoll::default(),
            shared,
            id,
            preempt_count: Cell::new(0),
            in_irq: Cell::new(false),
            in_nmi: Cell::new(false),
            heartbeat: Cell::default(),
            buddy: Cell::new(None),
            buddy_watch: Cell::default(),
            perf_watch: Cell::default(),
            stopper_queued: Cell::new(false),
            timer_expiry: Cell::default(),
            current: Cell::new(0),
            nested_oopses: Cell::new(0),
            killed: Cell::new(false),
        }
    }

    /// Comes online and idles for ever; only halting, or a Rust panic in a task, ends it. In Linux:
    /// `secondary_start_kernel`, `cpu_startup_entry`.
    pub(crate) fn start(&self, tasks: Vec<Task>) -> Infallible {
        self.shared.check_halt();
        self.per_cpu().own.trigger_backtrace.store(true, Relaxed);
        self.per_cpu().online.set();
        self.record(Event::Online);
        watchdog::watchdog_enable(self);
        self.idle_loop(tasks)
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(crate) fn per_cpu(&self) -> &PerCpu {
        self.shared.per_cpu(self.id)
    }

    pub(crate) fn irq(&self) -> &Interrupts {
        &self.per_cpu().irq
    }

    /// How many times the watchdog sampled `cpu`. In Linux: `per_cpu(hrtimer_interrupts, cpu)`.
    ///
    /// # Panics
    /// If the machine has no such CPU.
    pub fn hrtimer_interrupts(&self, cpu: CpuId) -> u64 {
        self.shared.per_cpu(cpu).hrtimer_interrupts.load(Relaxed)
    }

    /// How many CPUs the machine has. In Linux: `nr_cpu_ids`.
    pub fn nr_cpus(&self) -> u32 {
        self.shared.config.nr_cpus
    }

    /// Writes one record, stamped with this CPU and now. Waits for nobody, so that it can be called with any lock held
    /// and interrupts off.
    #[inline(always)]
    pub(crate) fn record(&self, event: Event) {
        if self.records {
            self.record_now(event);
        }
    }

    #[inline(never)]
    fn record_now(&self, event: Event) {
        self.record_at(self.now(), event);
    }

    /// [`record`](Cpu::record), stamped with the time at which something was decided.
    pub(crate) fn record_at(&self, time: KernelTime, event: Event) {
        if self.shared.is_halting() {
            return; // destructors of what is being unwound have nothing to tell
        }
        if event.is_visible() {
            self.shared.clock.something_visible();
        }
        self.shared.recorder.record(self.id, time, event);
    }

    /// Prints a line, as kernel code does. In Linux: `pr_info`.
    pub fn printk(&self, text: impl Into<Symbol>) {
        self.record(Event::Printk { text: text.into() });
    }

    /// Opens the stack frame of a kernel function; it stands in call traces until the guard ends.
    pub fn frame(&self, func: impl Into<Symbol>) -> Frame<'_> {
        let func = self.records.then(|| func.into());
        if let Some(func) = &func {
            self.record(Event::Enter { func: func.clone() });
        }
        Frame { cpu: self, func }
    }

    /// Opens several frames, the outermost first.
    pub(crate) fn frames(&self, funcs: &'static [&'static str]) -> Frames<'_> {
        for &func in funcs {
            self.record(Event::Enter { func: func.into() });
        }
        Frames { cpu: self, funcs }
    }

    /// Makes `vector` pending on `target` and lets it know; or does not, if this is the IPI that gets lost
    /// ([`Config::lose_ipi`](crate::Config::lose_ipi)).
    pub(crate) fn send_ipi(&self, target: CpuId, vector: Vector) {
        self.record(Event::IpiSend { to: target, vector });
        if self.shared.loses_ipi(target, vector) {
            return;
        }
        let irq = &self.shared.per_cpu(target).irq;
        irq.raise(vector);
        self.shared.clock.kick(target, irq);
    }

    /// Sleeps until an interrupt that this CPU accepts has been taken, or until `deadline`. In Linux: WFI.
    pub fn wait_for_interrupt(&self, deadline: Option<KernelTime>) {
        self.wait(Waiting { looks: false, deadline });
    }

    /// Switches the whole machine off. In Linux: `machine_power_off`. The calling code, and every other CPU at its
    /// next interruption point, is unwound; so this comes back only to a destructor that runs while that happens.
    pub fn power_off(&self) {
        self.record(Event::PowerOff);
        self.shared.halt();
        self.shared.check_halt();
    }

    /// Every wait but a [`look`](Self::look) in wall-clock time: an interruption point, then the clock, then an interruption point.
    fn wait(&self, waiting: Waiting) {
        self.shared.check_halt();
        self.check_killed();
        if self.take_interrupts() {
            return;
        }
        self.shared.clock.wait(&self.shared, self.id, waiting, self.accepts());
        self.shared.check_halt();
        self.take_interrupts();
    }

    /// Waits for something that another CPU may change. In wall-clock time that is to spin: to look around, as quickly
    /// as can be, and let the caller look again.
    fn look(&self, deadline: Option<KernelTime>) {
        let ClockSource::Wall(clock) = &self.shared.clock else {
            return self.wait(Waiting { looks: true, deadline });
        };
        self.shared.check_halt();
        self.check_killed();
        let poll_timers = || {
            if self.timer_poll.is_due() {
                self.timer_poll.polled(clock.poll_timer(self.id, self.irq()));
            }
        };
        if !self.take_interrupts_after(poll_timers) {
            self.shared.progress(self.id);
            clock.spin();
        }
    }
}

impl ThisCpu for Cpu {
    fn id(&self) -> CpuId {
        self.id
    }

    fn now(&self) -> KernelTime {
        self.shared.clock.now()
    }

    fn relax(&self) {
        self.look(None);
    }

    fn relax_until(&self, deadline: KernelTime) {
        self.look(Some(deadline));
    }
}

/// An open stack frame.
#[must_use = "the frame is closed when the guard is dropped"]
pub struct Frame<'a> {
    cpu: &'a Cpu,
    /// `None` if nothing is recorded.
    func: Option<Symbol>,
}

impl Drop for Frame<'_> {
    fn drop(&mut self) {
        if let Some(func) = self.func.take() {
            self.cpu.record(Event::Exit { func });
        }
    }
}

/// Several open stack frames.
#[must_use = "the frames are closed when the guard is dropped"]
pub(crate) struct Frames<'a> {
    cpu: &'a Cpu,
    funcs: &'static [&'static str],
}

impl Drop for Frames<'_> {
    fn drop(&mut self) {
        for &func in self.funcs.iter().rev() {
            self.cpu.record(Event::Exit { func: func.into() });
        }
    }
}
