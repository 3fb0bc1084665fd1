//! `die`: reporting an oops. The place where the article's CPU0 stops.
//!
//! It disables interrupts, takes `die_lock`, and *then* asks the notifiers. If a notifier oopses in turn, `die` is
//! entered again on the same CPU.
//!
//! What it counts is in `state/die.rs`.
//!
//! In Linux: `arch/arm64/kernel/traps.c`, `die`, `__die`; `arch/arm64/mm/fault.c`, `die_kernel_fault`;
//! `arch/x86/kernel/dumpstack.c`, `oops_begin`, `oops_end`; `arch/x86/mm/fault.c`, `page_fault_oops`.
//! Here it differs: no crash kernel is tried, the console's level is left alone, and the lock is a part, which may
//! nest.

use crate::config::causes::Ablation;
use crate::config::console::PrintOrder;
use crate::kernel::cpu::Cpu;
use crate::kernel::notifier::notify_die;
use crate::kernel::{irq, panic, preempt, task};
use crate::parts::die_chain::Notify;
use crate::record::Event;

/// Reports an oops with the syndrome `esr`, and kills the task unless a notifier says [`Notify::Stop`]. (On arm64 the
/// fault path then kills it all the same.) In Linux: arm64's `die`.
// ANCHOR: die
pub(crate) fn die(cpu: &Cpu, esr: u32) {
    let _frame = cpu.frame("die");
    let shared = cpu.shared();
    let irq = disable_interrupts(cpu);
    let preempt = preempt::disable(cpu);
    lock(cpu);
    header(cpu, esr);
    let answer = match shared.config.print_order {
        PrintOrder::Stock => {
            let answer = notify_die(cpu);
            if answer != Notify::Stop {
                cpu.record(Event::ShowRegs);
            }
            answer
        }
        PrintOrder::Vendor => {
            cpu.record(Event::ShowRegs);
            notify_die(cpu)
        }
    };
    cpu.record(Event::OopsEnd);
    panic_if_fatal(cpu);
    unlock(cpu);
    drop(preempt);
    drop(irq);
    if answer != Notify::Stop {
        task::do_exit(cpu);
    }
}
// ANCHOR_END: die

/// x86's: the lock comes before the first line, the registers before the notifiers, and the lock is given back before
/// the kernel decides whether to panic. In Linux: `oops_begin`, `show_fault_oops`, `__die`, `oops_end`.
pub(crate) fn x86_oops(cpu: &Cpu, fault: Option<Event>, error_code: u32) {
    let irq = disable_interrupts(cpu);
    {
        let _frame = cpu.frame("oops_begin");
        lock(cpu);
    }
    let oopses = &cpu.shared().die;
    oopses.oops_begins();
    fault.into_iter().for_each(|fault| cpu.record(fault));
    let answer = {
        let _frame = cpu.frame("__die_body");
        header(cpu, error_code);
        cpu.record(Event::ShowRegs);
        notify_die(cpu)
    };
    oopses.oops_ends();
    unlock(cpu);
    drop(irq);
    cpu.record(Event::OopsEnd);
    if answer != Notify::Stop {
        panic_if_fatal(cpu);
        task::do_exit(cpu);
    }
}

fn disable_interrupts(cpu: &Cpu) -> Option<irq::DisabledLocalIrqGuard<'_>> {
    let leave_on = cpu.shared().config.ablate == Some(Ablation::IrqsOnInDie);
    (!leave_on).then(|| irq::disable_local(cpu))
}

/// Takes `die_lock`.
fn lock(cpu: &Cpu) {
    let shared = cpu.shared();
    cpu.record(Event::DieLock);
    let depth = {
        let _frame = cpu.frame(shared.config.kernel.spin_lock_slowpath());
        shared.die_lock.lock(cpu)
    };
    cpu.after_part();
    cpu.record(Event::DieLockHeld { depth });
}

/// `Internal error: Oops`, or `Oops:`.
fn header(cpu: &Cpu, esr: u32) {
    let count = cpu.shared().die.count();
    cpu.record(Event::Oops { count, esr });
}

fn unlock(cpu: &Cpu) {
    cpu.record(Event::DieUnlock);
    cpu.shared().die_lock.unlock(cpu);
}

/// Panics after an oops in a handler, where the kernel cannot go on; and with `panic_on_oops`.
fn panic_if_fatal(cpu: &Cpu) {
    let config = &cpu.shared().config;
    if cpu.preempt.in_handler() {
        panic::panic(cpu, config.kernel.fatal_exception_in_interrupt());
    }
    if config.sysctl.panic_on_oops {
        panic::panic(cpu, config.kernel.fatal_exception());
    }
}

/// `BUG()`: the kernel found itself in an impossible state. It enters the report of an oops, and so takes the same
/// lock. Comes back if a notifier says [`Notify::Stop`]: then the kernel goes on after it. In Linux: `bug_handler`;
/// x86's `handle_invalid_op`.
pub(crate) fn bug(cpu: &Cpu) {
    /// `ESR_EL1` of the BRK instruction that `BUG()` is.
    const BRK_ESR: u32 = 0x3c << 26 | 1 << 25 | 0x800;
    let kernel = cpu.shared().config.kernel;
    let _frames = cpu.frames(kernel.bug());
    cpu.record(Event::Bug);
    if kernel.is_x86() { x86_oops(cpu, None, 0) } else { die(cpu, BRK_ESR) }
}
