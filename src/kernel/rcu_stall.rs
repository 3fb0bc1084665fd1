//! RCU CPU stall warnings: a tick finds a grace period that has been open for too long, and says for which CPUs.
//!
//! It is no lockup detector, and still the only part of a stock 4.19 that names a CPU which went dark. Its report changes
//! what the lockup detectors say: it touches the watchdogs of the CPU that prints, asks CPUs for backtraces as those do,
//! and so has to take turns with them.
//!
//! In Linux: `kernel/rcu/tree_stall.h`, `check_cpu_stall`, `print_cpu_stall`, `print_other_cpu_stall`,
//! `rcu_check_gp_kthread_starvation`, `rcu_dump_cpu_stacks`; 4.19 to 6.12.
//! Here it differs: the tick comes when a stall can be due, and not at every jiffy. The kernel thread's own stack is not
//! shown: there is none.

use crate::cpumask::CpuId;
use crate::kernel::cpu::Cpu;
use crate::kernel::rcu::{self, GracePeriod, STALL_TIMEOUT_NS};
use crate::kernel::{hardlockup, nmi};
use crate::parts::this_cpu::ThisCpu;
use crate::record::Event;
use crate::time::{JIFFY_NS, KernelTime, NSEC_PER_SEC};
use crate::version::Kernel;

/// A kernel thread that has not run for longer is called starved. In Linux: `rcu_is_gp_kthread_starving`.
const STARVED_NS: u64 = 2 * NSEC_PER_SEC;

/// The tick, as far as RCU needs it. In Linux: `rcu_sched_clock_irq`, `rcu_pending`.
pub(crate) fn rcu_sched_clock_irq(cpu: &Cpu) {
    check_cpu_stall(cpu);
    rcu::tick_start(cpu);
}

fn check_cpu_stall(cpu: &Cpu) {
    if !rcu::looks_for_stalls(cpu) {
        return;
    }
    let state = &cpu.shared().rcu;
    let saw = state.jiffies_stall(); // first: what is seen of the grace period is no older
    let Some(gp) = rcu::grace_period(cpu) else { return };
    if cpu.now() < gp.stall_due(cpu) || !state.claim_stall(saw) {
        return;
    }
    // Another CPU may have reported this one, and ended it, since this CPU looked. Since the claim that would be seen.
    let begun = gp.start;
    let Some(gp) = rcu::grace_period(cpu).filter(|gp| gp.start == begun) else {
        return state.report_again_at(KernelTime::BOOT); // as it was
    };
    if cpu.shared().clock.check_and_clear_guest_paused(cpu.id()) {
        // The host did not run this CPU: begin anew. In Linux: `pvclock_touch_watchdogs`, `rcu_cpu_stall_reset`.
        hardlockup::touch_nmi_watchdog(cpu);
        state.report_again_at(cpu.now() + STALL_TIMEOUT_NS);
        return;
    }
    let leaves_eqs = rcu::irq_enter(cpu);
    match gp.waits_for.contains(cpu.id()) {
        true => print_cpu_stall(cpu, &gp),
        false => print_other_cpu_stall(cpu, &gp),
    }
    state.report_again_at(cpu.now() + 3 * STALL_TIMEOUT_NS + 3 * JIFFY_NS);
    if leaves_eqs {
        rcu::eqs_enter(cpu);
    }
}

/// The CPU that prints is one that the grace period waits for. In Linux: `print_cpu_stall`.
fn print_cpu_stall(cpu: &Cpu, gp: &GracePeriod) {
    cpu.record(Event::RcuStall { self_detected: true });
    print_cpu_stall_info(cpu, gp, cpu.id());
    print_age(cpu, gp, true);
    check_gp_kthread_starvation(cpu, gp);
    dump_cpu_stacks(cpu, gp);
}

/// It waits for others only. In Linux: `print_other_cpu_stall`.
fn print_other_cpu_stall(cpu: &Cpu, gp: &GracePeriod) {
    cpu.record(Event::RcuStall { self_detected: false });
    gp.waits_for.iter().for_each(|stalled| print_cpu_stall_info(cpu, gp, stalled));
    print_age(cpu, gp, false);
    if gp.waits_for.is_empty() {
        cpu.record(Event::RcuAllSeen { idle_ns: cpu.now().ns_since(gp.kthread_ran) });
    }
    dump_cpu_stacks(cpu, gp);
    check_gp_kthread_starvation(cpu, gp);
}

/// One CPU's line. It touches the watchdogs of the CPU that prints, because printing with interrupts off may take long.
/// In Linux: `print_cpu_stall_info`.
fn print_cpu_stall_info(cpu: &Cpu, gp: &GracePeriod, stalled: CpuId) {
    hardlockup::touch_nmi_watchdog(cpu);
    let age_ns = cpu.now().ns_since(gp.start);
    cpu.record(Event::RcuStallCpu { on: stalled, age_ns });
}

fn print_age(cpu: &Cpu, gp: &GracePeriod, self_detected: bool) {
    let age_ns = cpu.now().ns_since(gp.start);
    cpu.record(Event::RcuStallAge { self_detected, age_ns });
}

/// In Linux: `rcu_check_gp_kthread_starvation`. Since 5.12 it shows where the thread last ran, unless that CPU is shown
/// anyway.
fn check_gp_kthread_starvation(cpu: &Cpu, gp: &GracePeriod) {
    let for_ns = cpu.now().ns_since(gp.kthread_ran);
    if for_ns <= STARVED_NS {
        return;
    }
    cpu.record(Event::RcuKthreadStarved { on: gp.kthread_cpu, for_ns });
    if cpu.shared().config.kernel != Kernel::Arm64V4_19 && !gp.waits_for.contains(gp.kthread_cpu) {
        cpu.record(Event::RcuKthreadLastRan);
        nmi::dump_cpu_task(cpu, gp.kthread_cpu);
    }
}

/// What the CPUs do that the grace period waits for. In Linux: `rcu_dump_cpu_stacks`.
fn dump_cpu_stacks(cpu: &Cpu, gp: &GracePeriod) {
    gp.waits_for.iter().for_each(|stalled| nmi::dump_cpu_task(cpu, stalled));
}
