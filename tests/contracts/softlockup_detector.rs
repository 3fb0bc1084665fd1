use softlockup::parts::contract::softlockup as rules;
use softlockup::parts::softlockup::{
    CumulativeDetector, Heartbeat, SampleContext, SoftlockupDetector, SoftlockupVerdict,
    WarnOnceDetector,
};
use softlockup::sync::AtomicBool;
use softlockup::sync::Ordering::Relaxed;

/// The rules that each detector keeps, and that this one breaks.
fn broken<L: SoftlockupDetector>(detector: &L) -> Vec<&'static str> {
    let broken = broken!(rules(detector): reports_a_starved_cpu, obeys_the_threshold, survives_the_wrap, a_touch_buys_time,
        rearms_after_a_feed, keeps_cpus_apart);
    assert_eq!(rules::all(detector).is_ok(), broken.is_empty());
    broken
}

/// The rules that tell the policies apart, and that this detector breaks.
fn not_kept<L: SoftlockupDetector>(detector: &L) -> Vec<&'static str> {
    broken!(rules(detector): warns_once_per_task, another_task_gets_a_count_of_its_own,
        repeats_with_the_total, a_touch_keeps_the_total)
}

#[test]
fn both_kernels_detectors_keep_the_rules_of_their_kernel() {
    assert!(broken(&WarnOnceDetector).is_empty());
    assert!(broken(&CumulativeDetector).is_empty());
    assert_eq!(not_kept(&WarnOnceDetector), ["repeats_with_the_total", "a_touch_keeps_the_total"]);
    assert_eq!(
        not_kept(&CumulativeDetector),
        ["warns_once_per_task", "another_task_gets_a_count_of_its_own"]
    );
}

/// 4.19's in other words: what is touched has no time, and the difference is compared, not the sum.
struct Difference;

impl SoftlockupDetector for Difference {
    fn feed(&self, heartbeat: Heartbeat, now: u64) -> Heartbeat {
        Heartbeat { touch_ts: now, report_ts: 1, ..heartbeat }
    }

    fn touch(&self, heartbeat: Heartbeat) -> Heartbeat {
        Heartbeat { report_ts: 0, ..heartbeat }
    }

    fn sample(
        &self,
        heartbeat: Heartbeat,
        SampleContext { now, softlockup_thresh, current }: SampleContext,
    ) -> (Heartbeat, SoftlockupVerdict) {
        let begin_again = Heartbeat { touch_ts: now, report_ts: 1, warned: None };
        let units = now.wrapping_sub(heartbeat.touch_ts);
        match heartbeat.warned {
            _ if heartbeat.report_ts == 0 => (begin_again, SoftlockupVerdict::Reset),
            _ if units <= softlockup_thresh => {
                (Heartbeat { warned: None, ..heartbeat }, SoftlockupVerdict::Healthy)
            }
            None => {
                let warned = Some(current);
                (Heartbeat { warned, ..heartbeat }, SoftlockupVerdict::Lockup { units })
            }
            Some(task) if task == current => (heartbeat, SoftlockupVerdict::AlreadyReported),
            Some(_) => (begin_again, SoftlockupVerdict::Reset),
        }
    }
}

#[test]
fn a_right_detector_in_other_words_is_accepted() {
    assert!(broken(&Difference).is_empty());
    assert_eq!(not_kept(&Difference), ["repeats_with_the_total", "a_touch_keeps_the_total"]);
}

/// What is wrong with a [`WrongDetector`].
#[derive(Clone, Copy, PartialEq)]
enum Wrong {
    Early,
    Late,
    TypedIn,
    DoesNotWrap,
    DeafToTouches,
    TakesTouchedForATime,
    CountsFromTheSample,
    NeverForgetsItsWarning,
    ForgetsItsWarning,
    IgnoresTheTask,
    RemembersInItself,
    BlamesTheOtherTask,
    ForgetsTheTotal,
    TouchFeeds,
}

/// A kernel's detector, with one thing wrong.
struct WrongDetector<L>(L, Wrong, AtomicBool);

impl<L: SoftlockupDetector> SoftlockupDetector for WrongDetector<L> {
    fn feed(&self, heartbeat: Heartbeat, now: u64) -> Heartbeat {
        self.0.feed(heartbeat, now)
    }

    fn touch(&self, heartbeat: Heartbeat) -> Heartbeat {
        match self.1 {
            Wrong::DeafToTouches => heartbeat,
            Wrong::TouchFeeds => Heartbeat { touch_ts: 0, ..self.0.touch(heartbeat) },
            _ => self.0.touch(heartbeat),
        }
    }

    fn sample(
        &self,
        heartbeat: Heartbeat,
        context: SampleContext,
    ) -> (Heartbeat, SoftlockupVerdict) {
        let SampleContext { now, softlockup_thresh, current } = context;
        let thresh = match self.1 {
            Wrong::Early => softlockup_thresh - 1,
            Wrong::Late => softlockup_thresh + 1,
            Wrong::TypedIn => 20,
            _ => softlockup_thresh,
        };
        let lockup = SoftlockupVerdict::Lockup { units: now.wrapping_sub(heartbeat.touch_ts) };
        match self.1 {
            Wrong::DoesNotWrap if heartbeat.touch_ts.checked_add(thresh).is_none() => {
                return (heartbeat, SoftlockupVerdict::Healthy);
            }
            Wrong::TakesTouchedForATime if heartbeat.touch_ts == 0 => return (heartbeat, lockup),
            Wrong::IgnoresTheTask if heartbeat.warned.is_some() => {
                return self.0.sample(Heartbeat { warned: Some(current), ..heartbeat }, context);
            }
            Wrong::BlamesTheOtherTask if heartbeat.warned.is_some_and(|task| task != current) => {
                return (Heartbeat { warned: Some(current), ..heartbeat }, lockup);
            }
            _ => {}
        }
        let context = SampleContext { softlockup_thresh: thresh, ..context };
        let (mut next, mut verdict) = self.0.sample(heartbeat, context);
        match (self.1, &mut verdict) {
            (Wrong::NeverForgetsItsWarning, _) => next.warned = next.warned.or(heartbeat.warned),
            (Wrong::ForgetsItsWarning, _) => next.warned = None,
            (Wrong::CountsFromTheSample, SoftlockupVerdict::Lockup { units }) => *units -= thresh,
            (Wrong::ForgetsTheTotal, SoftlockupVerdict::Lockup { .. }) => next.touch_ts = now,
            _ => {}
        }
        let reports = matches!(verdict, SoftlockupVerdict::Lockup { .. });
        if self.1 == Wrong::RemembersInItself && self.2.swap(reports, Relaxed) && reports {
            verdict = SoftlockupVerdict::AlreadyReported;
        }
        (next, verdict)
    }
}

fn of_4_19(wrong: Wrong) -> WrongDetector<WarnOnceDetector> {
    WrongDetector(WarnOnceDetector, wrong, AtomicBool::new(false))
}

fn of_6_12(wrong: Wrong) -> WrongDetector<CumulativeDetector> {
    WrongDetector(CumulativeDetector, wrong, AtomicBool::new(false))
}

#[test]
fn wrong_detectors_are_refused() {
    assert!(broken(&of_6_12(Wrong::Early)).contains(&"reports_a_starved_cpu"));
    assert!(broken(&of_4_19(Wrong::Late)).contains(&"reports_a_starved_cpu"));
    assert!(broken(&of_4_19(Wrong::CountsFromTheSample)).contains(&"reports_a_starved_cpu"));
    assert_eq!(broken(&of_4_19(Wrong::TypedIn)), ["obeys_the_threshold"]);
    assert_eq!(broken(&of_6_12(Wrong::TypedIn)), ["obeys_the_threshold"]);
    assert_eq!(broken(&of_4_19(Wrong::DoesNotWrap)), ["survives_the_wrap"]);
    assert!(broken(&of_6_12(Wrong::DeafToTouches)).contains(&"a_touch_buys_time"));
    assert!(broken(&of_4_19(Wrong::TakesTouchedForATime)).contains(&"a_touch_buys_time"));
    assert_eq!(
        rules::a_touch_buys_time(&of_4_19(Wrong::TakesTouchedForATime)).unwrap_err().happened,
        "the sample after the touch, at 309, gave Lockup { units: 309 } and not Reset"
    );
    assert!(broken(&of_4_19(Wrong::NeverForgetsItsWarning)).contains(&"rearms_after_a_feed"));
    assert!(broken(&of_4_19(Wrong::RemembersInItself)).contains(&"keeps_cpus_apart"));
}

#[test]
fn wrong_policies_are_refused() {
    let forgets = of_4_19(Wrong::ForgetsItsWarning);
    assert!(broken(&forgets).is_empty());
    assert!(not_kept(&forgets).contains(&"warns_once_per_task"));
    let ignores = of_4_19(Wrong::IgnoresTheTask);
    assert!(broken(&ignores).is_empty());
    assert!(rules::warns_once_per_task(&ignores).is_ok());
    assert!(not_kept(&ignores).contains(&"another_task_gets_a_count_of_its_own"));
    assert!(
        not_kept(&of_4_19(Wrong::BlamesTheOtherTask))
            .contains(&"another_task_gets_a_count_of_its_own")
    );
    assert!(not_kept(&of_6_12(Wrong::ForgetsTheTotal)).contains(&"repeats_with_the_total"));
    assert!(not_kept(&of_6_12(Wrong::TouchFeeds)).contains(&"a_touch_keeps_the_total"));
}
