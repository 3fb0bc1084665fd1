//! What the records of a machine with a stuck CPU say: which CPU reported which, when, and when it should have done so.
//!
//! In lockstep the measured moment *is* the ideal one, which the tests say.

use softlockup::incident::report::{Detection, Detector};
use softlockup::vector::Vector;
use softlockup::{CpuId, Event, Incident, KernelTime, Record};

use crate::stuck::{CPU0, CPU1, Case, STUCK, Stuck};

/// What a run showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The CPU is stuck from here on.
    pub onset: KernelTime,
    /// The report is out: the reporter's next record.
    pub reported: KernelTime,
    /// When it should have been.
    pub ideal: KernelTime,
    /// See [`Wrong::disturbed`].
    pub disturbed: bool,
}

/// A run that did not show what it ought to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// How.
    pub what: String,
    /// A CPU came online, or took a sample, more than an eighth of a period late, which in wall-clock time the host can
    /// do to it. That can delay the report by whole periods, and says little about the detector.
    pub disturbed: bool,
}

impl Stuck {
    /// Reads the records of a run.
    ///
    /// # Errors
    /// If not exactly one report was made, by the right CPU, of the right one, after the onset.
    pub fn seen(&self, incident: &Incident) -> Result<Seen, Wrong> {
        let disturbed = self.most_late_ns(incident) > Stuck::apart_ns(self.watchdog_thresh_secs);
        match self.find(incident) {
            Some(seen) => Ok(Seen { disturbed, ..seen }),
            None => {
                let what = format!("{self:?}: {:?}", incident.report().detections);
                Err(Wrong { what, disturbed })
            }
        }
    }

    fn find(&self, incident: &Incident) -> Option<Seen> {
        let (detector, reporter, named) = match self.case {
            Case::Softlockup => (Detector::Softlockup, CPU0, CPU0),
            Case::Buddy(_) => (Detector::HardlockupBuddy, CPU1, CPU0),
            Case::CsdDebug => (Detector::Csd, CPU1, CPU0),
        };
        let right = |found: &Detection| {
            (found.detector, found.reporter_cpu, found.named_cpu) == (detector, reporter, named)
        };
        let records = &incident.records;
        let mut reports = (0..records.len()).filter(|&n| is_first_report(&records[n].event));
        let (report, None) = (reports.next()?, reports.next()) else { return None };
        let began = records.iter().position(|record| self.is_onset(record))?;
        if began > report || !incident.report().detections.iter().all(right) {
            return None;
        }
        let onset = records[began].time;
        let next = records[report + 1..].iter().find(|record| record.cpu == reporter)?;
        let grids = [self.grid(first_fed(records, CPU0)?), self.grid(first_fed(records, CPU1)?)];
        // The last sample that the stuck CPU took in health; not of the time, should one have been due at the onset.
        let fed = records[..began].iter().rev().find(|record| is_feed(record, CPU0))?.time;
        let ideal = self.ideal(grids, grids[0].last_at(fed), onset);
        Some(Seen { onset, reported: next.time, ideal, disturbed: false })
    }

    fn is_onset(&self, record: &Record) -> bool {
        match (self.case, &record.event) {
            (Case::Softlockup, Event::Enter { func }) => func == STUCK,
            (Case::Buddy(_), Event::IrqsOff) => record.cpu == CPU0,
            (Case::CsdDebug, Event::CsdWait { .. }) => record.cpu == CPU1,
            _ => false,
        }
    }

    /// How much later than it should any CPU came online or took a sample.
    fn most_late_ns(&self, incident: &Incident) -> u64 {
        let late = [CPU0, CPU1].into_iter().filter_map(|cpu| {
            let grid = self.grid(first_fed(&incident.records, cpu)?);
            let boot = grid.origin.ns_since(self.bring_up.online_at(cpu));
            let timer = Event::IrqEnter { vector: Vector::Timer };
            let taken = incident.records.iter().filter(|r| r.cpu == cpu && r.event == timer);
            let samples = taken.zip(1..).map(|(record, n)| record.time.ns_since(grid.sample(n)));
            samples.chain([boot]).max()
        });
        late.max().unwrap_or(u64::MAX)
    }
}

fn is_feed(record: &Record, cpu: CpuId) -> bool {
    record.cpu == cpu && record.event == Event::Feed
}

/// When a CPU was fed for the first time. It sets up its timer right behind: in wall-clock time about a microsecond of
/// the host later, by which every report seems late.
fn first_fed(records: &[Record], cpu: CpuId) -> Option<KernelTime> {
    records.iter().find(|record| is_feed(record, cpu)).map(|record| record.time)
}

/// A csd that stays locked is reported again and again: that is no other lockup.
fn is_first_report(event: &Event) -> bool {
    matches!(
        event,
        Event::SoftLockup { .. } | Event::HardLockup { .. } | Event::CsdStall { first: true, .. }
    )
}

#[cfg(test)]
mod tests {
    use softlockup::Clock;
    use softlockup::config::BuddyRule;

    use super::*;
    use crate::random::Random;

    const CASES: [Case; 4] = [
        Case::Softlockup,
        Case::Buddy(BuddyRule::EVERY_THIRD_SAMPLE),
        Case::Buddy(BuddyRule::EVERY_SAMPLE),
        Case::CsdDebug,
    ];

    fn run(stuck: &Stuck) -> Seen {
        let run = stuck.machine(Clock::default()).run().unwrap();
        stuck.seen(&run.incident).unwrap()
    }

    #[test]
    fn in_lockstep_every_report_comes_at_the_ideal_moment() {
        for case in CASES {
            let mut random = Random::new(1);
            for _ in 0..100 {
                let stuck = Stuck::draw(case, 10, || random.uniform());
                let seen = run(&stuck);
                assert!(!seen.disturbed);
                assert_eq!(seen.onset, stuck.onset, "{stuck:?}");
                assert_eq!(seen.reported, seen.ideal, "{stuck:?}");
                assert_eq!(seen.ideal.ns_since(seen.onset), stuck.ideal_delay_ns(), "{stuck:?}");
            }
        }
    }

    #[test]
    fn so_it_does_at_other_thresholds_and_with_timers_served_at_the_tick() {
        let mut random = Random::new(2);
        for thresh in (1..=60).filter(|thresh| thresh % 5 == 0 || *thresh < 10) {
            for &case in &CASES[..3] {
                let mut stuck = Stuck::draw(case, thresh, || random.uniform());
                stuck.bring_up.tick_ns = 4_000_000;
                let seen = run(&stuck);
                assert_eq!(seen.reported, seen.ideal, "{stuck:?}");
                assert_eq!(seen.ideal.ns_since(seen.onset), stuck.ideal_delay_ns(), "{stuck:?}");
            }
        }
    }

    #[test]
    fn a_machine_on_which_no_detector_looks_is_wrong_and_not_the_hosts_fault() {
        let mut random = Random::new(3);
        let stuck = Stuck::draw(Case::Softlockup, 10, || random.uniform());
        let other = Stuck { case: Case::Buddy(BuddyRule::EVERY_THIRD_SAMPLE), ..stuck };
        let run = other.machine(Clock::default()).run().unwrap();
        assert!(!stuck.seen(&run.incident).unwrap_err().disturbed);
    }
}
