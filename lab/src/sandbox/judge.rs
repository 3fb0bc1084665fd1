//! Is it stuck? Judged by progress, not by the clock: a program that computes for ever uses CPU time and its report does
//! not grow; a program in a deadlock uses none, and its threads sleep; a program on a busy host does neither.
//!
//! Pure: it gets what was seen and returns what to do. [`super::supervisor`] looks and kills.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ended::{How, SleepsIn};

/// What a run may use.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Limits {
    /// By the clock, in milliseconds: a back-stop.
    pub(crate) wall_ms: u64,
    /// CPU time without a new line in the report, in milliseconds.
    pub(crate) cpu_ms: u64,
    /// How long all threads may sleep at once, in milliseconds.
    pub(crate) sleep_ms: u64,
    /// Threads and processes.
    pub(crate) tasks: usize,
    /// CPU time of one process, in seconds: the kernel keeps it.
    pub(crate) process_cpu_s: u64,
    /// Memory of one process, in bytes: the kernel keeps it.
    pub(crate) memory: u64,
    /// The longest file, in bytes: the kernel keeps it.
    pub(crate) file: u64,
}

impl Limits {
    /// Of a run that grades.
    pub(crate) const GRADING: Self = Self {
        wall_ms: 14_000,
        cpu_ms: 8_000,
        sleep_ms: 2_000,
        tasks: 1_000,
        process_cpu_s: 12,
        memory: 4 << 30,
        file: 64 << 20,
    };

    /// The back-stop.
    pub(super) fn wall(&self) -> Duration {
        Duration::from_millis(self.wall_ms)
    }
}

/// What is seen of a run at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// Since its start, in milliseconds.
    pub(super) wall_ms: u64,
    /// CPU time of all its processes, in milliseconds. `None` where the host does not tell.
    pub(super) cpu_ms: Option<u64>,
    /// The length of its report.
    pub(super) report: u64,
    /// Threads and processes.
    pub(super) tasks: usize,
    /// If all threads sleep: how often they were switched in and out, and what they sleep in.
    pub(super) asleep: Option<(u64, SleepsIn)>,
}

/// Follows one run.
#[derive(Debug)]
pub(super) struct Judge {
    limits: Limits,
    report: u64,
    cpu_at_report: u64,
    /// Since when nothing was switched, and the number of switches.
    asleep: Option<(u64, u64)>,
}

impl Judge {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, report: 0, cpu_at_report: 0, asleep: None }
    }

    /// Returns why the run must end now, if it must.
    pub(super) fn look(&mut self, seen: &Seen) -> Option<How> {
        let cpu = seen.cpu_ms.unwrap_or(0);
        if seen.report != self.report {
            (self.report, self.cpu_at_report) = (seen.report, cpu);
        }
        if seen.tasks > self.limits.tasks {
            return Some(How::TooMany(seen.tasks));
        }
        if self.cpu_since_report(cpu) > self.limits.cpu_ms {
            return Some(How::RanWithoutEnd);
        }
        if self.asleep_ms(seen) > self.sleep_limit(seen) {
            return Some(How::SleptForEver);
        }
        (seen.wall_ms > self.limits.wall_ms).then_some(How::OutOfTime)
    }

    /// CPU time since the report grew.
    pub(super) fn cpu_since_report(&self, cpu_ms: u64) -> u64 {
        cpu_ms.saturating_sub(self.cpu_at_report)
    }

    fn asleep_ms(&mut self, seen: &Seen) -> u64 {
        let Some((switches, _)) = seen.asleep else {
            self.asleep = None;
            return 0;
        };
        match self.asleep {
            Some((since, before)) if before == switches => seen.wall_ms - since,
            _ => {
                self.asleep = Some((seen.wall_ms, switches));
                0
            }
        }
    }

    /// A thread in `sleep` will wake: it gets more time.
    fn sleep_limit(&self, seen: &Seen) -> u64 {
        match seen.asleep {
            Some((_, SleepsIn::Time)) => self.limits.sleep_ms * 4,
            _ => self.limits.sleep_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge() -> Judge {
        Judge::new(Limits::GRADING)
    }

    fn busy(wall_ms: u64, cpu_ms: u64, report: u64) -> Seen {
        Seen { wall_ms, cpu_ms: Some(cpu_ms), report, tasks: 1, asleep: None }
    }

    fn asleep(wall_ms: u64, switches: u64, sleeps_in: SleepsIn) -> Seen {
        Seen { asleep: Some((switches, sleeps_in)), ..busy(wall_ms, 0, 0) }
    }

    #[test]
    fn cpu_time_counts_from_the_last_line_of_the_report() {
        let mut judge = judge();
        assert_eq!(judge.look(&busy(3_000, 3_000, 0)), None);
        assert_eq!(judge.look(&busy(3_500, 3_500, 80)), None);
        assert_eq!(judge.look(&busy(7_000, 7_000, 80)), None);
        assert_eq!(judge.look(&busy(11_600, 11_600, 80)), Some(How::RanWithoutEnd));
    }

    #[test]
    fn a_program_that_gets_no_cpu_is_slow_and_not_stuck() {
        let mut judge = judge();
        assert_eq!(judge.look(&busy(13_000, 100, 0)), None);
        assert_eq!(judge.look(&busy(14_001, 100, 0)), Some(How::OutOfTime));
    }

    #[test]
    fn threads_that_sleep_and_never_run_are_in_a_deadlock() {
        let mut judge = judge();
        assert_eq!(judge.look(&asleep(100, 7, SleepsIn::Another)), None);
        assert_eq!(judge.look(&asleep(2_000, 7, SleepsIn::Another)), None);
        assert_eq!(judge.look(&asleep(2_101, 7, SleepsIn::Another)), Some(How::SleptForEver));
    }

    #[test]
    fn threads_that_sleep_and_run_in_between_are_not() {
        let mut judge = judge();
        for switches in 0..100 {
            assert_eq!(judge.look(&asleep(100 * switches, switches, SleepsIn::Another)), None);
        }
    }

    #[test]
    fn a_thread_in_sleep_gets_more_time() {
        let mut judge = judge();
        assert_eq!(judge.look(&asleep(0, 7, SleepsIn::Time)), None);
        assert_eq!(judge.look(&asleep(5_000, 7, SleepsIn::Time)), None);
        assert_eq!(judge.look(&asleep(8_001, 7, SleepsIn::Time)), Some(How::SleptForEver));
    }

    #[test]
    fn a_crowd_of_threads_is_too_many() {
        assert_eq!(
            judge().look(&Seen { tasks: 1_001, ..busy(0, 0, 0) }),
            Some(How::TooMany(1_001))
        );
    }
}
