//! CSD-lock debugging: a caller that waits too long says for which CPU.
//!
//! The part that waits ([`CsdLock::wait`](crate::parts::csd_lock::CsdLock::wait)) knows nothing of this: it is given a [`CsdWaiter`] as
//! its CPU, whose `relax` looks at the time as well.
//!
//! Which call a CPU runs for others is in `state/csd_debug.rs`.
//!
//! In Linux: `kernel/smp.c`, `csd_lock_wait_toolong`, with `CONFIG_CSD_LOCK_WAIT_DEBUG` and `csdlock_debug=1`. Here it
//! differs: it wakes when a report is due, and does not look at the clock in a loop.

use std::cell::Cell;
use std::sync::atomic::Ordering::Relaxed;

use crate::cpumask::CpuId;
use crate::kernel::cpu::Cpu;
use crate::kernel::csd::CallSingleData;
use crate::kernel::{die, nmi};
use crate::parts::call_queue::CsdId;
use crate::parts::csd_lock::CSD_FLAG_LOCK;
use crate::parts::this_cpu::ThisCpu;
use crate::record::Event;
use crate::time::{CSD_LOCK_TIMEOUT_NS, KernelTime};
use crate::vector::Vector;

/// A report is made when *more* than the time-out has passed.
const LATER: u64 = 1;

/// A CPU that waits for a csd, and keeps an eye on the clock.
pub(crate) struct CsdWaiter<'a> {
    cpu: &'a Cpu,
    csd: &'a CallSingleData,
    csd_id: CsdId,
    target: CpuId,
    /// `ts0`: when the wait began.
    began: KernelTime,
    /// When the next report is due.
    due: Cell<KernelTime>,
    /// `bug_id`, 0 before the first report.
    number: Cell<u32>,
    messages: Cell<u64>,
}

impl<'a> CsdWaiter<'a> {
    pub(crate) fn new(cpu: &'a Cpu, csd: &'a CallSingleData, csd_id: CsdId, target: CpuId) -> Self {
        let now = cpu.now();
        CsdWaiter {
            cpu,
            csd,
            csd_id,
            target,
            began: now,
            due: Cell::new(now + CSD_LOCK_TIMEOUT_NS + LATER),
            number: Cell::new(0),
            messages: Cell::new(0),
        }
    }

    /// The wait is over. Says so, if it was reported.
    pub(crate) fn done(&self) {
        if self.number.get() != 0 {
            self.cpu.record(Event::CsdUnstuck { number: self.number.get(), on: self.target });
        }
    }

    /// When the next report is due after a report at `now`: a multiple of 5 s later, which grows from report to report,
    /// and with the number of CPUs.
    fn due_after(&self, now: KernelTime) -> KernelTime {
        let patience = u64::from(self.cpu.shared().nr_online().ilog2()) / 2 + 1;
        now + CSD_LOCK_TIMEOUT_NS * (self.messages.get() + 1) * patience + LATER
    }

    /// In Linux: `csd_lock_wait_toolong`.
    fn report(&self) {
        let (cpu, shared) = (self.cpu, self.cpu.shared());
        let now = cpu.now();
        let first = self.number.get() == 0;
        if first {
            self.number.set(shared.csd_bug_count.count());
        }
        self.messages.set(self.messages.get() + 1);
        let number = self.number.get();
        let waited_ns = now.ns_since(self.began);
        cpu.record(Event::CsdStall {
            number,
            on: self.target,
            first,
            waited_ns,
            func: self.csd.func_name().into(),
        });
        let stall_ms = shared.config.sysctl.panic_on_ipistall_ms;
        if stall_ms > 0 && waited_ns > stall_ms * 1_000_000 {
            die::bug(cpu);
        }
        let other = &shared.per_cpu(self.target).own.current_csd;
        let (handled, prior) = other.get();
        match handled {
            None => cpu.record(Event::CsdUnresponsive { number }),
            Some(csd) if csd == self.csd_id => cpu.record(Event::CsdHandlingThis { number }),
            Some(_) => cpu.record(Event::CsdHandlingPrior { number, func: prior.into() }),
        }
        if other.take_backtrace() {
            nmi::trigger_single_cpu_backtrace(cpu, self.target);
        }
        if handled.is_none() {
            cpu.record(Event::CsdResend { number, to: self.target });
            cpu.send_ipi(self.target, Vector::CallFunction);
        }
        if first {
            cpu.record(Event::DumpStack);
        }
        self.due.set(self.due_after(now));
    }
}

impl ThisCpu for CsdWaiter<'_> {
    fn id(&self) -> CpuId {
        self.cpu.id()
    }

    fn now(&self) -> KernelTime {
        self.cpu.now()
    }

    fn relax(&self) {
        let due = self.due.get();
        self.cpu.relax_until(due);
        let locked = self.csd.flags().load(Relaxed) & CSD_FLAG_LOCK != 0;
        if locked && self.cpu.now() >= due && !std::thread::panicking() {
            self.report();
        }
    }

    fn relax_until(&self, deadline: KernelTime) {
        self.cpu.relax_until(deadline);
    }
}
