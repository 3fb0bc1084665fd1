//! Asking another CPU what it is doing.
//!
//! | atomic | written by | read by | order |
//! |---|---|---|---|
//! | `backtrace_wanted` of a CPU | whoever asks sets it; the owner clears it when it has printed | whoever asks, waiting | see `flag.rs`: the answer is printed by then |
//! | `backtrace_flag` of the machine | whoever asks, for as long as it waits | the same | Acquire, Release: one request at a time |
//!
//! In Linux: `lib/nmi_backtrace.c`, `nmi_trigger_cpumask_backtrace`, `nmi_cpu_backtrace`.
//! Here it differs: one CPU is asked at a time.

use std::sync::atomic::Ordering::*;

use crate::record::Event;
use crate::{Cpu, CpuId, NSEC_PER_SEC, ThisCpu, Vector, watchdog};

/// How long a CPU waits for an answer.
const PATIENCE_NS: u64 = 10 * NSEC_PER_SEC;

/// Asks `target` to print what it is doing, and waits until it has, for at most 10 s; meanwhile touches its own
/// watchdog, which is why a CPU that asked in vain reports itself late.
///
/// Without [`pseudo_nmi`](crate::Config::pseudo_nmi) the request is an IPI like any other, and a CPU with interrupts off
/// does not answer. Nothing happens if another CPU is asking already. In Linux: `trigger_single_cpu_backtrace`.
///
/// # Panics
/// If the machine has no such CPU.
pub fn trigger_single_cpu_backtrace(cpu: &Cpu, target: CpuId) {
    let shared = cpu.shared();
    if shared.backtrace_flag.swap(true, Acquire) {
        return;
    }
    cpu.record(Event::BacktraceRequest { of: target });
    let wanted = &shared.per_cpu(target).backtrace_wanted;
    wanted.set();
    cpu.send_ipi(target, Vector::Backtrace);
    let deadline = cpu.now() + PATIENCE_NS;
    while wanted.is_set() && cpu.now() < deadline {
        cpu.relax_until(deadline);
        watchdog::touch_softlockup_watchdog(cpu);
    }
    shared.backtrace_flag.store(false, Release);
}

/// The request arrives.
pub(crate) fn nmi_cpu_backtrace(cpu: &Cpu) {
    cpu.record(Event::Backtrace);
    cpu.per_cpu().backtrace_wanted.clear();
}
