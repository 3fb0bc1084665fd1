//! `panic()`: the kernel gives up, stops the other CPUs as well as it can, says which it could not stop, and restarts if
//! it was told to.
//!
//! Which CPU panics is in `state/panic.rs`.
//!
//! In Linux: `kernel/panic.c`.
//! Here it differs: there is no crash kernel; a machine that is not to restart is switched off when everything is
//! printed.

use crate::kernel::cpu::Cpu;
use crate::kernel::stop::{self, System};
use crate::kernel::{hardlockup, irq, preempt, reboot};
use crate::parts::this_cpu::ThisCpu;
use crate::record::Event;
use crate::time::NSEC_PER_SEC;

/// `PANIC_TIMER_STEP`: so often a CPU that counts down to its restart touches its watchdogs.
const PANIC_TIMER_STEP_NS: u64 = NSEC_PER_SEC / 10;

/// `Kernel panic - not syncing: …`, and the end of this machine.
pub(crate) fn panic(cpu: &Cpu, reason: &'static str) -> ! {
    let _frame = cpu.frame("panic");
    let _irq = irq::disable_local(cpu);
    let _preempt = preempt::disable(cpu);
    let shared = cpu.shared();
    if !shared.panic.is_first(cpu.id()) {
        stop::stop_here(cpu); // panic_smp_self_stop
    }
    cpu.record(Event::Panic { reason: reason.into() });
    stop::smp_send_stop(cpu, System::Running);
    let timeout_secs = shared.config.sysctl.panic_timeout_secs;
    count_down(cpu, timeout_secs);
    if timeout_secs != 0 {
        reboot::emergency_restart(cpu);
    }
    cpu.record(Event::PanicEnd { reason: reason.into() });
    shared.halt();
    shared.unwind()
}

/// `Rebooting in 5 seconds..`, and so long nothing. Nothing is said or waited for if the restart is to come at once.
fn count_down(cpu: &Cpu, timeout_secs: i32) {
    let Ok(secs @ 1..) = u32::try_from(timeout_secs) else { return };
    cpu.record(Event::RebootingIn { secs });
    let over = cpu.now() + u64::from(secs) * NSEC_PER_SEC;
    while cpu.now() < over {
        hardlockup::touch_nmi_watchdog(cpu);
        let step = over.min(cpu.now() + PANIC_TIMER_STEP_NS);
        while cpu.now() < step {
            cpu.relax_until(step);
        }
    }
}
