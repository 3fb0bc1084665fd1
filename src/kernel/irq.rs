//! Interrupts: what can be pending on a CPU, the flag that keeps it pending, and the guard that holds the flag.
//!
//! In Linux: `PSTATE.I` (arm64), the GIC's pending state; `include/linux/irqflags.h`.
//! Here it differs: an interrupt is taken at an *interruption point* (in `relax`, when the guard ends, when idle) and
//! nowhere else. That stands for "between two instructions".

use std::marker::PhantomData;

use crate::hardware::interrupts::ALL_VECTORS;
use crate::kernel::cpu::Cpu;
use crate::record::Event;
use crate::vector::NMI_VECTORS;

/// Whether this CPU's interrupts are off. In Linux: `irqs_disabled()`.
pub fn irqs_disabled(cpu: &Cpu) -> bool {
    cpu.irq().irqs_disabled()
}

/// Turns this CPU's interrupts off until the guard ends, which turns them back to what they were and takes what
/// became pending meanwhile. In Linux: `local_irq_save`, `local_irq_restore`.
pub fn disable_local(cpu: &Cpu) -> DisabledLocalIrqGuard<'_> {
    let was_disabled = irqs_disabled(cpu);
    if !was_disabled {
        cpu.irq().set_irqs_disabled(true);
        cpu.record(Event::IrqsOff);
    }
    DisabledLocalIrqGuard { cpu, was_disabled, _not_send: PhantomData }
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
    was_disabled: bool,
    _not_send: PhantomData<*const ()>,
}

impl Drop for DisabledLocalIrqGuard<'_> {
    fn drop(&mut self) {
        if !self.was_disabled && !std::thread::panicking() {
            enable_local(self.cpu);
        }
    }
}

/// Turns interrupts on, whatever is on the stack. In Linux: `local_irq_enable`.
pub(crate) fn enable_local(cpu: &Cpu) {
    cpu.irq().set_irqs_disabled(false);
    cpu.record(Event::IrqsOn);
    cpu.take_interrupts();
}

impl Cpu {
    /// Which vectors would be taken now: everything; or, with interrupts off or inside a handler, NMIs only.
    pub(crate) fn accepts(&self) -> u32 {
        let nmi = if self.shared().config.has_nmi() { NMI_VECTORS } else { 0 };
        match (self.preempt.in_nmi(), self.preempt.in_irq() || irqs_disabled(self)) {
            (true, _) => 0,
            (false, true) => nmi,
            (false, false) => ALL_VECTORS,
        }
    }
}
