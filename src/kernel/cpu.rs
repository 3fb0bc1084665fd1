//! One simulated CPU, as the code that runs on it sees it.
//!
//! What only this CPU reads and writes lies in [`Cpu`], which is not `Sync`; what others see lies in `percpu.rs`.
//!
//! In Linux: `smp_processor_id()`, `this_cpu_ptr`. Here it differs: kernel code is given its CPU and does not ask for
//! it.

use std::fmt;
use std::sync::Arc;

use crate::cpumask::CpuId;
use crate::hardware::clock::ClockSource;
use crate::hardware::clock::clocked::Waiting;
use crate::hardware::clock::wall::TimerPoll;
use crate::hardware::interrupts::Interrupts;
use crate::kernel::percpu::PerCpu;
use crate::kernel::shared::Shared;
use crate::kernel::state::hardlockup::HardlockupMemory;
use crate::kernel::state::heartbeat::HeartbeatState;
use crate::kernel::state::preempt::PreemptState;
use crate::kernel::state::task::TaskState;
use crate::parts::this_cpu::ThisCpu;
use crate::record::{Event, Record, Symbol};
use crate::time::KernelTime;
use crate::vector::Vector;

/// One simulated CPU: a thread of its own, and the kernel code on it.
///
/// A reference to it is what kernel code has in hand instead of `smp_processor_id()`. It cannot leave its thread.
pub struct Cpu {
    shared: Arc<Shared>,
    id: CpuId,
    /// Whether a record goes anywhere: into a ring, or to a clock that wants to know what is visible.
    records: bool,
    /// When a spinning CPU last looked at its timers, and how often it must.
    timer_poll: TimerPoll,
    pub(crate) preempt: PreemptState,
    pub(crate) task: TaskState,
    pub(crate) watchdog: HeartbeatState,
    pub(crate) hardlockup: HardlockupMemory,
}

impl Cpu {
    pub(crate) fn new(shared: Arc<Shared>, id: CpuId) -> Self {
        let lockstep = matches!(shared.clock, ClockSource::Lockstep(_));
        Cpu {
            records: shared.config.record || lockstep || shared.uart.is_some(),
            timer_poll: TimerPoll::default(),
            shared,
            id,
            preempt: PreemptState::default(),
            task: TaskState::default(),
            watchdog: HeartbeatState::default(),
            hardlockup: HardlockupMemory::default(),
        }
    }

    /// A part has come back that could wait. If it caught what was to unwind this CPU (the machine halts, or its task is
    /// killed), the unwinding goes on here.
    pub(crate) fn after_part(&self) {
        self.shared.check_halt();
        self.check_killed();
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
        self.shared.per_cpu(cpu).hrtimer_interrupts.get()
    }

    /// How many CPUs the machine has. In Linux: `nr_cpu_ids`.
    pub fn nr_cpus(&self) -> u32 {
        self.shared.config.nr_cpus
    }

    /// Writes one record, stamped with this CPU and now. Waits for no lock of the machine, so that it can be called with
    /// any of them held and interrupts off. If it prints something and printing takes time, the CPU is busy with that for so
    /// long; how long, it asks under a lock of the host (see [`Uart`](crate::hardware::uart::Uart)).
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
            return; // destructors that run while frames are unwound record nothing
        }
        if event.is_visible() {
            self.shared.clock.something_visible();
        }
        let Some(uart) = &self.shared.uart else {
            return self.shared.recorder.record(self.id, time, event);
        };
        let record = Record { seq: 0, time, cpu: self.id, event };
        let ns = uart.duration_ns(&record);
        self.shared.recorder.record(self.id, time, record.event);
        self.console_write(uart, ns);
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

    /// Makes `vector` pending on `target` and lets `target` know. Does neither if this is the IPI that gets lost
    /// ([`Config::lose_ipi`](crate::Config::lose_ipi)).
    pub(crate) fn send_ipi(&self, target: CpuId, vector: Vector) {
        self.record(Event::IpiSend { to: target, vector });
        if self.shared.ipi_loss.takes(target, vector, || self.now()) {
            return;
        }
        self.shared.per_cpu(target).irq.raise(vector);
        self.kick(target);
    }

    /// Lets `target` know that something interrupts it.
    pub(crate) fn kick(&self, target: CpuId) {
        self.shared.clock.kick(target, &self.shared.per_cpu(target).irq);
    }

    /// Sleeps until an interrupt that this CPU accepts has been taken, or until `deadline`. In Linux: WFI.
    pub fn wait_for_interrupt(&self, deadline: Option<KernelTime>) {
        self.wait(Waiting { looks: false, deadline });
    }

    /// Every wait but a [`look`](Self::look) in wall-clock time: an interruption point, then the clock, then another
    /// interruption point.
    fn wait(&self, waiting: Waiting) {
        self.shared.check_halt();
        self.check_killed();
        if self.take_interrupts() {
            return;
        }
        self.shared.clock.wait(&*self.shared, self.id, waiting, self.accepts());
        self.shared.check_halt();
        self.take_interrupts();
    }

    /// Waits for something that another CPU may change. In wall-clock time the CPU spins: it takes its interrupts, as
    /// quickly as it can, and lets the caller look again.
    fn look(&self, deadline: Option<KernelTime>) {
        let ClockSource::Wall(clock) = &self.shared.clock else {
            return self.wait(Waiting { looks: true, deadline });
        };
        self.shared.check_halt();
        self.check_killed();
        let poll_timers = || {
            if self.timer_poll.is_due() {
                self.timer_poll.polled(clock.poll_timer(&*self.shared, self.id));
            }
        };
        if !self.take_interrupts_after(poll_timers) {
            self.per_cpu().own.progress.count();
            clock.spin();
        }
    }
}

impl fmt::Debug for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cpu").field("id", &self.id).finish_non_exhaustive()
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
#[derive(Debug)]
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
