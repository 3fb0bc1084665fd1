//! # Exercise 2: the heartbeat
//!
//! Each CPU watches itself. Its *stopper*, a task that comes before all others, runs now and then and **feeds** a
//! timestamp. Every 4 s the CPU's timer **samples** it: how long ago did the stopper run? More than the threshold: the
//! CPU takes interrupts, and lets no other task run. That is a soft lockup, and it is reported.
//!
//! Write 4.19's detector: a pure function of a heartbeat and the time. Times are units of 1.074 s. It must do this:
//!
//! - **Report** a CPU if *more* than `softlockup_thresh` units have passed since it was fed: `Lockup`, with the units
//!   since then. At the threshold and before it: `Healthy`.
//! - **Survive the wrap.** The counter may go past `u64::MAX` and begin again at 0 between the feed and the sample.
//! - **Hear a touch.** A CPU that was touched since it was last fed or sampled is not reported at its next sample:
//!   `Reset`. From that sample on it has a whole threshold of time, and its number is counted from there. (A CPU whose
//!   tick was stopped while it was idle touches its own watchdog when it leaves the idle loop.)
//! - **Warn once.** While a reported task stays stuck, each later sample says `AlreadyReported`. After a feed, a sample
//!   says `Healthy`; and if the CPU starves again, it is reported again.
//! - **Know the task.** If another task is stuck where one was reported, the sample says `Reset`. The new task gets a
//!   count of its own from that sample on, and is reported if it stays.
//!
//! A heartbeat is one CPU's. You choose what you write into its three fields, and how it says "touched". A detector is
//! all CPUs' at once: what it remembers of one CPU goes into the heartbeat, never into the detector.
//!
//! Before you run it, predict: `cargo lab predict ex02.forgetful` and `ex02.touched`.
//!
//! In Linux: `kernel/watchdog.c` of 4.19: `watchdog_timer_fn`, `is_softlockup`, `touch_softlockup_watchdog`.
//!
//! In the book: `book/src/why-22.md`.
//!
//! Grade it: `cargo lab check ex02`. See the incident with it: `cargo lab replay ex02`. A hint: `cargo lab hint ex02`.

use softlockup::parts::softlockup::{
    Heartbeat, SampleContext, SoftlockupDetector, SoftlockupVerdict,
};

/// The soft-lockup detector of 4.19.
#[derive(Clone, Copy, Debug, Default)]
pub struct MyDetector;

impl SoftlockupDetector for MyDetector {
    /// The stopper ran at `now`: the count begins here. Returns what the CPU remembers from now on.
    fn feed(&self, heartbeat: Heartbeat, now: u64) -> Heartbeat {
        let _ = (heartbeat, now);
        todo!("remember when the stopper ran")
    }

    /// The CPU left the idle loop, or it is slow on purpose. The time is not known here: the next sample knows it.
    fn touch(&self, heartbeat: Heartbeat) -> Heartbeat {
        let _ = heartbeat;
        todo!("remember that the next sample is to begin a new count")
    }

    /// The timer samples the CPU. Returns what the CPU remembers from now on, and what this sample found.
    fn sample(
        &self,
        heartbeat: Heartbeat,
        context: SampleContext,
    ) -> (Heartbeat, SoftlockupVerdict) {
        let SampleContext { now, softlockup_thresh, current } = context;
        let _ = (heartbeat, now, softlockup_thresh, current);
        todo!("say whether this CPU is locked up, and remember whom you reported")
    }
}
