//! Printing takes time, and a report may have the console for itself.
//!
//! Both only with [`Config::console_time`](crate::Config::console_time): without it a report is over in no time, and
//! there is nothing to wait for.
//!
//! In Linux: `kernel/printk/printk.c`, `console_unlock`, `printk_cpu_sync_get_irqsave`.
//! Here it differs: the CPU that prints writes its own lines, and waits while another CPU's lines are written. In Linux
//! the CPU that has the console also writes what others have stored meanwhile, until one of them takes over.

use crate::hardware::uart::Uart;
use crate::kernel::cpu::Cpu;
use crate::kernel::state::printk::CpuSync;
use crate::parts::this_cpu::ThisCpu;
use crate::version::Kernel;

/// Begins a report that no other CPU's report interrupts, on kernels that serialise `what`: this CPU waits for the other
/// one's end. In Linux: `printk_cpu_sync_get_irqsave`.
pub(crate) fn cpu_sync_get<'a>(cpu: &'a Cpu, what: Serialised) -> Option<CpuSyncGuard<'a>> {
    let config = &cpu.shared().config;
    if config.console_time.is_none() || !what.is_serialised_by(config.kernel) {
        return None;
    }
    let sync = &cpu.shared().printk_cpu_sync;
    loop {
        match sync.try_get(cpu.id()) {
            CpuSync::Got => return Some(CpuSyncGuard { cpu }),
            CpuSync::Nested => return None,
            CpuSync::Busy => cpu.relax(),
        }
    }
}

/// A kind of report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Serialised {
    /// `watchdog_timer_fn`'s: from 6.8 on. (`watchdog_hardlockup_check` prints its headline without it.)
    Lockup,
    /// `nmi_cpu_backtrace`'s and `dump_stack`'s: always, by this lock or by an older one.
    Backtrace,
}

impl Serialised {
    fn is_serialised_by(self, kernel: Kernel) -> bool {
        match self {
            Serialised::Lockup => kernel == Kernel::Arm64V6_12,
            Serialised::Backtrace => true,
        }
    }
}

/// Proof that this CPU's report is not interrupted.
#[derive(Debug)]
#[must_use = "the next CPU's report begins when the guard is dropped"]
pub(crate) struct CpuSyncGuard<'a> {
    cpu: &'a Cpu,
}

impl Drop for CpuSyncGuard<'_> {
    fn drop(&mut self) {
        self.cpu.shared().printk_cpu_sync.put();
        self.cpu.shared().clock.something_visible();
    }
}

impl Cpu {
    /// Writes to the serial line for `ns` nanoseconds, as soon as it is free; with interrupts off, as drivers do. Only an
    /// NMI interrupts it.
    pub(crate) fn console_write(&self, uart: &Uart, ns: u64) {
        if ns == 0 || std::thread::panicking() {
            return;
        }
        let end = uart.send(self.now(), ns);
        let were_off = self.irq().save();
        while self.now() < end && !self.shared().is_halting() {
            self.wait_for_interrupt(Some(end));
        }
        self.irq().restore(were_off);
    }
}
