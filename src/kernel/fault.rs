//! Faults: a kernel pointer that leads nowhere, and a page that user space executes for the first time.
//!
//! In Linux: `arch/arm64/mm/fault.c`, `do_mem_abort` and on to `die_kernel_fault`; `arch/arm64/mm/flush.c`,
//! `sync_icache_aliases`.
//! Here it differs: a fault is an explicit call, and only the frames of its path are modelled. That an exec fault
//! interrupts every CPU is 4.19's regression (3b8c9f1cdfc5, mended by 132fdc379eb1), not a law of nature.

use crate::kernel::cpu::Cpu;
use crate::kernel::die::{die, x86_oops};
use crate::kernel::smp::kick_all_cpus_sync;
use crate::kernel::task::do_exit;
use crate::kernel::{irq, panic, preempt};
use crate::parts::this_cpu::ThisCpu;
use crate::record::Event;

/// What the faulting instruction did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It loaded.
    Read,
    /// It stored.
    Write,
}

/// `ESR_EL1` of a data abort taken in the kernel, at translation level 0 (4 KiB pages, 48-bit addresses): exception
/// class 0x25, a 32-bit instruction, and the WnR bit.
const fn data_abort_esr(access: Access) -> u32 {
    let write_not_read = match access {
        Access::Read => 0,
        Access::Write => 1 << 6,
    };
    0x25 << 26 | 1 << 25 | write_not_read | 0x04
}

/// How many oopses fit inside each other on a kernel stack of 16 KiB (`THREAD_SIZE`): as many as a real x86-64 kernel
/// reported before it fell silent.
pub const MAX_NESTED_OOPSES: u32 = 31;

impl Cpu {
    /// Dereferences `addr`, where nothing is mapped: the kernel oopses. The task dies here, or the CPU hangs, or the
    /// machine panics. This comes back on x86 if a notifier spares the task
    /// ([`Notify::Stop`](crate::parts::die_chain::Notify::Stop)); and to a destructor that runs while frames are unwound,
    /// where it does nothing.
    pub fn null_deref(&self, access: Access, addr: u64) {
        if std::thread::panicking() {
            return;
        }
        let _frames = self.frames(self.shared().config.kernel.kernel_fault());
        self.task.set_nested_oopses(self.task.nested_oopses() + 1);
        if self.task.nested_oopses() > MAX_NESTED_OOPSES {
            self.stack_overflow();
        }
        let write = access == Access::Write;
        if self.shared().config.kernel.is_x86() {
            let error_code = u32::from(write) << 1; // a kernel access to a page that is not present
            let fault = Event::Fault { addr, write, esr: error_code };
            x86_oops(self, Some(fault), error_code);
            self.task.set_nested_oopses(self.task.nested_oopses() - 1); // spared
            return;
        }
        let esr = data_abort_esr(access);
        let oopses = &self.shared().die;
        oopses.oops_begins();
        self.record(Event::Fault { addr, write, esr });
        die(self, esr);
        // Only if a notifier stopped `die` from killing the task. After any other oops the count stays up for ever.
        oopses.oops_ends();
        do_exit(self)
    }

    /// The stack is spent. arm64 notices and panics (`handle_bad_stack`); on x86 the double fault oopses in turn, and
    /// nothing more is heard of the CPU.
    fn stack_overflow(&self) -> ! {
        if self.shared().config.kernel.is_x86() {
            let _irq = irq::disable_local(self);
            loop {
                self.relax();
            }
        }
        self.printk("Insufficient stack space to handle exception!");
        panic::panic(self, "kernel stack overflow")
    }

    /// User space executes a page for the first time: with the page table locked, every CPU is interrupted and waited
    /// for. In Linux: `do_page_fault`, `__sync_icache_dcache`, `kick_all_cpus_sync`.
    // ANCHOR: exec_fault
    pub fn exec_fault(&self) {
        let (to_the_lock, under_the_lock) = self.shared().config.kernel.exec_fault();
        let _frames = self.frames(to_the_lock);
        let _pte_lock = preempt::disable(self);
        let _frames = self.frames(under_the_lock);
        kick_all_cpus_sync(self);
    }
    // ANCHOR_END: exec_fault
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_syndromes_are_the_articles() {
        assert_eq!(data_abort_esr(Access::Write), 0x9600_0044);
        assert_eq!(data_abort_esr(Access::Read), 0x9600_0004);
    }
}
