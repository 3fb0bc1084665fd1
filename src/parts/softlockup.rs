//! Is this CPU soft-locked? The decision, as a pure function of a heartbeat and the time.
//!
//! In Linux: `kernel/watchdog.c`, `is_softlockup` and the bookkeeping around it in `watchdog_timer_fn`.
//! Here it differs: the per-CPU variables are one value, [`Heartbeat`], which the detector gets and returns.

use crate::record::Pid;
use crate::version::Kernel;

/// What the watchdog of one CPU remembers from sample to sample. Times are [`get_timestamp`](crate::time::get_timestamp)
/// units. Written and read by its own CPU only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heartbeat {
    /// `watchdog_touch_ts`: when the stopper last ran here. On 4.19, 0 means "touched".
    pub touch_ts: u64,
    /// `watchdog_report_ts` (5.13 and later): from when the threshold is counted.
    pub report_ts: u64,
    /// `soft_watchdog_warn` and `softlockup_task_ptr_saved` (4.19): the task that was already reported.
    pub warned: Option<Pid>,
}

/// What else a detector may know when it samples.
#[derive(Clone, Copy, Debug)]
pub struct SampleContext {
    /// [`get_timestamp`](crate::time::get_timestamp) now.
    pub now: u64,
    /// [`softlockup_thresh`](crate::time::softlockup_thresh) in the same units.
    pub softlockup_thresh: u64,
    /// The task that the timer interrupted.
    pub current: Pid,
}

/// What one sample finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoftlockupVerdict {
    /// Fed recently enough.
    Healthy,
    /// The watchdog was touched; the count begins again now.
    Reset,
    /// Locked up, and already reported.
    AlreadyReported,
    /// Locked up: `BUG: soft lockup - CPU#… stuck for …s!`
    Lockup {
        /// Timestamp units since the CPU was fed: the number that is printed as seconds.
        units: u64,
    },
}

/// Decides when a CPU is soft-locked. Pure: it reads no clock, logs nothing and locks nothing.
///
/// The rules, as tests, are in [`contract::softlockup`](crate::parts::contract::softlockup).
pub trait SoftlockupDetector: Send + Sync + 'static {
    /// The stopper ran at `now`. In Linux: `softlockup_fn`, `update_touch_ts`.
    fn feed(&self, heartbeat: Heartbeat, now: u64) -> Heartbeat;

    /// The CPU left a tickless idle, or some code is slow on purpose. In Linux:
    /// `touch_softlockup_watchdog_sched`.
    fn touch(&self, heartbeat: Heartbeat) -> Heartbeat;

    /// The timer samples the CPU. In Linux: `is_softlockup`, and what `watchdog_timer_fn` remembers of its warnings.
    fn sample(
        &self,
        heartbeat: Heartbeat,
        context: SampleContext,
    ) -> (Heartbeat, SoftlockupVerdict);

    /// The sample found a lockup, but another CPU is having all CPUs dumped, so this one keeps silent: what it remembers
    /// instead of what [`sample`](Self::sample) returned. Unless a detector says otherwise, it tries again at the next
    /// sample. In Linux: `watchdog_timer_fn`, where `soft_lockup_nmi_warn` is taken (5.13: before `update_report_ts`).
    fn gives_way(&self, heartbeat: Heartbeat) -> Heartbeat {
        heartbeat
    }
}

/// `time_after(a, b)`: a is later than b, also when the counter has wrapped between them.
const fn time_after(a: u64, b: u64) -> bool {
    (b.wrapping_sub(a) as i64) < 0
}

/// 4.19: reports a task once, unless printing the report touches the watchdog. (A silent console does not touch it.)
#[derive(Clone, Copy, Debug, Default)]
pub struct WarnOnceDetector;

impl WarnOnceDetector {
    /// "Touched", in `watchdog_touch_ts`.
    const RESET: u64 = 0;
}

impl SoftlockupDetector for WarnOnceDetector {
    fn feed(&self, heartbeat: Heartbeat, now: u64) -> Heartbeat {
        Heartbeat { touch_ts: now, ..heartbeat }
    }

    fn touch(&self, heartbeat: Heartbeat) -> Heartbeat {
        Heartbeat { touch_ts: Self::RESET, ..heartbeat }
    }

    fn sample(
        &self,
        heartbeat: Heartbeat,
        context: SampleContext,
    ) -> (Heartbeat, SoftlockupVerdict) {
        let SampleContext { now, softlockup_thresh, current } = context;
        let Heartbeat { touch_ts, warned, .. } = heartbeat;
        if touch_ts == Self::RESET {
            (Heartbeat { touch_ts: now, ..heartbeat }, SoftlockupVerdict::Reset)
        } else if !time_after(now, touch_ts.wrapping_add(softlockup_thresh)) {
            (Heartbeat { warned: None, ..heartbeat }, SoftlockupVerdict::Healthy)
        } else if warned == Some(current) {
            (heartbeat, SoftlockupVerdict::AlreadyReported)
        } else if warned.is_some() {
            // Another task is stuck here now: it gets a count of its own.
            (Heartbeat { touch_ts: now, warned: None, ..heartbeat }, SoftlockupVerdict::Reset)
        } else {
            let units = now.wrapping_sub(touch_ts);
            (Heartbeat { warned: Some(current), ..heartbeat }, SoftlockupVerdict::Lockup { units })
        }
    }

    /// 4.19 sets `soft_watchdog_warn` and leaves `softlockup_task_ptr_saved` as it was: so the next sample takes the
    /// task for another one, and the count begins again.
    fn gives_way(&self, heartbeat: Heartbeat) -> Heartbeat {
        const NO_TASK: Pid = 0;
        Heartbeat { warned: Some(NO_TASK), ..heartbeat }
    }
}

/// 5.13 and later: reports again after every further threshold, with the total.
#[derive(Clone, Copy, Debug, Default)]
pub struct CumulativeDetector;

impl CumulativeDetector {
    /// `SOFTLOCKUP_DELAY_REPORT`, in `watchdog_report_ts`.
    const DELAY_REPORT: u64 = u64::MAX;
}

impl SoftlockupDetector for CumulativeDetector {
    fn feed(&self, heartbeat: Heartbeat, now: u64) -> Heartbeat {
        Heartbeat { touch_ts: now, report_ts: now, ..heartbeat }
    }

    /// Only the period begins again; `touch_ts` keeps the last feed. So the first report of a CPU that left idle
    /// comes 28 s after that feed, and says 26.
    fn touch(&self, heartbeat: Heartbeat) -> Heartbeat {
        Heartbeat { report_ts: Self::DELAY_REPORT, ..heartbeat }
    }

    fn sample(
        &self,
        heartbeat: Heartbeat,
        context: SampleContext,
    ) -> (Heartbeat, SoftlockupVerdict) {
        let SampleContext { now, softlockup_thresh, .. } = context;
        let Heartbeat { touch_ts, report_ts, .. } = heartbeat;
        if report_ts == Self::DELAY_REPORT {
            (Heartbeat { report_ts: now, ..heartbeat }, SoftlockupVerdict::Reset)
        } else if time_after(now, report_ts.wrapping_add(softlockup_thresh)) {
            let units = now.wrapping_sub(touch_ts);
            (Heartbeat { report_ts: now, ..heartbeat }, SoftlockupVerdict::Lockup { units })
        } else {
            (heartbeat, SoftlockupVerdict::Healthy)
        }
    }
}

/// The detector of a kernel.
pub(crate) fn detector_of(kernel: Kernel) -> Box<dyn SoftlockupDetector> {
    match kernel {
        Kernel::Arm64V4_19 => Box::new(WarnOnceDetector),
        Kernel::Arm64V6_1 | Kernel::Arm64V6_12 | Kernel::X86V6_1 => Box::new(CumulativeDetector),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a CPU prints that was fed at the very beginning of a unit, then never again, and is sampled every 4 s.
    fn printed(
        detector: &impl SoftlockupDetector,
        left_idle: bool,
        samples: u64,
    ) -> Vec<(u64, u64)> {
        let unit = |n: u64| ((1_000 << 30) + n * 4_000_000_000) >> 30;
        let mut heartbeat = detector.feed(Heartbeat::default(), unit(0));
        if left_idle {
            heartbeat = detector.touch(heartbeat);
        }
        let mut reports = Vec::new();
        for n in 1..=samples {
            let context = SampleContext { now: unit(n), softlockup_thresh: 20, current: 1 };
            let (next, verdict) = detector.sample(heartbeat, context);
            heartbeat = next;
            if let SoftlockupVerdict::Lockup { units } = verdict {
                reports.push((n, units));
            }
        }
        reports
    }

    #[test]
    fn warn_once_reports_at_the_sixth_sample_and_never_again() {
        assert_eq!(printed(&WarnOnceDetector, false, 60), [(6, 22)]);
    }

    #[test]
    fn warn_once_counts_from_the_sample_after_a_touch() {
        assert_eq!(printed(&WarnOnceDetector, true, 60), [(7, 23)]);
    }

    #[test]
    fn cumulative_repeats_every_six_samples_with_the_total() {
        assert_eq!(
            printed(&CumulativeDetector, false, 24),
            [(6, 22), (12, 44), (18, 67), (24, 89)]
        );
    }

    #[test]
    fn cumulative_says_26_first_for_a_cpu_that_left_idle() {
        assert_eq!(printed(&CumulativeDetector, true, 20), [(7, 26), (13, 48), (19, 70)]);
    }

    #[test]
    fn warn_once_gives_another_task_a_count_of_its_own() {
        let detector = WarnOnceDetector;
        let fed = detector.feed(Heartbeat::default(), 100);
        let at = |now, current| SampleContext { now, softlockup_thresh: 20, current };
        let (reported, verdict) = detector.sample(fed, at(122, 1));
        assert_eq!(verdict, SoftlockupVerdict::Lockup { units: 22 });
        assert_eq!(detector.sample(reported, at(126, 1)).1, SoftlockupVerdict::AlreadyReported);
        let (restarted, verdict) = detector.sample(reported, at(126, 2));
        assert_eq!(verdict, SoftlockupVerdict::Reset);
        assert_eq!(
            detector.sample(restarted, at(148, 2)).1,
            SoftlockupVerdict::Lockup { units: 22 }
        );
    }
}
