//! What the soft-lockup watchdog of a CPU remembers. The CPU's own: nothing here is shared.
//!
//! In Linux: `kernel/watchdog.c`, `watchdog_touch_ts`, `watchdog_report_ts`, `watchdog_hrtimer`.

use std::cell::Cell;

use crate::parts::softlockup::Heartbeat;
use crate::time::KernelTime;

/// See the module's head.
#[derive(Debug, Default)]
pub(crate) struct HeartbeatState {
    heartbeat: Cell<Heartbeat>,
    timer_expiry: Cell<KernelTime>,
    enabled: Cell<bool>,
}

impl HeartbeatState {
    /// What the detector remembers.
    pub(crate) fn heartbeat(&self) -> Heartbeat {
        self.heartbeat.get()
    }

    pub(crate) fn set_heartbeat(&self, heartbeat: Heartbeat) {
        self.heartbeat.set(heartbeat);
    }

    /// When the watchdog's timer should have fired; the clock may serve it a tick later.
    pub(crate) fn timer_expiry(&self) -> KernelTime {
        self.timer_expiry.get()
    }

    /// Whether the watchdog of this CPU runs. In Linux: `watchdog_enabled`, `HRTIMER_NORESTART`.
    pub(crate) fn is_enabled(&self) -> bool {
        self.enabled.get()
    }

    pub(crate) fn set_enabled(&self, enabled: bool) {
        self.enabled.set(enabled);
    }

    pub(crate) fn set_timer_expiry(&self, expiry: KernelTime) {
        self.timer_expiry.set(expiry);
    }
}
