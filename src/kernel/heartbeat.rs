//! What feeds a CPU's watchdog, and what makes it begin anew.
//!
//! In Linux: `kernel/watchdog.c`, `softlockup_fn`, `touch_softlockup_watchdog`.

use crate::kernel::cpu::Cpu;
use crate::parts::this_cpu::ThisCpu;
use crate::record::Event;
use crate::time::get_timestamp;

/// The stopper's work: feeds the watchdog. A CPU on which it can run is healthy.
pub(crate) fn softlockup_fn(cpu: &Cpu) {
    feed(cpu);
}

pub(crate) fn feed(cpu: &Cpu) {
    let now = cpu.now();
    let heartbeat = cpu.watchdog.heartbeat();
    let fed = cpu.shared().softlockup_detector.feed(heartbeat, get_timestamp(now));
    cpu.watchdog.set_heartbeat(fed);
    cpu.record_at(now, Event::Feed);
}

/// Begins a new count at the next sample: what this CPU did until then is no lockup. Called by a CPU that leaves a
/// tickless idle, and by one that is slow on purpose. In Linux: `touch_softlockup_watchdog`,
/// `touch_softlockup_watchdog_sched`.
pub(crate) fn touch_softlockup_watchdog(cpu: &Cpu) {
    let touched = cpu.shared().softlockup_detector.touch(cpu.watchdog.heartbeat());
    cpu.watchdog.set_heartbeat(touched);
    cpu.record(Event::Touch);
}
