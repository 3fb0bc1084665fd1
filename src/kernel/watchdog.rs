//! The soft-lockup watchdog: a timer that samples, and a stopper that must have run in between.
//!
//! Every CPU watches itself. Its hrtimer fires every [`sample_period_ns`], queues work for the stopper, and asks the
//! [`SoftlockupDetector`](crate::parts::softlockup::SoftlockupDetector) how long ago the stopper ran. So a CPU that
//! takes interrupts but cannot be preempted reports itself; a CPU with interrupts off is silent.
//!
//! In Linux: `kernel/watchdog.c`, `watchdog_timer_fn`, `softlockup_fn`.
//! Here it differs: `Heartbeat` is one value per CPU, and printing takes time only with
//! [`Config::console_time`](crate::Config::console_time).

use crate::config::Ablation;
use crate::kernel::cpu::Cpu;
use crate::kernel::heartbeat::{feed, touch_softlockup_watchdog};
use crate::kernel::printk::{self, Serialised};
use crate::kernel::{hardlockup, panic};
use crate::parts::softlockup::{SampleContext, SoftlockupVerdict};
use crate::parts::this_cpu::ThisCpu;
use crate::record::Event;
use crate::time::{KernelTime, get_timestamp, sample_period_ns, softlockup_thresh};
use crate::vector::Vector;

/// Starts the watchdog on a CPU that comes online. In Linux: `watchdog_enable`.
pub(crate) fn watchdog_enable(cpu: &Cpu) {
    if cpu.shared().config.watchdog_thresh_secs == 0 {
        return;
    }
    feed(cpu);
    hardlockup::watchdog_hardlockup_enable(cpu);
    let first = cpu.now() + sample_period_ns(cpu.shared().config.watchdog_thresh_secs);
    hrtimer_start(cpu, first);
}

/// The timer's handler: one sample of this CPU by itself.
pub(crate) fn watchdog_timer_fn(cpu: &Cpu) {
    let config = &cpu.shared().config;
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
        softlockup_thresh: softlockup_thresh(config.watchdog_thresh_secs),
        current: cpu.task.current(),
    };
    if !config.detectors.softlockup {
        return;
    }
    if cpu.shared().clock.check_and_clear_guest_paused(cpu.id()) {
        touch_softlockup_watchdog(cpu); // a CPU that the host did not run did not lock up
    }
    let detector = &cpu.shared().softlockup_detector;
    let (heartbeat, verdict) = detector.sample(cpu.watchdog.heartbeat(), context);
    cpu.watchdog.set_heartbeat(heartbeat);
    match verdict {
        SoftlockupVerdict::Healthy | SoftlockupVerdict::AlreadyReported => {}
        SoftlockupVerdict::Reset => cpu.record_at(now, Event::TouchReset),
        SoftlockupVerdict::Lockup { units } => {
            let report = printk::cpu_sync_get(cpu, Serialised::Lockup);
            // The moment of the sample, if no other CPU's report had to end before.
            let stamp = if report.is_some() { cpu.now() } else { now };
            cpu.record_at(stamp, Event::SoftLockup { printed: units });
            drop(report);
            if config.console_touches_watchdog {
                hardlockup::touch_nmi_watchdog(cpu); // serial8250_console_write
            }
            if config.sysctl.softlockup_panic {
                panic::panic(cpu, "softlockup: hung tasks");
            }
        }
    }
}

fn hrtimer_start(cpu: &Cpu, expiry: KernelTime) {
    cpu.watchdog.set_timer_expiry(expiry);
    let served = cpu.shared().config.bring_up.served_at(expiry);
    cpu.shared().clock.arm_timer(cpu.id(), Vector::Timer, served);
}

/// Moves the expiry on by whole periods, so that the CPU keeps the phase at which it came online, for ever.
fn hrtimer_forward_now(cpu: &Cpu) {
    let period = sample_period_ns(cpu.shared().config.watchdog_thresh_secs);
    let expiry = cpu.watchdog.timer_expiry();
    let late = cpu.now().ns_since(expiry);
    hrtimer_start(cpu, expiry + (late / period + 1) * period);
}
