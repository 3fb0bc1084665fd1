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

    pub(crate) fn set_timer_expiry(&self, expiry: KernelTime) {
        self.timer_expiry.set(expiry);
    }
}
