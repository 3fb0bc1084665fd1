//! Right ones.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
    solution(checks::<ex02_heartbeat_solution::MyDetector>),
    right("the kernel's own", checks::<WarnOnceDetector>),
    right("time_after, as Linux writes it", checks::<TimeAfter>),
    right("touched is a mark in report_ts", checks::<MarkInReportTs>),
    right("touched is u64::MAX", checks::<TouchedIsMax>),
    right("a feed takes the warning back", checks::<FeedTakesBack>),
    right("counts from report_ts", checks::<CountsFromReportTs>),
    right("remembers the new task at once", checks::<NewTaskAtOnce>),
];

detector! {
    TimeAfter {}
    sample(self, it, now, thresh, current) {
        let time_after = |a: u64, b: u64| (b.wrapping_sub(a) as i64) < 0;
        let starves = time_after(now, it.touch_ts.wrapping_add(thresh));
        judge(it, now, current, starves, now.wrapping_sub(it.touch_ts))
    }
}

detector! {
    MarkInReportTs {}
    feed(self, it, now) {
        Heartbeat { touch_ts: now, report_ts: 0, ..it }
    }
    touch(it) {
        Heartbeat { report_ts: 1, ..it }
    }
    sample(self, it, now, thresh, current) {
        if it.report_ts == 1 {
            return (Heartbeat { touch_ts: now, report_ts: 0, ..it }, Reset);
        }
        let units = now.wrapping_sub(it.touch_ts);
        match it.warned {
            _ if units <= thresh => (Heartbeat { warned: None, ..it }, Healthy),
            Some(reported) if reported == current => (it, AlreadyReported),
            Some(_) => (Heartbeat { touch_ts: now, warned: None, ..it }, Reset),
            None => (Heartbeat { warned: Some(current), ..it }, Lockup { units }),
        }
    }
}

detector! {
    TouchedIsMax {}
    touch(it) {
        Heartbeat { touch_ts: u64::MAX, ..it }
    }
    sample(self, it, now, thresh, current) {
        if it.touch_ts == u64::MAX {
            return (Heartbeat { touch_ts: now, ..it }, Reset);
        }
        let units = now.wrapping_sub(it.touch_ts);
        if units <= thresh {
            return (Heartbeat { warned: None, ..it }, Healthy);
        }
        match it.warned {
            Some(reported) if reported == current => (it, AlreadyReported),
            Some(_) => (Heartbeat { touch_ts: now, warned: None, ..it }, Reset),
            None => (Heartbeat { warned: Some(current), ..it }, Lockup { units }),
        }
    }
}

detector! {
    FeedTakesBack {}
    feed(self, _it, now) {
        Heartbeat { touch_ts: now, report_ts: 0, warned: None }
    }
}

detector! {
    /// `touch_ts` is not used; 0 is a time like any other, and a touch is a warning of no task.
    CountsFromReportTs {}
    feed(self, it, now) {
        Heartbeat { report_ts: now, touch_ts: 1, ..it }
    }
    touch(it) {
        Heartbeat { touch_ts: 0, ..it }
    }
    sample(self, it, now, thresh, current) {
        let from_here = Heartbeat { report_ts: now, touch_ts: 1, warned: None };
        let units = now.wrapping_sub(it.report_ts);
        match (it.touch_ts, it.warned) {
            (0, _) => (from_here, Reset),
            _ if units <= thresh => (Heartbeat { warned: None, ..it }, Healthy),
            (_, None) => (Heartbeat { warned: Some(current), ..it }, Lockup { units }),
            (_, Some(reported)) if reported != current => (from_here, Reset),
            _ => (it, AlreadyReported),
        }
    }
}

detector! {
    /// The next sample finds it healthy, and forgets it.
    NewTaskAtOnce {}
    sample(self, it, now, thresh, current) {
        let (next, verdict) = sampled(it, now, thresh, current);
        let warned = it.warned.map(|_| current);
        match verdict {
            Reset => (Heartbeat { warned, ..next }, verdict),
            _ => (next, verdict),
        }
    }
}
