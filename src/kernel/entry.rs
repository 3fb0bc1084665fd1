//! Where an interrupt comes in: what each vector runs.
//!
//! No file imports this one: the machine's interruption points reach it as hardware reaches a vector table.
//!
//! In Linux: `arch/arm64/kernel/entry.S`, `entry-common.c`.

use crate::kernel::cpu::Cpu;
use crate::kernel::shared::Shared;
use crate::kernel::{hardlockup, nmi, rcu, rcu_stall, smp, stop, sysctl, watchdog};
use crate::parts::this_cpu::ThisCpu;
use crate::record::Event;
use crate::vector::{NMI_VECTORS, Vector};

/// A CPU that is called without end looks at its timers, and lets its stopper run, after this many interrupts.
const MAX_INTERRUPTS: u32 = 64;

impl Cpu {
    /// An interruption point: takes every pending interrupt that this CPU accepts, then lets the stopper run. Returns
    /// whether there was any. Does nothing while frames are unwound: a handler that had to unwind in turn would abort
    /// the process.
    pub(crate) fn take_interrupts(&self) -> bool {
        let shared = self.shared();
        self.take_interrupts_after(|| shared.clock.poll_timer(shared, self.id()))
    }

    /// The same; `poll_timers` makes this CPU's timers pending if they are due.
    // ANCHOR: interruption-point
    pub(crate) fn take_interrupts_after(&self, poll_timers: impl FnOnce()) -> bool {
        poll_timers();
        if self.shared().is_halting() || std::thread::panicking() {
            return false;
        }
        let mut taken = 0;
        while taken < MAX_INTERRUPTS
            && let Some(vector) = self.next_interrupt()
        {
            self.handle(vector);
            taken += 1;
        }
        if self.preempt.need_resched() {
            self.preempt_check();
            if self.is_preemptible() && self.preempt.take_work() {
                sysctl::do_posted_work(self);
            }
        }
        taken > 0
    }
    // ANCHOR_END: interruption-point

    /// Takes out what interrupts this CPU now: a pending bit, or a letter that rings by itself.
    fn next_interrupt(&self) -> Option<Vector> {
        let accepts = self.accepts();
        let calls = accepts & Vector::CallFunction.bit() != 0;
        let Shared { call_queues, csds, .. } = self.shared();
        match call_queues.bell(self.id()) {
            Some(mailbox) if calls && !self.irq().has(accepts) => {
                mailbox.take_ringing(csds).then_some(Vector::CallFunction)
            }
            _ => self.irq().take(accepts),
        }
    }

    /// Runs one handler, with interrupts off by hardware. A handler may wait. Only an NMI interrupts it: else a timer
    /// would nest in a timer.
    fn handle(&self, vector: Vector) {
        let is_nmi = vector.bit() & NMI_VECTORS != 0 && self.shared().config.has_nmi();
        self.preempt.set_in_handler(is_nmi, true);
        let were_off = self.irq().save();
        self.per_cpu().own.progress.count();
        self.record(Event::IrqEnter { vector });
        // The tick looks at what it interrupts.
        let leaves_eqs = vector != Vector::Tick && rcu::irq_enter(self);
        match vector {
            Vector::Timer => watchdog::watchdog_timer_fn(self),
            Vector::CallFunction => smp::flush_smp_call_function_queue(self),
            Vector::Backtrace => nmi::nmi_cpu_backtrace(self),
            Vector::Tick => rcu_stall::rcu_sched_clock_irq(self),
            Vector::Perf => hardlockup::watchdog_overflow_callback(self),
            Vector::Reschedule => self.preempt.queue_work(),
            Vector::Stop | Vector::StopNmi => stop::local_cpu_stop(self),
        }
        if leaves_eqs {
            rcu::eqs_enter(self);
        }
        self.record(Event::IrqExit { vector });
        self.irq().restore(were_off);
        self.preempt.set_in_handler(is_nmi, false);
    }
}
