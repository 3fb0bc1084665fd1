//! What the soft-lockup watchdog of a CPU remembers. The CPU's own: nothing here is shared.
//!
//! In Linux: `kernel/watchdog.c`, `watchdog_touch_ts`, `watchdog_report_ts`, `watchdog_hrtimer`.

use std::cell::Cell;

use crate::cpumask::CpuId;
use crate::kernel::state::standstill::Standstill;
use crate::parts::softlockup::Heartbeat;
use crate::time::KernelTime;

/// See the module's head.
#[derive(Debug, Default)]
pub(crate) struct HeartbeatState {
    heartbeat: Cell<Heartbeat>,
    timer_expiry: Cell<KernelTime>,
    enabled: Cell<bool>,
    awaited: Cell<Option<CpuId>>,
    awaited_stands: Standstill,
}

/// This CPU waits for another one; not any more when the guard is dropped.
#[derive(Debug)]
#[must_use = "the wait is over when the guard is dropped"]
pub(crate) struct Awaiting<'a> {
    state: &'a HeartbeatState,
    outer: Option<CpuId>,
}

impl Drop for Awaiting<'_> {
    fn drop(&mut self) {
        self.state.awaited.set(self.outer);
    }
}

impl HeartbeatState {
    /// What the detector remembers.
    pub(crate) fn heartbeat(&self) -> Heartbeat {
        self.heartbeat.get()
    }

    pub(crate) fn set_heartbeat(&self, heartbeat: Heartbeat) {
        self.heartbeat.set(heartbeat);
    }

    /// From now on this CPU waits for an answer of `on`.
    pub(crate) fn awaits(&self, on: CpuId) -> Awaiting<'_> {
        Awaiting { state: self, outer: self.awaited.replace(Some(on)) }
    }

    /// Whether the CPU that is waited for has passed no interruption point since the last sample of this one;
    /// `progress` tells how many it has passed.
    pub(crate) fn awaits_a_standstill(&self, progress: impl FnOnce(CpuId) -> Option<u64>) -> bool {
        self.awaited_stands.look(self.awaited.get(), progress)
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
