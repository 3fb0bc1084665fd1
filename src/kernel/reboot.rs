//! Switching the machine off, and restarting it: each stops the other CPUs first, as well as it can.
//!
//! In Linux: `kernel/reboot.c`, `kernel_power_off`, `kernel_restart`, `emergency_restart`;
//! `arch/arm64/kernel/process.c`, `machine_power_off`, `machine_restart`; x86's `native_machine_shutdown`.
//! Here it differs: a machine that restarts is over, too. And the task that goes down stays where it is: in Linux it
//! moves to CPU 0 first (`migrate_to_reboot_cpu`), and never gets there if CPU 0 takes no interrupts.

use crate::kernel::cpu::Cpu;
use crate::kernel::stop::{self, System};
use crate::kernel::{irq, preempt};
use crate::parts::this_cpu::ThisCpu;
use crate::record::Event;

impl Cpu {
    /// Switches the whole machine off: `reboot: Power down`. Every other CPU is asked to stop; if one does not within a
    /// second, arm64 says so. Then the calling code, and every other CPU at its next interruption point, is unwound; so
    /// this comes back only to a destructor that runs while that happens. In Linux: `kernel_power_off`.
    pub fn power_off(&self) {
        self.go_down(Event::PowerOff);
    }

    /// Restarts the whole machine, and so ends this one: `reboot: Restarting system`. Otherwise as
    /// [`power_off`](Self::power_off). In Linux: `kernel_restart`.
    pub fn restart(&self) {
        self.go_down(Event::Restart);
    }

    fn go_down(&self, how: Event) {
        let shared = self.shared();
        if shared.is_halting() || std::thread::panicking() {
            // A destructor runs: it may not wait.
            self.record(how);
            shared.halt();
            return shared.check_halt();
        }
        // `system_transition_mutex`: one CPU at a time; the other is stopped while it waits.
        while !shared.panic.goes_down_first() {
            self.relax();
        }
        self.record(how);
        let _irq = irq::disable_local(self);
        let _preempt = preempt::disable(self);
        stop::smp_send_stop(self, System::GoingDown);
        shared.halt();
        shared.unwind()
    }
}

/// Restarts after a panic. arm64 asks the CPUs once more to stop: before 6.12 a CPU that did not stop is named again. In
/// Linux: `emergency_restart`, `machine_emergency_restart`.
pub(crate) fn emergency_restart(cpu: &Cpu) -> ! {
    let kernel = cpu.shared().config.kernel;
    let system = if kernel.emergency_is_a_restart() { System::GoingDown } else { System::Running };
    if !kernel.is_x86() {
        stop::smp_send_stop(cpu, system);
    }
    cpu.shared().halt();
    cpu.shared().unwind()
}
