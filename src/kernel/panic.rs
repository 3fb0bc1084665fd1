//! `panic()`: the kernel gives up, stops the other CPUs as well as it can, and says which it could not stop.
//!
//! Which CPU panics is in `state/panic.rs`; which CPUs still run, in `online` of each.
//!
//! In Linux: `kernel/panic.c`; `arch/arm64/kernel/smp.c`, `smp_send_stop`, `local_cpu_stop`.
//! Here it differs: there is no crash kernel and no reboot; the machine is switched off when everything is printed.

use crate::cpumask::CpuMask;
use crate::kernel::cpu::Cpu;
use crate::kernel::{irq, preempt};
use crate::parts::this_cpu::ThisCpu;
use crate::record::Event;
use crate::vector::Vector;
use crate::version::Kernel;

/// How many turns of a microsecond the panicking CPU waits for the others to stop.
const STOP_TIMEOUT_US: u64 = 1_000_000;

/// How many it waits after the request was repeated as an NMI.
const STOP_NMI_TIMEOUT_US: u64 = 10_000;

/// `Kernel panic - not syncing: …`, and the end of this machine.
pub(crate) fn panic(cpu: &Cpu, reason: &'static str) -> ! {
    let _frame = cpu.frame("panic");
    let _irq = irq::disable_local(cpu);
    let _preempt = preempt::disable(cpu);
    if !cpu.shared().panic.is_first(cpu.id()) {
        stop_here(cpu); // panic_smp_self_stop
    }
    cpu.record(Event::Panic { reason: reason.into() });
    smp_send_stop(cpu);
    cpu.record(Event::PanicEnd { reason: reason.into() });
    cpu.shared().halt();
    cpu.shared().unwind()
}

/// Asks every other CPU to stop, and waits a second; then, where there are NMIs, asks again.
fn smp_send_stop(cpu: &Cpu) {
    let others = others_online(cpu);
    if others.is_empty() {
        return;
    }
    cpu.record(Event::StoppingCpus);
    ask_and_wait(cpu, &others, Vector::Stop, STOP_TIMEOUT_US);
    let mut left = others_online(cpu);
    let config = &cpu.shared().config;
    let newer = config.kernel != Kernel::Arm64V4_19;
    if newer && config.has_nmi() && !left.is_empty() {
        cpu.record(Event::RetryStop { cpus: left.to_string().into() });
        ask_and_wait(cpu, &left, Vector::StopNmi, STOP_NMI_TIMEOUT_US);
        left = others_online(cpu);
    }
    if !left.is_empty() {
        if !newer {
            left.set(cpu.id()); // up to 6.1 the line prints cpu_online_mask, with the panicking CPU in it
        }
        cpu.record(Event::FailedToStop { cpus: left.to_string().into() });
    }
}

fn ask_and_wait(cpu: &Cpu, cpus: &CpuMask, how: Vector, timeout_us: u64) {
    cpus.iter().for_each(|other| cpu.send_ipi(other, how));
    let deadline = cpu.now() + timeout_us * cpu.shared().config.busy_delays.udelay_ns;
    while !others_online(cpu).is_empty() && cpu.now() < deadline {
        cpu.relax_until(deadline);
    }
}

fn others_online(cpu: &Cpu) -> CpuMask {
    let mut online = cpu.shared().online_mask();
    online.clear(cpu.id());
    online
}

/// The request to stop arrives. In Linux: `local_cpu_stop`.
pub(crate) fn local_cpu_stop(cpu: &Cpu) -> ! {
    cpu.per_cpu().online.clear();
    cpu.shared().smp.online_changed();
    cpu.record(Event::Stopped);
    let _irq = irq::disable_local(cpu);
    stop_here(cpu)
}

/// Waits for the end with interrupts off.
fn stop_here(cpu: &Cpu) -> ! {
    loop {
        cpu.wait_for_interrupt(None);
    }
}
