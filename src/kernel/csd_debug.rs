//! CSD-lock debugging: a caller that waits too long says for which CPU.
//!
//! The part that waits ([`CsdLock::wait`](crate::parts::csd_lock::CsdLock::wait)) knows nothing of this: it is given a
//! [`CsdWaiter`] as its CPU, whose `relax` looks at the time as well.
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
use crate::kernel::printk::{self, Serialised};
use crate::kernel::{die, nmi};
use crate::parts::call_queue::CsdId;
use crate::parts::csd_lock::CSD_FLAG_LOCK;
use crate::parts::csd_stall::CsdStall;
use crate::parts::this_cpu::ThisCpu;
use crate::record::Event;
use crate::time::KernelTime;
use crate::vector::Vector;

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
        let began = cpu.now();
        let waiter = CsdWaiter {
            cpu,
            csd,
            csd_id,
            target,
            began,
            due: Cell::new(began),
            number: Cell::new(0),
            messages: Cell::new(0),
        };
        waiter.set_due(None);
        waiter
    }

    /// The wait is over. Says so, if it was reported.
    pub(crate) fn done(&self) {
        if self.number.get() != 0 {
            self.cpu.record(Event::CsdUnstuck { number: self.number.get(), on: self.target });
        }
    }

    /// Asks when the next report is due.
    fn set_due(&self, reported: Option<KernelTime>) {
        let shared = self.cpu.shared();
        let (began, reports, nr_online) = (self.began, self.messages.get(), shared.nr_online());
        let stall = CsdStall { began, reported, reports, nr_online };
        self.due.set(shared.stall_detector.due(&stall));
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
        if other.take_backtrace() && !nmi::trigger_single_cpu_backtrace(cpu, self.target) {
            nmi::dump_cpu_task(cpu, self.target);
        }
        if handled.is_none() {
            cpu.record(Event::CsdResend { number, to: self.target });
            cpu.send_ipi(self.target, Vector::CallFunction);
        }
        if first {
            let _report = printk::cpu_sync_get(cpu, Serialised::Backtrace);
            cpu.record(Event::DumpStack);
        }
        self.set_due(Some(now));
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
