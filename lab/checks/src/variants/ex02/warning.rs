//! Once for each task.

use super::*;

const ONCE: &str = "contract::softlockup::warns_once_per_task";
const REARMS: &str = "contract::softlockup::rearms_after_a_feed";
const ANOTHER: &str = "contract::softlockup::another_task_gets_a_count_of_its_own";
const APART: &str = "contract::softlockup::keeps_cpus_apart";

pub(super) const VARIANTS: &[Variant] = &[
    wrong(
        "forgets what it reported",
        ONCE,
        &["a later sample of the same task", "AlreadyReported"],
        checks::<Forgets>,
    ),
    wrong(
        "repeats with the total, as 5.13 does",
        ONCE,
        &["AlreadyReported"],
        checks::<CumulativeDetector>,
    ),
    wrong(
        "begins anew after a report",
        ONCE,
        &["gave Healthy and not AlreadyReported"],
        checks::<BeginsAnew>,
    ),
    wrong(
        "the warning is never taken back",
        REARMS,
        &["gave AlreadyReported and not Lockup"],
        checks::<NeverTakenBack>,
    ),
    wrong(
        "the task is ignored",
        ANOTHER,
        &["another task", "gave AlreadyReported"],
        checks::<TaskIgnored>,
    ),
    wrong(
        "another task is reported at once",
        ANOTHER,
        &["another task", "Lockup { units: 26 }"],
        checks::<AnotherAtOnce>,
    ),
    wrong(
        "another task gets the old count",
        ANOTHER,
        &["a threshold later", "Lockup { units: 46 }"],
        checks::<NoNewCount>,
    ),
    wrong(
        "remembers the task in itself",
        STARVED,
        &["of a CPU that was never reported", "AlreadyReported"],
        checks::<InItself>,
    ),
    wrong("one time for all CPUs", APART, &["another CPU"], checks::<OneTime>),
    wrong(
        "every sample feeds",
        TOUCH,
        &["one unit after that", "gave Healthy"],
        checks::<EverySampleFeeds>,
    ),
];

detector! {
    Forgets {}
    sample(self, it, now, thresh, current) {
        let (next, verdict) = sampled(it, now, thresh, current);
        (Heartbeat { warned: None, ..next }, verdict)
    }
}

detector! {
    /// So that the next report comes a threshold later.
    BeginsAnew {}
    sample(self, it, now, thresh, current) {
        let (next, verdict) = sampled(it, now, thresh, current);
        match verdict {
            Lockup { .. } => (Heartbeat { touch_ts: now, ..next }, verdict),
            _ => (next, verdict),
        }
    }
}

detector! {
    NeverTakenBack {}
    sample(self, it, now, thresh, current) {
        let (next, verdict) = sampled(it, now, thresh, current);
        match verdict {
            Healthy => (it, verdict),
            _ => (next, verdict),
        }
    }
}

detector! {
    TaskIgnored {}
    sample(self, it, now, thresh, _current) {
        let units = now.wrapping_sub(it.touch_ts);
        judge(it, now, 0, units > thresh, units)
    }
}

detector! {
    AnotherAtOnce {}
    sample(self, it, now, thresh, current) {
        let units = now.wrapping_sub(it.touch_ts);
        let it = Heartbeat { warned: it.warned.filter(|&reported| reported == current), ..it };
        judge(it, now, current, units > thresh, units)
    }
}

detector! {
    /// The warning is taken back, and the count is not.
    NoNewCount {}
    sample(self, it, now, thresh, current) {
        let (next, verdict) = sampled(it, now, thresh, current);
        match it.warned {
            Some(_) if verdict == Reset => (Heartbeat { warned: None, ..it }, verdict),
            _ => (next, verdict),
        }
    }
}

detector! {
    /// As the per-CPU variables of Linux, but there is one of it.
    InItself { warned: AtomicU32, }
    sample(self, it, now, thresh, current) {
        let units = now.wrapping_sub(it.touch_ts);
        let warned = self.warned.load(Relaxed).checked_sub(1);
        let (next, verdict) = judge(Heartbeat { warned, ..it }, now, current, units > thresh, units);
        self.warned.store(next.warned.map_or(0, |task| task + 1), Relaxed);
        (next, verdict)
    }
}

detector! {
    /// The stopper's time in the detector.
    OneTime { touch_ts: AtomicU64, }
    feed(self, it, now) {
        self.touch_ts.store(now, Relaxed);
        Heartbeat { touch_ts: 1, ..it }
    }
    sample(self, it, now, thresh, current) {
        if it.touch_ts == 0 {
            self.touch_ts.store(now, Relaxed);
            return (Heartbeat { touch_ts: 1, ..it }, Reset);
        }
        let units = now.wrapping_sub(self.touch_ts.load(Relaxed));
        match it.warned {
            _ if units <= thresh => (Heartbeat { warned: None, ..it }, Healthy),
            Some(reported) if reported == current => (it, AlreadyReported),
            Some(_) => {
                self.touch_ts.store(now, Relaxed);
                (Heartbeat { warned: None, ..it }, Reset)
            }
            None => (Heartbeat { warned: Some(current), ..it }, Lockup { units }),
        }
    }
}

detector! {
    /// A CPU that takes its timer is alive, is it not?
    EverySampleFeeds {}
    sample(self, it, now, thresh, current) {
        let (next, verdict) = sampled(it, now, thresh, current);
        match verdict {
            Healthy => (Heartbeat { touch_ts: now, ..next }, verdict),
            _ => (next, verdict),
        }
    }
}
