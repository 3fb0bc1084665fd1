//! The rules of a [`SoftlockupDetector`].

use crate::parts::contract::{Broken, Rule};
use crate::parts::softlockup::{Heartbeat, SampleContext, SoftlockupDetector, SoftlockupVerdict};

const THRESH: u64 = 20;

fn context(now: u64) -> SampleContext {
    SampleContext { now, softlockup_thresh: THRESH, current: 7 }
}

/// Reports a CPU that was not fed for *more* than the threshold, with the units since it was fed, even if the
/// counter wraps in between.
///
/// # Errors
/// The rule that the part broke.
pub fn reports_a_starved_cpu<L: SoftlockupDetector>(detector: &L) -> Result<(), Broken> {
    let rule = Rule(
        "a CPU is reported when more than the threshold has passed since it was fed, and not before",
        "One unit early is a false alarm on every busy machine; one unit late is a sample late, 4 s.",
    );
    for fed_at in [100, 1 << 40, u64::MAX - 10] {
        let fed = detector.feed(Heartbeat::default(), fed_at);
        let verdict = |units: u64| Ok(detector.sample(fed, context(fed_at.wrapping_add(units))).1);
        rule.expect("a sample at once", verdict(0), SoftlockupVerdict::Healthy)?;
        rule.expect("a sample at the threshold", verdict(THRESH), SoftlockupVerdict::Healthy)?;
        let late = SoftlockupVerdict::Lockup { units: THRESH + 1 };
        rule.expect("a sample one unit later", verdict(THRESH + 1), late)?;
        let later = SoftlockupVerdict::Lockup { units: 22 };
        rule.expect("the sixth sample", verdict(22), later)?;
    }
    Ok(())
}

/// A touched CPU is not reported at its next sample, and gets a full threshold of time from then on.
///
/// # Errors
/// The rule that the part broke.
pub fn a_touch_buys_time<L: SoftlockupDetector>(detector: &L) -> Result<(), Broken> {
    let rule = Rule(
        "after a touch the count starts again at the next sample",
        "Code that is slow on purpose (a long dump) touches the watchdog so as not to be reported for it.",
    );
    let touched = detector.touch(detector.feed(Heartbeat::default(), 100));
    let (after, verdict) = detector.sample(touched, context(130));
    rule.expect("the sample after the touch", Ok(verdict), SoftlockupVerdict::Reset)?;
    let quiet = detector.sample(after, context(130 + THRESH)).1;
    rule.expect("a sample one threshold later", Ok(quiet), SoftlockupVerdict::Healthy)?;
    let loud = detector.sample(after, context(130 + THRESH + 1)).1;
    match loud {
        SoftlockupVerdict::Lockup { .. } => Ok(()),
        other => rule.broken(format!("a sample after that gave {other:?}")),
    }
}
