//! Turning interrupts off, and the guard that turns them back. The flag itself, and what is pending behind it, are a part:
//! `parts/irq_state.rs`.
//!
//! In Linux: `include/linux/irqflags.h`.
//! Here it differs: an interrupt is taken at an *interruption point* (in `relax`, when the guard ends, when idle) and
//! nowhere else. That stands for "between two instructions".

use std::marker::PhantomData;

use crate::hardware::interrupts::ALL_VECTORS;
use crate::kernel::cpu::Cpu;
use crate::record::Event;
use crate::vector::NMI_VECTORS;

/// Whether this CPU's interrupts are off. In Linux: `irqs_disabled()`.
pub fn irqs_disabled(cpu: &Cpu) -> bool {
    cpu.irq().is_off()
}

/// Turns this CPU's interrupts off until the guard ends, which turns them back to what they were and takes what
/// became pending meanwhile. In Linux: `local_irq_save`, `local_irq_restore`.
pub fn disable_local(cpu: &Cpu) -> DisabledLocalIrqGuard<'_> {
    let already = irqs_disabled(cpu);
    let were_off = cpu.irq().save();
    cpu.task.irqs_saved();
    // What the records say is what the flag shows, whatever the part answers.
    if !already && irqs_disabled(cpu) {
        cpu.record(Event::IrqsOff);
    }
    DisabledLocalIrqGuard { cpu, were_off, _not_send: PhantomData }
}

/// Proof that this CPU's interrupts are off. Stays on its CPU:
///
/// ```compile_fail
/// fn is_send<T: Send>() {}
/// is_send::<softlockup::kernel::irq::DisabledLocalIrqGuard<'static>>();
/// ```
///
/// While a task is being killed the guard does nothing: the kernel restores no flags on a stack it throws away.
#[derive(Debug)]
#[must_use = "interrupts come on again when the guard is dropped"]
pub struct DisabledLocalIrqGuard<'a> {
    cpu: &'a Cpu,
    were_off: bool,
    _not_send: PhantomData<*const ()>,
}

impl Drop for DisabledLocalIrqGuard<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            restore(self.cpu, self.were_off);
        }
    }
}

/// In Linux: `local_irq_restore`.
fn restore(cpu: &Cpu, were_off: bool) {
    let masked = irqs_disabled(cpu);
    let on = cpu.irq().restore(were_off);
    cpu.task.irqs_restored();
    if masked && !irqs_disabled(cpu) {
        cpu.record(Event::IrqsOn);
    }
    if on {
        cpu.take_interrupts();
    }
}

/// Turns interrupts on, whatever is on the stack that a task left behind: restores every save of it, the last one first.
/// In Linux: `local_irq_enable`.
pub(crate) fn enable_local(cpu: &Cpu) {
    while cpu.task.saved_irqs() > 0 {
        restore(cpu, cpu.task.saved_irqs() > 1);
    }
}

impl Cpu {
    /// Which vectors would be taken now: everything; or, with interrupts off or inside a handler, NMIs only.
    // ANCHOR: accepts
    pub(crate) fn accepts(&self) -> u32 {
        let nmi = if self.shared().config.has_nmi() { NMI_VECTORS } else { 0 };
        match (self.preempt.in_nmi(), self.preempt.in_irq() || irqs_disabled(self)) {
            (true, _) => 0,
            (false, true) => nmi,
            (false, false) => ALL_VECTORS,
        }
    }
    // ANCHOR_END: accepts
}
