//! The soft-lockup watchdog: a timer that samples, and a stopper that must have run in between.
//!
//! Every CPU watches itself. Its hrtimer fires every [`sample_period_ns`](crate::time::sample_period_ns), queues work
//! for the stopper, and asks the [`SoftlockupDetector`](crate::parts::softlockup::SoftlockupDetector) how long ago the
//! stopper ran. So a CPU that takes interrupts but cannot be preempted reports itself; a CPU with interrupts off is
//! silent.
//!
//! In Linux: `kernel/watchdog.c`, `watchdog_timer_fn`, `softlockup_fn`.
//! Here it differs: `Heartbeat` is one value per CPU, and printing takes time only with
//! [`Config::console_time`](crate::Config::console_time).

use crate::config::causes::Ablation;
use crate::kernel::cpu::Cpu;
use crate::kernel::heartbeat::{feed, touch_softlockup_watchdog};
use crate::kernel::printk::{self, Serialised};
use crate::kernel::{hardlockup, nmi, panic};
use crate::parts::softlockup::{SampleContext, SoftlockupVerdict};
use crate::parts::this_cpu::ThisCpu;
use crate::record::Event;
use crate::time::{KernelTime, get_timestamp, softlockup_thresh};
use crate::vector::Vector;

/// Starts the watchdog on a CPU: when it comes online, and when `watchdog_thresh` has changed. In Linux:
/// `watchdog_enable`.
pub(crate) fn watchdog_enable(cpu: &Cpu) {
    if cpu.shared().watchdog.thresh_secs() == 0 {
        return;
    }
    cpu.watchdog.set_enabled(true);
    feed(cpu);
    hardlockup::watchdog_hardlockup_enable(cpu);
    hrtimer_start(cpu, cpu.now() + cpu.shared().watchdog.sample_period_ns());
}

/// Stops it. How many samples there were is kept. In Linux: `watchdog_disable`.
pub(crate) fn watchdog_disable(cpu: &Cpu) {
    cpu.watchdog.set_enabled(false);
    hardlockup::watchdog_hardlockup_disable(cpu);
    cpu.shared().clock.arm_timer(cpu.id(), Vector::Timer, KernelTime::MAX);
}

/// The timer's handler: one sample of this CPU by itself.
pub(crate) fn watchdog_timer_fn(cpu: &Cpu) {
    let config = &cpu.shared().config;
    if !cpu.watchdog.is_enabled() {
        return;
    }
    hardlockup::watchdog_hardlockup_kick(cpu);
    // ANCHOR: who-looks
    match config.ablate {
        Some(Ablation::FeedFromTimer) => feed(cpu),
        _ => cpu.preempt.queue_stopper(),
    }
    hrtimer_forward_now(cpu);
    // ANCHOR_END: who-looks

    let now = cpu.now();
    let context = SampleContext {
        now: get_timestamp(now),
        softlockup_thresh: softlockup_thresh(cpu.shared().watchdog.thresh_secs()),
        current: cpu.task.current(),
    };
    if !config.detectors.softlockup {
        return;
    }
    if is_the_hosts_fault(cpu) {
        touch_softlockup_watchdog(cpu);
    }
    let detector = &cpu.shared().softlockup_detector;
    let before = cpu.watchdog.heartbeat();
    let (heartbeat, verdict) = detector.sample(before, context);
    if let SoftlockupVerdict::Lockup { .. } = verdict
        && config.sysctl.softlockup_all_cpu_backtrace
        && !cpu.shared().all_cpu_dumps.soft_lockup_nmi_warn.try_lock()
    {
        return cpu.watchdog.set_heartbeat(detector.gives_way(before));
    }
    cpu.watchdog.set_heartbeat(heartbeat);
    match verdict {
        SoftlockupVerdict::Lockup { units } => report(cpu, now, units),
        SoftlockupVerdict::Reset => cpu.record_at(now, Event::TouchReset),
        SoftlockupVerdict::Healthy | SoftlockupVerdict::AlreadyReported => {}
    }
}

/// `BUG: soft lockup`, and what is to follow from it. With `softlockup_all_cpu_backtrace` this CPU asks all others what
/// they are doing, and waits for them: a CPU that is due meanwhile gives way. In Linux: `watchdog_timer_fn`; since 6.8
/// a CPU that is about to panic lets no other CPU report any more. (`TAINT_SOFTLOCKUP` comes last, before the panic: see
/// `incident/console/taint.rs`.)
fn report(cpu: &Cpu, now: KernelTime, units: u64) {
    let config = &cpu.shared().config;
    let report = printk::cpu_sync_get(cpu, Serialised::Lockup);
    // The moment of the sample, if no other CPU's report had to end before.
    let stamp = if report.is_some() { cpu.now() } else { now };
    cpu.record_at(stamp, Event::SoftLockup { printed: units });
    drop(report);
    if config.console_touches_watchdog {
        hardlockup::touch_nmi_watchdog(cpu); // serial8250_console_write
    }
    let panics = config.sysctl.softlockup_panic;
    if config.sysctl.softlockup_all_cpu_backtrace {
        nmi::trigger_allbutcpu_cpu_backtrace(cpu, cpu.id());
        if !(panics && config.kernel.keeps_the_dump_for_a_panic()) {
            cpu.shared().all_cpu_dumps.soft_lockup_nmi_warn.unlock();
        }
    }
    if panics {
        panic::panic(cpu, "softlockup: hung tasks");
    }
}

/// Whether the host did not run this CPU's thread, or, since the last sample, that of the CPU it waits for. Neither is a
/// lockup. A CPU that spins with its interrupts off is run, and goes from one interruption point to the next. In Linux:
/// `kvm_check_and_clear_guest_paused`. Here it differs: Linux does not know of a pause of the awaited CPU.
fn is_the_hosts_fault(cpu: &Cpu) -> bool {
    let shared = cpu.shared();
    if !shared.clock.is_wall() {
        return false;
    }
    let stands_still = cpu.watchdog.awaits_a_standstill(|on| shared.interruption_points(on));
    shared.clock.check_and_clear_guest_paused(cpu.id()) || stands_still
}

fn hrtimer_start(cpu: &Cpu, expiry: KernelTime) {
    cpu.watchdog.set_timer_expiry(expiry);
    let served = cpu.shared().config.bring_up.served_at(expiry);
    cpu.shared().clock.arm_timer(cpu.id(), Vector::Timer, served);
}

/// Moves the expiry on by whole periods, so that the CPU keeps the phase at which it came online, for ever.
fn hrtimer_forward_now(cpu: &Cpu) {
    let period = cpu.shared().watchdog.sample_period_ns();
    let expiry = cpu.watchdog.timer_expiry();
    let late = cpu.now().ns_since(expiry);
    hrtimer_start(cpu, expiry + (late / period + 1) * period);
}
