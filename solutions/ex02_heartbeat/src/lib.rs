//! # Why it works
//!
//! There is no atomic here. A heartbeat is written and read by its own CPU only: the stopper and the timer's handler
//! run on one CPU, one after the other. So there is no ordering to choose. What counts is the order of the questions.
//!
//! | asked | because |
//! |---|---|
//! | 1. was it touched? | 0 in `touch_ts` is a mark and not a time: to subtract it would give the machine's age ("stuck for 309s") |
//! | 2. was it fed recently enough? | only then the warning is taken back: the CPU has recovered |
//! | 3. was this task reported? | once is enough: `AlreadyReported`, and nothing changes |
//! | 4. was another task reported? | this one has only just begun to run: its count begins now |
//! | 5. none of that | a lockup, and the task is remembered |
//!
//! `now.wrapping_sub(touch_ts)` is the time since the feed, also if the counter wrapped in between: both have lost the
//! same multiple of 2⁶⁴. To compare the difference with the threshold is right as long as the feed is the older of the
//! two. A comparison of `now` with a sum would not be.
//!
//! A feed takes back no warning. It need not: the next sample finds the CPU `Healthy` and does.
//!
//! A feed at exactly 0 reads as a touch, as in 4.19: it costs one sample.

use softlockup::parts::softlockup::{
    Heartbeat, SampleContext, SoftlockupDetector, SoftlockupVerdict,
};

/// In `touch_ts`: the watchdog was touched.
const TOUCHED: u64 = 0;

/// The soft-lockup detector of 4.19.
#[derive(Clone, Copy, Debug, Default)]
pub struct MyDetector;

impl SoftlockupDetector for MyDetector {
    fn feed(&self, heartbeat: Heartbeat, now: u64) -> Heartbeat {
        Heartbeat { touch_ts: now, ..heartbeat }
    }

    fn touch(&self, heartbeat: Heartbeat) -> Heartbeat {
        Heartbeat { touch_ts: TOUCHED, ..heartbeat }
    }

    fn sample(
        &self,
        heartbeat: Heartbeat,
        context: SampleContext,
    ) -> (Heartbeat, SoftlockupVerdict) {
        let SampleContext { now, softlockup_thresh, current } = context;
        let units = now.wrapping_sub(heartbeat.touch_ts);
        if heartbeat.touch_ts == TOUCHED {
            return (Heartbeat { touch_ts: now, ..heartbeat }, SoftlockupVerdict::Reset);
        }
        if units <= softlockup_thresh {
            return (Heartbeat { warned: None, ..heartbeat }, SoftlockupVerdict::Healthy);
        }
        match heartbeat.warned {
            Some(reported) if reported == current => {
                (heartbeat, SoftlockupVerdict::AlreadyReported)
            }
            Some(_) => {
                (Heartbeat { touch_ts: now, warned: None, ..heartbeat }, SoftlockupVerdict::Reset)
            }
            None => {
                let warned = Some(current);
                (Heartbeat { warned, ..heartbeat }, SoftlockupVerdict::Lockup { units })
            }
        }
    }
}
