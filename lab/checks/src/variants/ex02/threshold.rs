//! When is it too long?

use super::*;

const OBEYS: &str = "contract::softlockup::obeys_the_threshold";

pub(super) const VARIANTS: &[Variant] = &[
    wrong(
        "at the threshold",
        STARVED,
        &["at the threshold", "Lockup { units: 20 }"],
        checks::<AtThreshold>,
    ),
    wrong("one unit late", STARVED, &["one unit later", "gave Healthy"], checks::<OneLate>),
    wrong("always healthy", STARVED, &["gave Healthy and not Lockup"], checks::<AlwaysHealthy>),
    wrong(
        "always 22",
        STARVED,
        &["Lockup { units: 22 } and not Lockup { units: 21 }"],
        checks::<Always22>,
    ),
    wrong("the units over the threshold", STARVED, &["Lockup { units: 1 }"], checks::<UnitsOver>),
    wrong("a feed is forgotten", STARVED, &["a sample at once", "100"], checks::<FeedForgotten>),
    wrong("seconds and not units", STARVED, &["one unit later"], checks::<Seconds>),
    wrong(
        "a threshold of 20, whatever is asked",
        OBEYS,
        &["softlockup_thresh of 2", "`kernel.watchdog_thresh` while the machine runs"],
        checks::<Twenty>,
    ),
    wrong(
        "keeps the first threshold that it is given",
        OBEYS,
        &["with a softlockup_thresh of 10", "gave Lockup { units: 10 } and not Healthy"],
        checks::<FirstThreshold>,
    ),
    wrong("counts samples", STARVED, &["one unit later", "gave Healthy"], checks::<CountsSamples>),
];

detector! {
    AtThreshold {}
    sample(self, it, now, thresh, current) {
        let units = now.wrapping_sub(it.touch_ts);
        judge(it, now, current, units >= thresh, units)
    }
}

detector! {
    OneLate {}
    sample(self, it, now, thresh, current) {
        let units = now.wrapping_sub(it.touch_ts);
        judge(it, now, current, units > thresh + 1, units)
    }
}

detector! {
    AlwaysHealthy {}
    sample(self, it, _now, _thresh, _current) {
        (it, Healthy)
    }
}

detector! {
    Always22 {}
    sample(self, it, now, thresh, current) {
        judge(it, now, current, now.wrapping_sub(it.touch_ts) > thresh, 22)
    }
}

detector! {
    UnitsOver {}
    sample(self, it, now, thresh, current) {
        let units = now.wrapping_sub(it.touch_ts);
        judge(it, now, current, units > thresh, units.wrapping_sub(thresh))
    }
}

detector! {
    FeedForgotten {}
    feed(self, it, _now) {
        Heartbeat { touch_ts: it.touch_ts.max(1), ..it }
    }
}

detector! {
    /// A unit is 1.074 s, and the threshold is in units already.
    Seconds {}
    sample(self, it, now, thresh, current) {
        let units = now.wrapping_sub(it.touch_ts);
        judge(it, now, current, units * 1_000 > thresh * 1_074, units)
    }
}

detector! {
    Twenty {}
    sample(self, it, now, _thresh, current) {
        let units = now.wrapping_sub(it.touch_ts);
        judge(it, now, current, units > 20, units)
    }
}

detector! {
    /// Computed once, as at boot.
    FirstThreshold { first: OnceLock<u64>, }
    sample(self, it, now, thresh, current) {
        let first = *self.first.get_or_init(|| thresh);
        sampled(it, now, first, current)
    }
}

detector! {
    /// The sixth one since the feed reports.
    CountsSamples {}
    feed(self, it, now) {
        Heartbeat { touch_ts: now, report_ts: 0, ..it }
    }
    sample(self, it, now, _thresh, current) {
        let count = it.report_ts + 1;
        let it = Heartbeat { report_ts: count, ..it };
        judge(it, now, current, count > 5, now.wrapping_sub(it.touch_ts))
    }
}
