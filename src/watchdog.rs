//! The soft-lockup watchdog: a timer that samples, and a stopper that must have run in between.
//!
//! Every CPU watches itself. Its hrtimer fires each [`sample_period_ns`], queues work for
//! the stopper, and asks the [`LockupDetector`](crate::LockupDetector) how long ago the stopper ran. So a CPU that
//! takes interrupts but cannot be preempted reports itself; a CPU with interrupts off is silent.
//!
//! In Linux: `kernel/watchdog.c`, `watchdog_timer_fn`, `softlockup_fn`.
//! Here it differs: `Heartbeat` is one value per CPU, and printing costs no time.

use crate::record::Event;
use crate::{
    Ablation, Cpu, KernelTime, SampleContext, ThisCpu, Vector, Verdict, get_timestamp, hardlockup,
    panic, sample_period_ns, softlockup_thresh,
};

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
    match config.ablate {
        Some(Ablation::FeedFromTimer) => feed(cpu),
        _ => cpu.queue_stopper(),
    }
    hrtimer_forward_now(cpu);

    let now = cpu.now();
    let context = SampleContext {
        now: get_timestamp(now),
        softlockup_thresh: softlockup_thresh(config.watchdog_thresh_secs),
        current: cpu.current.get(),
    };
    if !config.detectors.softlockup {
        return;
    }
    if cpu.shared().clock.check_and_clear_guest_paused(cpu.id()) {
        touch_softlockup_watchdog(cpu); // whoever was not run did not lock up
    }
    let (heartbeat, verdict) = cpu.shared().parts.sample(cpu.heartbeat.get(), context);
    cpu.heartbeat.set(heartbeat);
    match verdict {
        Verdict::Healthy | Verdict::AlreadyReported => {}
        Verdict::Reset => cpu.record_at(now, Event::TouchReset),
        Verdict::Lockup { units } => {
            cpu.record_at(now, Event::SoftLockup { printed: units });
            if config.console_touches_watchdog {
                hardlockup::touch_nmi_watchdog(cpu); // serial8250_console_write
            }
            if config.sysctl.softlockup_panic {
                panic::panic(cpu, "softlockup: hung tasks");
            }
        }
    }
}

/// The stopper's work: feeds the watchdog. That it could run is the proof of health.
pub(crate) fn softlockup_fn(cpu: &Cpu) {
    feed(cpu);
}

fn feed(cpu: &Cpu) {
    let now = cpu.now();
    cpu.heartbeat.set(cpu.shared().parts.feed(cpu.heartbeat.get(), get_timestamp(now)));
    cpu.record_at(now, Event::Feed);
}

/// Begins a new count at the next sample: what this CPU did until then is no lockup. A CPU that leaves a tickless idle
/// does so, and one that is slow on purpose. In Linux: `touch_softlockup_watchdog`,
/// `touch_softlockup_watchdog_sched`.
pub(crate) fn touch_softlockup_watchdog(cpu: &Cpu) {
    cpu.heartbeat.set(cpu.shared().parts.touch(cpu.heartbeat.get()));
    cpu.record(Event::Touch);
}

fn hrtimer_start(cpu: &Cpu, expiry: KernelTime) {
    cpu.timer_expiry.set(expiry);
    let served = cpu.shared().config.bring_up.served_at(expiry);
    cpu.shared().clock.arm_timer(cpu.id(), Vector::Timer, served);
}

/// Moves the expiry on by whole periods, so that the CPU keeps the phase at which it came online, for ever.
fn hrtimer_forward_now(cpu: &Cpu) {
    let period = sample_period_ns(cpu.shared().config.watchdog_thresh_secs);
    let late = cpu.now().ns_since(cpu.timer_expiry.get());
    hrtimer_start(cpu, cpu.timer_expiry.get() + (late / period + 1) * period);
}
