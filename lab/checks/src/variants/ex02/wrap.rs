//! The counter wraps.

use super::*;

const WRAP: &str = "contract::softlockup::survives_the_wrap";

pub(super) const VARIANTS: &[Variant] = &[
    wrong("a sum that overflows", WRAP, &["overflow"], checks::<SumOverflows>),
    wrong("a difference that overflows", WRAP, &["overflow"], checks::<DifferenceOverflows>),
    wrong("a sum that wraps, and >", WRAP, &["at once", "Lockup"], checks::<SumWraps>),
    wrong("a sum that saturates", WRAP, &["gave Healthy and not Lockup"], checks::<SumSaturates>),
    wrong(
        "a difference that saturates",
        WRAP,
        &["gave Healthy and not Lockup"],
        checks::<DifferenceSaturates>,
    ),
];

detector! {
    SumOverflows {}
    sample(self, it, now, thresh, current) {
        judge(it, now, current, now > it.touch_ts + thresh, now.wrapping_sub(it.touch_ts))
    }
}

detector! {
    DifferenceOverflows {}
    sample(self, it, now, thresh, current) {
        let units = now - it.touch_ts;
        judge(it, now, current, units > thresh, units)
    }
}

detector! {
    SumWraps {}
    sample(self, it, now, thresh, current) {
        let starves = now > it.touch_ts.wrapping_add(thresh);
        judge(it, now, current, starves, now.wrapping_sub(it.touch_ts))
    }
}

detector! {
    SumSaturates {}
    sample(self, it, now, thresh, current) {
        let starves = now > it.touch_ts.saturating_add(thresh);
        judge(it, now, current, starves, now.wrapping_sub(it.touch_ts))
    }
}

detector! {
    DifferenceSaturates {}
    sample(self, it, now, thresh, current) {
        let units = now.saturating_sub(it.touch_ts);
        judge(it, now, current, units > thresh, units)
    }
}
