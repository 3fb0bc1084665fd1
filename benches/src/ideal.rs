//! When each detector ought to report a stuck CPU, to the nanosecond: what is left of a measured delay is the host's
//! and the machine's.
//!
//! A delay is a matter of phase. A CPU's timer samples on a grid that begins when the CPU comes online and never moves.
//! A CPU that gets stuck between two samples is sampled at the next one, and a CPU that watches it looks at its own
//! next sample.
//!
//! In Linux: `kernel/watchdog.c`, `watchdog_timer_fn`, `is_softlockup`; `kernel/watchdog_buddy.c`; `kernel/smp.c`,
//! `csd_lock_wait_toolong`.

use softlockup::KernelTime;
use softlockup::config::{BringUp, BuddyRule};
use softlockup::time::{NSEC_PER_SEC, get_timestamp, sample_period_ns, softlockup_thresh};

/// When the watchdog of one CPU samples it.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    /// When the CPU came online and was fed for the first time: sample 0, which looks at nothing.
    pub origin: KernelTime,
    /// `kernel.watchdog_thresh` in seconds, not 0.
    pub watchdog_thresh_secs: u64,
    /// At which ticks timers are served.
    pub bring_up: BringUp,
}

impl Grid {
    fn period_ns(&self) -> u64 {
        sample_period_ns(self.watchdog_thresh_secs)
    }

    /// When sample `n` is taken.
    pub fn sample(&self, n: u64) -> KernelTime {
        match n {
            0 => self.origin,
            _ => self.bring_up.served_at(self.origin + n * self.period_ns()),
        }
    }

    /// The last sample that is taken by `now`.
    pub fn last_at(&self, now: KernelTime) -> u64 {
        let expired = now.ns_since(self.origin) / self.period_ns();
        expired.saturating_sub(u64::from(self.sample(expired) > now))
    }
}

/// When a CPU reports itself that was fed at its sample `fed` and never again: at the first sample that is more than
/// the threshold of units later.
pub fn softlockup(own: &Grid, fed: u64) -> KernelTime {
    let unit = |n| get_timestamp(own.sample(n));
    let thresh = softlockup_thresh(own.watchdog_thresh_secs);
    let reports = (fed + 1..).find(|&n| unit(n) - unit(fed) > thresh);
    own.sample(reports.expect("time goes on"))
}

/// When a CPU that took its sample `last` (not 0) and then went dark is reported by its buddy. The first look after
/// that sample still finds a count that has changed; the report comes as many looks later as make a lockup.
pub fn buddy(dark: &Grid, last: u64, watching: &Grid, rule: BuddyRule) -> KernelTime {
    let looks = (1..).map(|look| look * rule.every);
    let mut after = looks.skip_while(|&n| watching.sample(n) <= dark.sample(last));
    let finds_it_changed = after.next().expect("time goes on");
    watching.sample(finds_it_changed + u64::from(rule.miss_thresh) * rule.every)
}

/// `smp.csd_lock_timeout`.
pub const CSD_LOCK_TIMEOUT_NS: u64 = 5 * NSEC_PER_SEC;

/// When a caller reports that has waited for a csd since `began`: as soon as *more* than the time-out has passed.
pub fn csd_debug(began: KernelTime) -> KernelTime {
    began + CSD_LOCK_TIMEOUT_NS + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEC: u64 = NSEC_PER_SEC;

    fn grid(origin_ns: u64, tick_ns: u64) -> Grid {
        let bring_up = BringUp { tick_ns, ..BringUp::default() };
        Grid { origin: KernelTime::from_ns(origin_ns), watchdog_thresh_secs: 10, bring_up }
    }

    #[test]
    fn the_last_sample_is_the_one_that_was_served() {
        let ticking = grid(SEC, 4_000_000);
        let first = ticking.sample(1);
        assert_eq!(first.ns(), 5_002_045_000, "at the tick after it expired");
        assert_eq!((ticking.last_at(first - 1), ticking.last_at(first)), (0, 1));
        assert_eq!(grid(SEC, 0).sample(1).ns(), 5 * SEC);
    }

    #[test]
    fn a_soft_lockup_is_reported_at_the_sixth_sample() {
        for origin in (0..2 * SEC).step_by(7_654_321) {
            let own = grid(origin, 0);
            assert_eq!(softlockup(&own, 3), own.sample(9), "{origin}");
        }
    }

    #[test]
    fn the_buddy_looks_once_in_vain_and_then_misses_what_it_may() {
        let (dark, watching) = (grid(SEC, 0), grid(2 * SEC, 0));
        let at = |last, rule| buddy(&dark, last, &watching, rule).ns_since(dark.sample(last)) / SEC;
        // The looks are samples 3, 6, 9, … of the other CPU, 1 s behind those of the dark one.
        assert_eq!([1, 2, 3, 4].map(|n| at(n, BuddyRule::EVERY_THIRD_SAMPLE)), [21, 17, 13, 21]);
        assert_eq!([1, 2, 3, 4].map(|n| at(n, BuddyRule::EVERY_SAMPLE)), [13; 4]);
    }
}
