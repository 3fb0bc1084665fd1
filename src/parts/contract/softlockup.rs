//! The rules of a [`SoftlockupDetector`].
//!
//! | rule | kept by |
//! |---|---|
//! | [`reports_a_starved_cpu`], [`obeys_the_threshold`], [`survives_the_wrap`], [`a_touch_buys_time`], [`rearms_after_a_feed`], [`keeps_cpus_apart`] | each detector: [`all`] |
//! | [`warns_once_per_task`], [`another_task_gets_a_count_of_its_own`] | 4.19's |
//! | [`repeats_with_the_total`], [`a_touch_keeps_the_total`] | 5.13's and later |

use crate::parts::contract::{Broken, Rule};
use crate::parts::softlockup::SoftlockupVerdict::{AlreadyReported, Healthy, Lockup, Reset};
use crate::parts::softlockup::{Heartbeat, SampleContext, SoftlockupDetector, SoftlockupVerdict};
use crate::record::Pid;

const THRESH: u64 = 20;

/// The task that is interrupted, if nothing is said.
const TASK: Pid = 7;

fn context_of(now: u64, current: Pid) -> SampleContext {
    SampleContext { now, softlockup_thresh: THRESH, current }
}

fn context(now: u64) -> SampleContext {
    context_of(now, TASK)
}

/// A detector, and the heartbeat of one CPU.
struct Sampled<'a, L: ?Sized> {
    rule: &'a Rule,
    detector: &'a L,
    heartbeat: Heartbeat,
}

impl<'a, L: SoftlockupDetector + ?Sized> Sampled<'a, L> {
    /// A CPU whose stopper ran at `now`.
    fn fed(rule: &'a Rule, detector: &'a L, now: u64) -> Self {
        let heartbeat = detector.feed(Heartbeat::default(), now);
        Sampled { rule, detector, heartbeat }
    }

    fn feed(&mut self, now: u64) {
        self.heartbeat = self.detector.feed(self.heartbeat, now);
    }

    fn touch(&mut self) {
        self.heartbeat = self.detector.touch(self.heartbeat);
    }

    fn expect(
        &mut self,
        what: &str,
        context: SampleContext,
        want: SoftlockupVerdict,
    ) -> Result<(), Broken> {
        let (next, verdict) = self.detector.sample(self.heartbeat, context);
        self.heartbeat = next;
        self.rule.equal(&format!("{what}, at {},", context.now), verdict, want)
    }
}

/// Every rule that each policy keeps.
///
/// # Errors
/// The first rule that the part broke.
pub fn all<L: SoftlockupDetector + ?Sized>(detector: &L) -> Result<(), Broken> {
    reports_a_starved_cpu(detector)?;
    obeys_the_threshold(detector)?;
    survives_the_wrap(detector)?;
    a_touch_buys_time(detector)?;
    rearms_after_a_feed(detector)?;
    keeps_cpus_apart(detector)
}

/// Reports a CPU that was not fed for *more* than the threshold, with the units since it was fed.
///
/// # Errors
/// The rule that the part broke.
pub fn reports_a_starved_cpu<L: SoftlockupDetector + ?Sized>(detector: &L) -> Result<(), Broken> {
    let rule = Rule(
        "a CPU is reported when more than the threshold has passed since it was fed, with the units since then, and not before",
        "One unit early is a false alarm on every busy machine; one unit late is a sample late, 4 s.",
    );
    [100, 1 << 40].into_iter().try_for_each(|fed_at| from_the_feed(&rule, detector, fed_at))
}

/// The threshold is the one that each sample is given, and no other.
///
/// # Errors
/// The rule that the part broke: a threshold that is typed in, or kept from an older sample.
pub fn obeys_the_threshold<L: SoftlockupDetector + ?Sized>(detector: &L) -> Result<(), Broken> {
    let rule = Rule(
        "the threshold is the one that the sample is given",
        "An administrator writes 1 to 60 s to `kernel.watchdog_thresh` while the machine runs: with any other threshold a \
         healthy CPU is reported, or a stuck one is not.",
    );
    let sampled = |now, softlockup_thresh| SampleContext { softlockup_thresh, ..context(now) };
    for thresh in [2, 10, 120, 20] {
        let when = |units| {
            format!("with a softlockup_thresh of {thresh}, the sample {units} units after the feed")
        };
        for units in [thresh, thresh + 1] {
            let want = if units > thresh { Lockup { units } } else { Healthy };
            let mut cpu = Sampled::fed(&rule, detector, 100);
            cpu.expect(&when(units), sampled(100 + units, thresh), want)?;
        }
    }
    let mut cpu = Sampled::fed(&rule, detector, 100);
    cpu.expect("with a softlockup_thresh of 120, a sample", sampled(130, 120), Healthy)?;
    cpu.expect("lowered to 10 since then, the next", sampled(134, 10), Lockup { units: 34 })
}

/// The counter wraps between the feed and the sample.
///
/// # Errors
/// The rule that the part broke.
pub fn survives_the_wrap<L: SoftlockupDetector + ?Sized>(detector: &L) -> Result<(), Broken> {
    let rule = Rule(
        "a counter that wraps between the feed and the sample changes nothing",
        "Linux compares by `time_after` everywhere: counters do wrap, and a comparison that does not is wrong for one whole round.",
    );
    [u64::MAX - 10, u64::MAX - 20, u64::MAX - 22]
        .into_iter()
        .try_for_each(|fed_at| from_the_feed(&rule, detector, fed_at))
}

fn from_the_feed<L: SoftlockupDetector + ?Sized>(
    rule: &Rule,
    detector: &L,
    fed_at: u64,
) -> Result<(), Broken> {
    let wants = [
        ("a sample at once", 0, Healthy),
        ("a sample at the threshold", THRESH, Healthy),
        ("a sample one unit later", THRESH + 1, Lockup { units: THRESH + 1 }),
        ("the sixth sample", 22, Lockup { units: 22 }),
    ];
    wants.into_iter().try_for_each(|(what, units, want)| {
        let (fed, now) = (Sampled::fed(rule, detector, fed_at), fed_at.wrapping_add(units));
        let verdict = detector.sample(fed.heartbeat, context(now)).1;
        // Only a detector that keeps something in itself can say so.
        let whose =
            if verdict == AlreadyReported { ", of a CPU that was never reported" } else { "" };
        let what = format!("{what} ({units} units after the feed{whose}), at {now},");
        rule.equal(&what, verdict, want)
    })
}

/// A touched CPU is not reported at its next sample, and gets a full threshold of time from then on. (A detector that
/// takes "touched" for a time says "stuck for 309s", 309 units after boot.)
///
/// # Errors
/// The rule that the part broke.
pub fn a_touch_buys_time<L: SoftlockupDetector + ?Sized>(detector: &L) -> Result<(), Broken> {
    let rule = Rule(
        "after a touch the count starts again at the next sample",
        "Code that is slow on purpose (a long dump) touches the watchdog so as not to be reported for it.",
    );
    let mut cpu = Sampled::fed(&rule, detector, 280);
    cpu.touch();
    cpu.expect("the sample after the touch", context(309), Reset)?;
    cpu.expect("a sample one threshold later", context(309 + THRESH), Healthy)?;
    let verdict = detector.sample(cpu.heartbeat, context(309 + THRESH + 1)).1;
    rule.check(matches!(verdict, Lockup { .. }), || {
        format!("a sample one unit after that gave {verdict:?} and not a lockup")
    })
}

/// A CPU that recovers and starves again is reported again.
///
/// # Errors
/// The rule that the part broke.
pub fn rearms_after_a_feed<L: SoftlockupDetector + ?Sized>(detector: &L) -> Result<(), Broken> {
    let rule = Rule(
        "a CPU that was reported, then fed, and then starves again is reported again, with the units since that feed",
        "A CPU that was slow once would never be reported again, however long it hangs.",
    );
    let mut cpu = Sampled::fed(&rule, detector, 100);
    for fed_at in [200, 300] {
        let (next, _) = detector.sample(cpu.heartbeat, context(fed_at - 60));
        cpu.heartbeat = next;
        cpu.feed(fed_at);
        cpu.expect("a sample after the feed", context(fed_at + 3), Healthy)?;
        cpu.expect("a starved sample", context(fed_at + 22), Lockup { units: 22 })?;
    }
    Ok(())
}

/// What is remembered of a CPU lies in its heartbeat.
///
/// # Errors
/// The rule that the part broke: a detector that keeps something in itself, which all CPUs share.
pub fn keeps_cpus_apart<L: SoftlockupDetector + ?Sized>(detector: &L) -> Result<(), Broken> {
    let rule = Rule(
        "what happens on one CPU does not change what another CPU's sample finds",
        "In the article five CPUs are stuck at once: the report of the first would silence the others.",
    );
    let mut cpus = [100, 101].map(|fed_at| Sampled::fed(&rule, detector, fed_at));
    let [first, second] = &mut cpus;
    first.expect("a starved sample of one CPU", context(122), Lockup { units: 22 })?;
    second.expect("the same of another CPU", context(123), Lockup { units: 22 })?;
    first.feed(200);
    second.touch();
    first.expect("a sample after a feed", context(203), Healthy)?;
    second.expect("a sample of a touched CPU", context(203), Reset)?;
    first.expect("a second starved sample", context(222), Lockup { units: 22 })
}

/// 4.19: a task that was reported is not reported again.
///
/// # Errors
/// The rule that the part broke.
pub fn warns_once_per_task<L: SoftlockupDetector + ?Sized>(detector: &L) -> Result<(), Broken> {
    let rule = Rule(
        "a task that was reported is not reported again while it stays stuck",
        "A report every 4 s from each stuck CPU floods a slow console and pushes the first oops out of the log.",
    );
    let mut cpu = Sampled::fed(&rule, detector, 100);
    cpu.expect("the sixth sample", context(122), Lockup { units: 22 })?;
    (126..=300).step_by(4).try_for_each(|now| {
        cpu.expect("a later sample of the same task", context(now), AlreadyReported)
    })
}

/// 4.19: if another task is stuck where one was reported, the count begins again for that task.
///
/// # Errors
/// The rule that the part broke.
pub fn another_task_gets_a_count_of_its_own<L: SoftlockupDetector + ?Sized>(
    detector: &L,
) -> Result<(), Broken> {
    let rule = Rule(
        "another task that is found where one was reported gets a count of its own",
        "It has only just begun to run: reported at once it is blamed for the time of the task before it, and never reported it goes unseen.",
    );
    let other = TASK + 1;
    let mut cpu = Sampled::fed(&rule, detector, 100);
    cpu.expect("the sixth sample", context(122), Lockup { units: 22 })?;
    cpu.expect("the first sample of another task", context_of(126, other), Reset)?;
    cpu.expect("a threshold later", context_of(126 + THRESH, other), Healthy)?;
    cpu.expect("one unit later", context_of(127 + THRESH, other), Lockup { units: THRESH + 1 })
}

/// 5.13 and later: a CPU that stays stuck is reported again after each further threshold.
///
/// # Errors
/// The rule that the part broke.
pub fn repeats_with_the_total<L: SoftlockupDetector + ?Sized>(detector: &L) -> Result<(), Broken> {
    let rule = Rule(
        "a CPU that stays stuck is reported again after each further threshold, with the units since it was fed",
        "A number that begins again at each report hides how long the CPU has been gone.",
    );
    let mut cpu = Sampled::fed(&rule, detector, 100);
    cpu.expect("the sixth sample", context(122), Lockup { units: 22 })?;
    for (quiet, loud) in [(142, 143), (163, 164), (184, 185)] {
        cpu.expect("a threshold after the report", context(quiet), Healthy)?;
        cpu.expect("one unit later", context(loud), Lockup { units: loud - 100 })?;
    }
    Ok(())
}

/// 5.13 and later: a touch puts off the report, and the report still counts from the last feed. So a CPU that left idle
/// says 26.
///
/// # Errors
/// The rule that the part broke.
pub fn a_touch_keeps_the_total<L: SoftlockupDetector + ?Sized>(detector: &L) -> Result<(), Broken> {
    let rule = Rule(
        "a touch puts off the report, and does not change from when its number counts",
        "The number tells when the CPU was last seen alive: a touch is no sign of life of its stopper.",
    );
    let mut cpu = Sampled::fed(&rule, detector, 100);
    cpu.touch();
    cpu.expect("the sample after the touch", context(104), Reset)?;
    cpu.expect("the seventh sample", context(126), Lockup { units: 26 })
}
