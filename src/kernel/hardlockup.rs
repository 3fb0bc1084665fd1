//! The hard-lockup detectors: they notice a CPU that does not even take its timer.
//!
//! Such a CPU cannot notice that by itself, unless an NMI interrupts it. So the *buddy* detector lets each CPU's timer
//! check the next CPU, and the *perf* detector samples each CPU by an NMI of its own.
//!
//! What they count and remember is in `state/hardlockup.rs`.
//!
//! In Linux: `kernel/watchdog.c`, `watchdog_hardlockup_check`, `is_hardlockup`; `kernel/watchdog_buddy.c`;
//! `kernel/watchdog_perf.c`.
//! Here it differs: what is remembered of a CPU lies with the CPU that watches it, which forgets it when it begins to
//! watch another CPU. And both detectors can run at once, where Linux is built with one.

use std::cell::Cell;

use crate::config::detectors::BuddyRule;
use crate::cpumask::{CpuId, CpuMask};
use crate::kernel::cpu::Cpu;
use crate::kernel::{heartbeat, nmi, panic};
use crate::parts::hardlockup::{HardlockupVerdict, HardlockupWatch};
use crate::parts::this_cpu::ThisCpu;
use crate::record::Event;
use crate::time::{KernelTime, NSEC_PER_SEC};
use crate::vector::Vector;

/// Tells both watchdogs of this CPU that what it does is slow on purpose. In Linux: `touch_nmi_watchdog`.
pub fn touch_nmi_watchdog(cpu: &Cpu) {
    cpu.per_cpu().hrtimer_interrupts.touch();
    heartbeat::touch_softlockup_watchdog(cpu);
}

/// One sample of this CPU's timer: counts it, and checks the next CPU if it is time. In Linux:
/// `watchdog_hardlockup_kick`, `watchdog_buddy_check_hardlockup`.
pub(crate) fn watchdog_hardlockup_kick(cpu: &Cpu) {
    let shared = cpu.shared();
    let interrupts = cpu.per_cpu().hrtimer_interrupts.count();
    // A CPU that the host does not run takes no timer either: that is no lockup.
    let is_paused = || {
        let points = |buddy| shared.interruption_points(buddy);
        shared.clock.is_wall() && cpu.hardlockup.buddy_stands_still(points)
    };
    if let Some(BuddyRule { every, miss_thresh }) = shared.config.detectors.hardlockup_buddy
        && !is_paused() // looked at in every sample
        && interrupts.is_multiple_of(every)
        && let Some(next) = watchdog_next_cpu(cpu)
    {
        watchdog_hardlockup_check(cpu, next, cpu.hardlockup.of_buddy(next), miss_thresh);
    }
}

/// This CPU's watchdog starts. With the buddy detector the CPU touches itself, because its timer has yet to run; and the
/// next CPU, whose count it does not remember yet. Only then can another CPU watch this one. In Linux:
/// `watchdog_hardlockup_enable` of `watchdog_buddy.c` and `watchdog_perf.c`.
pub(crate) fn watchdog_hardlockup_enable(cpu: &Cpu) {
    if cpu.shared().config.detectors.hardlockup_buddy.is_some() {
        for touched in [Some(cpu.id()), watchdog_next_cpu(cpu)].into_iter().flatten() {
            cpu.shared().per_cpu(touched).hrtimer_interrupts.touch();
        }
        cpu.shared().watchdog_cpus.set(cpu.id());
    }
    start_perf_counter(cpu);
}

/// This CPU's watchdog stops: the CPU before it looks at the next one from now on, which it does not remember. (A CPU
/// that [stops](crate::kernel::stop) altogether never comes here: its buddy goes on to look at it.) In Linux:
/// `watchdog_hardlockup_disable`.
pub(crate) fn watchdog_hardlockup_disable(cpu: &Cpu) {
    if cpu.shared().config.detectors.hardlockup_buddy.is_some() {
        if let Some(next) = watchdog_next_cpu(cpu) {
            cpu.shared().per_cpu(next).hrtimer_interrupts.touch();
        }
        cpu.shared().watchdog_cpus.clear(cpu.id());
    }
    cpu.shared().clock.arm_timer(cpu.id(), Vector::Perf, KernelTime::MAX);
}

/// Starts the perf detector's counter, if there is one: it needs an NMI.
fn start_perf_counter(cpu: &Cpu) {
    let config = &cpu.shared().config;
    if config.detectors.hardlockup_perf && config.has_nmi() {
        let period_ns = cpu.shared().watchdog.thresh_secs() * NSEC_PER_SEC;
        cpu.shared().clock.arm_timer(cpu.id(), Vector::Perf, cpu.now() + period_ns);
    }
}

/// The NMI that a CPU gets for every `watchdog_thresh` seconds of cycles. In Linux: `watchdog_overflow_callback`.
pub(crate) fn watchdog_overflow_callback(cpu: &Cpu) {
    start_perf_counter(cpu); // the next one
    watchdog_hardlockup_check(cpu, cpu.id(), cpu.hardlockup.of_this_cpu(), 1);
}

/// The CPU that this one looks after. In Linux: `watchdog_next_cpu`.
///
/// # Panics
/// If the detector names a CPU that the machine does not have.
fn watchdog_next_cpu(cpu: &Cpu) -> Option<CpuId> {
    let shared = cpu.shared();
    let watches = |cpus: &CpuMask| shared.hardlockup_detector.watches(cpu.id(), cpus);
    let next = cpu.hardlockup.with_watchdog_cpus(cpu.id(), &shared.watchdog_cpus, watches)?;
    let nr_cpus = cpu.nr_cpus();
    assert!(next.0 < nr_cpus, "`watches` gave CPU#{next} on a machine of {nr_cpus}");
    Some(next)
}

/// Looks at a CPU, and reports it. With `hardlockup_all_cpu_backtrace` all CPUs but that one are dumped: since 6.8 by
/// one report at a time, and a look that comes meanwhile is put off; before, by the first report since boot. In Linux:
/// `watchdog_hardlockup_check`; 6.1's `watchdog_overflow_callback`.
fn watchdog_hardlockup_check(
    cpu: &Cpu,
    watched: CpuId,
    memory: &Cell<HardlockupWatch>,
    miss_thresh: u32,
) {
    let of_watched = &cpu.shared().per_cpu(watched).hrtimer_interrupts;
    if of_watched.take_touch() {
        return;
    }
    let (watch, verdict) =
        cpu.shared().hardlockup_detector.check(memory.get(), of_watched.get(), miss_thresh);
    if verdict != HardlockupVerdict::Lockup {
        memory.set(watch);
        return;
    }
    let config = &cpu.shared().config;
    let warn = &cpu.shared().all_cpu_dumps.hard_lockup_nmi_warn;
    let keeps = config.kernel.keeps_the_dump_for_a_panic();
    let all_cpus = config.sysctl.hardlockup_all_cpu_backtrace;
    let dumps_all = all_cpus && warn.try_lock();
    if all_cpus && keeps && !dumps_all {
        return; // another CPU is at it: this one tries again at its next look
    }
    memory.set(watch);
    cpu.record(Event::HardLockup { cpu: watched }); // before any `printk_cpu_sync_get_irqsave`: it may be the last line
    if watched != cpu.id() {
        nmi::trigger_single_cpu_backtrace(cpu, watched);
    }
    let panics = config.sysctl.hardlockup_panic;
    if dumps_all {
        nmi::trigger_allbutcpu_cpu_backtrace(cpu, watched);
        if keeps && !panics {
            warn.unlock();
        }
    }
    if panics {
        panic::panic(cpu, "Hard LOCKUP");
    }
}
