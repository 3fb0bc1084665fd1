//! Kernel time, and the units in which the watchdog counts it.
//!
//! In Linux: `local_clock()` in nanoseconds; `kernel/watchdog.c`, `get_timestamp`, `get_softlockup_thresh`,
//! `set_sample_period`. Here it differs: kernel time may run in jumps or at a multiple of the host's clock
//! ([`Clock`](crate::Clock)); no code above this module can tell the difference.

use std::fmt;
use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

/// Nanoseconds in a second.
pub const NSEC_PER_SEC: u64 = 1_000_000_000;

/// Nanoseconds in one [`get_timestamp`] unit: 2³⁰, so 1.073741824 s. The "22s" of a report are units.
pub const NSEC_PER_TIMESTAMP_UNIT: u64 = 1 << 30;

/// From one tick to the next, with `HZ=250`.
pub(crate) const JIFFY_NS: u64 = 4_000_000;

/// `smp.csd_lock_timeout`: the first report comes after this long.
pub(crate) const CSD_LOCK_TIMEOUT_NS: u64 = 5 * NSEC_PER_SEC;

/// A moment in kernel time: nanoseconds since boot.
///
/// Displays as printk stamps it: `254.202183`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct KernelTime(u64);

impl KernelTime {
    /// The moment of boot.
    pub const BOOT: KernelTime = KernelTime(0);

    /// The end of time.
    pub const MAX: KernelTime = KernelTime(u64::MAX);

    /// The moment `ns` nanoseconds after boot.
    pub const fn from_ns(ns: u64) -> Self {
        KernelTime(ns)
    }

    /// The moment `secs` whole seconds after boot.
    pub const fn from_secs(secs: u64) -> Self {
        KernelTime(secs.saturating_mul(NSEC_PER_SEC))
    }

    /// The moment `secs` seconds after boot, to the nearest nanosecond. `None` unless `secs` is finite, not negative
    /// and below 2³² (136 years).
    pub fn from_secs_f64(secs: f64) -> Option<Self> {
        (secs.is_finite() && (0.0..4_294_967_296.0).contains(&secs))
            .then(|| KernelTime((secs * NSEC_PER_SEC as f64).round() as u64))
    }

    /// Nanoseconds since boot.
    pub const fn ns(self) -> u64 {
        self.0
    }

    /// Nanoseconds from `earlier` to this moment, 0 if it is not earlier.
    pub const fn ns_since(self, earlier: KernelTime) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<u64> for KernelTime {
    type Output = KernelTime;

    /// The moment `ns` nanoseconds later, at most [`KernelTime::MAX`].
    fn add(self, ns: u64) -> KernelTime {
        KernelTime(self.0.saturating_add(ns))
    }
}

impl Sub<u64> for KernelTime {
    type Output = KernelTime;

    /// The moment `ns` nanoseconds earlier, at least [`KernelTime::BOOT`].
    fn sub(self, ns: u64) -> KernelTime {
        KernelTime(self.0.saturating_sub(ns))
    }
}

impl fmt::Display for KernelTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0 / 1_000;
        let text = format_args!("{}.{:06}", micros / 1_000_000, micros % 1_000_000).to_string();
        f.pad(&text)
    }
}

/// Kernel time in watchdog units of 2³⁰ ns.
///
/// In Linux: `get_timestamp()`, `running_clock() >> 30LL /* 2^30 ~= 10^9 */`: a shift is cheaper than a division, and
/// it makes every "second" of a lockup report 7 % too long.
///
/// ```
/// use softlockup::KernelTime;
/// use softlockup::time::get_timestamp;
///
/// // CPU#35 of the article: fed at 336.462 s, reported at 360.462 s, 24.0 s later, "stuck for 22s".
/// let fed = KernelTime::from_secs_f64(336.462045).unwrap();
/// let reported = KernelTime::from_secs_f64(360.462045).unwrap();
/// assert_eq!(get_timestamp(reported) - get_timestamp(fed), 22);
/// ```
// ANCHOR: get-timestamp
pub const fn get_timestamp(now: KernelTime) -> u64 {
    now.0 >> 30
}
// ANCHOR_END: get-timestamp

/// A CPU is called soft-locked after this many timestamp units without being fed: `2 * watchdog_thresh`.
///
/// In Linux: `get_softlockup_thresh()`.
pub const fn softlockup_thresh(watchdog_thresh_secs: u64) -> u64 {
    2 * watchdog_thresh_secs
}

/// Nanoseconds from one sample of the watchdog to the next: a fifth of the threshold, 4 s by default, so that a CPU has
/// missed five feeds before it is reported.
///
/// In Linux: `set_sample_period()`.
pub const fn sample_period_ns(watchdog_thresh_secs: u64) -> u64 {
    softlockup_thresh(watchdog_thresh_secs) * (NSEC_PER_SEC / 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn displays_microseconds_cut_not_rounded() {
        assert_eq!(KernelTime::from_ns(254_202_183_999).to_string(), "254.202183");
        assert_eq!(KernelTime::from_ns(5_000_001_000).to_string(), "5.000001");
    }

    #[test]
    fn the_default_threshold_samples_every_four_seconds() {
        assert_eq!(sample_period_ns(10), 4 * NSEC_PER_SEC);
        assert_eq!(softlockup_thresh(10), 20);
    }

    #[test]
    fn seconds_that_are_no_time_are_refused() {
        for secs in [-1.0, f64::NAN, f64::INFINITY, 1e10] {
            assert_eq!(KernelTime::from_secs_f64(secs), None);
        }
    }
}
