//! Asking other CPUs what they are doing.
//!
//! The requests are in `state/nmi.rs`.
//!
//! In Linux: `lib/nmi_backtrace.c`, `nmi_trigger_cpumask_backtrace`, `nmi_cpu_backtrace`; `include/linux/nmi.h`,
//! `trigger_single_cpu_backtrace`, `trigger_allbutcpu_cpu_backtrace`; `kernel/sched/core.c`, `dump_cpu_task`.

use crate::cpumask::{CpuId, CpuMask};
use crate::kernel::cpu::Cpu;
use crate::kernel::printk::{self, Serialised};
use crate::kernel::{hardlockup, heartbeat};
use crate::parts::this_cpu::ThisCpu;
use crate::record::Event;
use crate::time::NSEC_PER_SEC;
use crate::vector::Vector;
use crate::version::Kernel;

/// How many turns of a millisecond a CPU waits for an answer.
const PATIENCE_MS: u64 = 10_000;

/// In wall-clock time a CPU looks again at once. If it comes so late, its buddy may find that it waits for longer than
/// [`PATIENCE_MS`].
const LATE_NS: u64 = NSEC_PER_SEC;

/// Asks `target` to print what it is doing, and waits until it has, for at most 10 s. Meanwhile it touches its own
/// watchdog: that is why a CPU that asked in vain reports itself late.
///
/// On arm64 without [`pseudo_nmi`](crate::Config::pseudo_nmi) the request is an IPI like any other, and a CPU with
/// interrupts off does not answer it. Nothing happens if another CPU is asking already, or on a kernel that cannot ask
/// (arm64 6.1): then it returns `false`. In Linux: `trigger_single_cpu_backtrace`.
///
/// # Panics
/// If the machine has no such CPU.
pub fn trigger_single_cpu_backtrace(cpu: &Cpu, target: CpuId) -> bool {
    let can_ask = cpu.shared().config.kernel.asks_one_cpu_for_a_backtrace();
    if can_ask {
        let mut mask = CpuMask::none(cpu.nr_cpus());
        mask.set(target);
        nmi_trigger_cpumask_backtrace(cpu, mask);
    }
    can_ask
}

/// Asks every CPU that is online but `except`. The asking CPU prints its own stack first, unless it is `except`. Does
/// nothing where the architecture cannot ask: on arm64 before 6.7. In Linux: `trigger_allbutcpu_cpu_backtrace` (6.6),
/// before `trigger_allbutself_cpu_backtrace`.
pub(crate) fn trigger_allbutcpu_cpu_backtrace(cpu: &Cpu, except: CpuId) {
    if cpu.shared().config.kernel.has_cpu_backtrace() {
        let mut mask = cpu.shared().online_mask();
        mask.clear(except);
        nmi_trigger_cpumask_backtrace(cpu, mask);
    }
}

/// Prints what the task on a CPU does: for this CPU the registers that its interrupt found (since 6.1), else with that
/// CPU's help; or, where the architecture has no way to ask, what the scheduler knows: where the task last slept. In
/// Linux: `dump_cpu_task`, 4.19 to 6.12; in 4.19 its callers ask first.
pub(crate) fn dump_cpu_task(cpu: &Cpu, of: CpuId) {
    let kernel = cpu.shared().config.kernel;
    if of == cpu.id() && cpu.preempt.in_irq() && kernel != Kernel::Arm64V4_19 {
        cpu.record(Event::ShowIrqRegs);
    } else if kernel.has_cpu_backtrace() {
        trigger_single_cpu_backtrace(cpu, of);
    } else {
        cpu.record(Event::TaskDump { of });
    }
}

/// Asks the CPUs in `mask`, all at once, and waits for all of them.
fn nmi_trigger_cpumask_backtrace(cpu: &Cpu, mut mask: CpuMask) {
    let shared = cpu.shared();
    if !shared.backtrace_flag.try_lock() {
        return; // another CPU is asking: its dump will do
    }
    // `cpumask_copy`: a CPU that never answered an earlier request has nothing to answer any more.
    for other in (0..cpu.nr_cpus()).map(CpuId) {
        let wanted = &shared.per_cpu(other).backtrace_wanted;
        match mask.contains(other) {
            true if other == cpu.id() => own_backtrace(cpu),
            true => {} // when the request is on record
            false if wanted.is_set() => wanted.clear(),
            false => {}
        }
    }
    mask.clear(cpu.id());
    raise(cpu, &mask);
    let mut left: Vec<CpuId> = mask.iter().collect();
    let mut now = cpu.now();
    let deadline = now + PATIENCE_MS * shared.config.busy_delays.mdelay_ns;
    loop {
        left.retain(|&other| shared.per_cpu(other).backtrace_wanted.is_set());
        if left.is_empty() || now >= deadline {
            break;
        }
        cpu.relax_until(deadline);
        heartbeat::touch_softlockup_watchdog(cpu);
        let last = std::mem::replace(&mut now, cpu.now());
        if shared.clock.is_wall() && now.ns_since(last) > LATE_NS {
            hardlockup::touch_nmi_watchdog(cpu); // the host did not run this CPU: that is no lockup of it
        }
    }
    shared.backtrace_flag.unlock();
}

/// In Linux: `nmi_cpu_backtrace(NULL)`.
fn own_backtrace(cpu: &Cpu) {
    let report = printk::cpu_sync_get(cpu, Serialised::Backtrace);
    cpu.record(Event::OwnBacktrace);
    drop(report);
}

/// Sends the requests. In Linux: `arm64_backtrace_ipi`, x86's `nmi_raise_cpu_backtrace`.
fn raise(cpu: &Cpu, mask: &CpuMask) {
    let asked: Vec<CpuId> = mask.iter().collect();
    match *asked {
        [] => return,
        [of] => cpu.record(Event::BacktraceRequest { of }),
        _ => cpu.record(Event::BacktraceRequests { of: asked.clone() }),
    }
    // Only now, when the request is on record, can a CPU answer it.
    for other in asked {
        cpu.shared().per_cpu(other).backtrace_wanted.set();
        cpu.send_ipi(other, Vector::Backtrace);
    }
}

/// The request arrives. In Linux: `nmi_cpu_backtrace`, which prints nothing if its bit is not set any more.
pub(crate) fn nmi_cpu_backtrace(cpu: &Cpu) {
    let wanted = &cpu.per_cpu().backtrace_wanted;
    if wanted.is_set() {
        let report = printk::cpu_sync_get(cpu, Serialised::Backtrace);
        cpu.record(Event::Backtrace);
        drop(report);
        wanted.clear();
    }
}
