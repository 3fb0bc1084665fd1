//! The rules of each part, run against the shipped parts, against others that are right in another way, and against wrong
//! ones. A wrong part must break the rule that names its fault.

/// The names of those of these rules that a part breaks.
macro_rules! broken {
    ($module:ident($part:expr): $($rule:ident),+ $(,)?) => {
        crate::names([$((stringify!($rule), $module::$rule($part))),+])
    };
}

mod call_many;
mod call_queue;
mod csd_lock;
mod csd_stall;
mod die_chain;
mod die_lock;
mod erased;
mod hardlockup;
mod irq_state;
mod softlockup_detector;

use softlockup::parts::contract::{self, Broken};
use softlockup::parts::softlockup::WarnOnceDetector;

fn names<const N: usize>(results: [(&'static str, Result<(), Broken>); N]) -> Vec<&'static str> {
    results.into_iter().filter(|(_, result)| result.is_err()).map(|(name, _)| name).collect()
}

#[test]
fn a_broken_rule_says_what_happened_and_why_it_matters() {
    let broken = contract::softlockup::repeats_with_the_total(&WarnOnceDetector).unwrap_err();
    assert_eq!(
        broken.to_string(),
        "a CPU that stays stuck is reported again after each further threshold, with the units since it was fed; \
         but a threshold after the report, at 142, gave AlreadyReported and not Healthy. \
         A number that begins again at each report hides how long the CPU has been gone."
    );
}
