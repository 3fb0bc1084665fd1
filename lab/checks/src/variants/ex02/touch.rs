//! The watchdog was touched.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
    wrong(
        "a touch does nothing",
        TOUCH,
        &["the sample after the touch", "units: 29", "309"],
        checks::<TouchDoesNothing>,
    ),
    wrong(
        "touched is taken for a time",
        TOUCH,
        &["the sample after the touch", "units: 309"],
        checks::<TouchedIsATime>,
    ),
    wrong(
        "touched for ever",
        TOUCH,
        &["a sample one threshold later", "gave Reset"],
        checks::<TouchedForEver>,
    ),
    wrong(
        "healthy after a touch, from the old feed",
        TOUCH,
        &["gave Healthy and not Reset"],
        checks::<HealthyAfterTouch>,
    ),
    wrong(
        "a touch is a feed at the last sample",
        TOUCH,
        &["the sample after the touch"],
        checks::<FedAtLastSample>,
    ),
];

detector! {
    TouchDoesNothing {}
    touch(it) {
        it
    }
}

detector! {
    TouchedIsATime {}
    sample(self, it, now, thresh, current) {
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
    TouchedForEver {}
    sample(self, it, now, thresh, current) {
        let (next, verdict) = sampled(it, now, thresh, current);
        (Heartbeat { touch_ts: if it.touch_ts == 0 { 0 } else { next.touch_ts }, ..next }, verdict)
    }
}

detector! {
    HealthyAfterTouch {}
    touch(it) {
        Heartbeat { report_ts: 1, ..it }
    }
    sample(self, it, now, thresh, current) {
        if it.report_ts == 1 {
            return (Heartbeat { report_ts: 0, ..it }, Healthy);
        }
        let units = now.wrapping_sub(it.touch_ts);
        judge(it, now, current, units > thresh, units)
    }
}

detector! {
    /// The time is not known in `touch`: so it takes the last one that it knows.
    FedAtLastSample {}
    touch(it) {
        Heartbeat { touch_ts: it.report_ts.max(1), ..it }
    }
    sample(self, it, now, thresh, current) {
        sampled(Heartbeat { report_ts: now, ..it }, now, thresh, current)
    }
}
