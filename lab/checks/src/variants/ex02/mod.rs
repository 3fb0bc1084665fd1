//! Known answers to ex02: detectors.

use std::sync::{Mutex, OnceLock};

use softlockup::parts::softlockup::SoftlockupVerdict::{AlreadyReported, Healthy, Lockup, Reset};
use softlockup::parts::softlockup::{
    CumulativeDetector, Heartbeat, SampleContext, SoftlockupDetector, SoftlockupVerdict,
    WarnOnceDetector,
};
use softlockup::sync::{AtomicU32, AtomicU64, Ordering::*};

use crate::ex02::checks;
use crate::variants::{Variant, right, solution, wrong};

/// A detector. What it does not say is the solution's.
macro_rules! detector {
    ($(#[$doc:meta])* $name:ident { $($fields:tt)* }
     $(feed($me:ident, $feed_of:ident, $feed_at:ident) $feed:block)?
     $(touch($touch_of:ident) $touch:block)?
     $(sample($me2:ident, $sample_of:ident, $now:ident, $thresh:ident, $current:ident) $sample:block)?) => {
        $(#[$doc])*
        #[derive(Default)]
        struct $name { $($fields)* }

        impl SoftlockupDetector for $name {
            detector!(@feed $($me, $feed_of, $feed_at, $feed)?);
            detector!(@touch $($touch_of, $touch)?);
            detector!(@sample $($me2, $sample_of, $now, $thresh, $current, $sample)?);
        }
    };
    (@feed) => {
        fn feed(&self, heartbeat: Heartbeat, now: u64) -> Heartbeat {
            Heartbeat { touch_ts: now, ..heartbeat }
        }
    };
    (@feed $me:ident, $heartbeat:ident, $now:ident, $body:block) => {
        fn feed(&$me, $heartbeat: Heartbeat, $now: u64) -> Heartbeat $body
    };
    (@touch) => {
        fn touch(&self, heartbeat: Heartbeat) -> Heartbeat {
            Heartbeat { touch_ts: 0, ..heartbeat }
        }
    };
    (@touch $heartbeat:ident, $body:block) => {
        fn touch(&self, $heartbeat: Heartbeat) -> Heartbeat $body
    };
    (@sample) => {
        fn sample(&self, it: Heartbeat, context: SampleContext) -> (Heartbeat, SoftlockupVerdict) {
            WarnOnceDetector.sample(it, context)
        }
    };
    (@sample $me:ident, $heartbeat:ident, $now:ident, $thresh:ident, $current:ident, $body:block) => {
        fn sample(
            &$me,
            $heartbeat: Heartbeat,
            SampleContext { now: $now, softlockup_thresh: $thresh, current: $current }: SampleContext,
        ) -> (Heartbeat, SoftlockupVerdict) $body
    };
}

mod not_an_answer;
mod right;
mod threshold;
mod touch;
mod warning;
mod wrap;

/// Solution, alternatives, mutants.
pub(super) const VARIANTS: &[&[Variant]] = &[
    right::VARIANTS,
    threshold::VARIANTS,
    wrap::VARIANTS,
    touch::VARIANTS,
    warning::VARIANTS,
    not_an_answer::VARIANTS,
];

const STARVED: &str = "contract::softlockup::reports_a_starved_cpu";
const TOUCH: &str = "contract::softlockup::a_touch_buys_time";

/// What follows once it is known whether the CPU starves; right.
fn judge(
    it: Heartbeat,
    now: u64,
    current: u32,
    starves: bool,
    units: u64,
) -> (Heartbeat, SoftlockupVerdict) {
    if it.touch_ts == 0 {
        (Heartbeat { touch_ts: now, ..it }, Reset)
    } else if !starves {
        (Heartbeat { warned: None, ..it }, Healthy)
    } else if it.warned == Some(current) {
        (it, AlreadyReported)
    } else if it.warned.is_some() {
        (Heartbeat { touch_ts: now, warned: None, ..it }, Reset)
    } else {
        (Heartbeat { warned: Some(current), ..it }, Lockup { units })
    }
}

/// A right sample.
fn sampled(it: Heartbeat, now: u64, thresh: u64, current: u32) -> (Heartbeat, SoftlockupVerdict) {
    let units = now.wrapping_sub(it.touch_ts);
    judge(it, now, current, units > thresh, units)
}
