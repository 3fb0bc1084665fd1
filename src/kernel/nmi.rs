//! Asking another CPU what it is doing.
//!
//! The requests are in `state/nmi.rs`.
//!
//! In Linux: `lib/nmi_backtrace.c`, `nmi_trigger_cpumask_backtrace`, `nmi_cpu_backtrace`.
//! Here it differs: one CPU is asked at a time.

use crate::cpumask::CpuId;
use crate::kernel::cpu::Cpu;
use crate::kernel::heartbeat;
use crate::kernel::printk::{self, Serialised};
use crate::parts::this_cpu::ThisCpu;
use crate::record::Event;
use crate::vector::Vector;

/// How many turns of a millisecond a CPU waits for an answer.
const PATIENCE_MS: u64 = 10_000;

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
    let deadline = cpu.now() + PATIENCE_MS * shared.config.busy_delays.mdelay_ns;
    while wanted.is_set() && cpu.now() < deadline {
        cpu.relax_until(deadline);
        heartbeat::touch_softlockup_watchdog(cpu);
    }
    shared.backtrace_flag.release();
}

/// The request arrives.
pub(crate) fn nmi_cpu_backtrace(cpu: &Cpu) {
    let report = printk::cpu_sync_get(cpu, Serialised::Backtrace);
    cpu.record(Event::Backtrace);
    drop(report);
    cpu.per_cpu().backtrace_wanted.clear();
}
