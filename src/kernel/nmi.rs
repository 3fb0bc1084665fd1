//! Asking another CPU what it is doing.
//!
//! The requests are in `state/nmi.rs`.
//!
//! In Linux: `lib/nmi_backtrace.c`, `nmi_trigger_cpumask_backtrace`, `nmi_cpu_backtrace`.
//! Here it differs: one CPU is asked at a time.

use crate::cpumask::CpuId;
use crate::kernel::cpu::Cpu;
use crate::kernel::{hardlockup, heartbeat};
use crate::parts::this_cpu::ThisCpu;
use crate::record::Event;
use crate::time::NSEC_PER_SEC;
use crate::vector::Vector;

/// How long a CPU waits for an answer.
const PATIENCE_NS: u64 = 10 * NSEC_PER_SEC;

/// In wall-clock time a CPU looks again at once. If it comes so late, its buddy may find that it waits for longer than
/// [`PATIENCE_NS`].
const LATE_NS: u64 = NSEC_PER_SEC;

/// Asks `target` to print what it is doing, and waits until it has, for at most 10 s. Meanwhile it touches its own
/// watchdog: that is why a CPU that asked in vain reports itself late.
///
/// On arm64 without [`pseudo_nmi`](crate::Config::pseudo_nmi) the request is an IPI like any other, and a CPU with
/// interrupts off does not answer it. Nothing happens if another CPU is asking already. In Linux:
/// `trigger_single_cpu_backtrace`.
///
/// # Panics
/// If the machine has no such CPU.
pub fn trigger_single_cpu_backtrace(cpu: &Cpu, target: CpuId) {
    let shared = cpu.shared();
    if !shared.backtrace_flag.acquire() {
        return;
    }
    cpu.record(Event::BacktraceRequest { of: target });
    let wanted = &shared.per_cpu(target).backtrace_wanted;
    wanted.set();
    cpu.send_ipi(target, Vector::Backtrace);
    let mut now = cpu.now();
    let deadline = now + PATIENCE_NS;
    while wanted.is_set() && now < deadline {
        cpu.relax_until(deadline);
        heartbeat::touch_softlockup_watchdog(cpu);
        let last = std::mem::replace(&mut now, cpu.now());
        if shared.clock.is_wall() && now.ns_since(last) > LATE_NS {
            hardlockup::touch_nmi_watchdog(cpu); // the host did not run this CPU: that is no lockup of it
        }
    }
    shared.backtrace_flag.release();
}

/// The request arrives.
pub(crate) fn nmi_cpu_backtrace(cpu: &Cpu) {
    cpu.record(Event::Backtrace);
    cpu.per_cpu().backtrace_wanted.clear();
}
