//! Known answers to ex02.

use std::sync::Mutex;

use softlockup::parts::softlockup::SoftlockupVerdict::{AlreadyReported, Healthy, Lockup, Reset};
use softlockup::parts::softlockup::{
    CumulativeDetector, Heartbeat, SampleContext, SoftlockupDetector, SoftlockupVerdict,
    WarnOnceDetector,
};
use softlockup::sync::{AtomicU32, AtomicU64, Ordering::*};

use crate::check::Check;
use crate::ex02::{ID, checks};
use crate::variants::{Kind, Variant};

const fn right(name: &'static str, checks: fn() -> Vec<Check>) -> Variant {
    Variant::new(ID, name, Kind::Alternative, checks)
}

const fn wrong(
    name: &'static str,
    by: &'static str,
    words: &'static [&'static str],
    checks: fn() -> Vec<Check>,
) -> Variant {
    Variant::new(ID, name, Kind::Mutant { by, words }, checks)
}

const STARVED: &str = "contract::softlockup::reports_a_starved_cpu";
const WRAP: &str = "contract::softlockup::survives_the_wrap";
const TOUCH: &str = "contract::softlockup::a_touch_buys_time";
const ONCE: &str = "contract::softlockup::warns_once_per_task";
const REARMS: &str = "contract::softlockup::rearms_after_a_feed";
const ANOTHER: &str = "contract::softlockup::another_task_gets_a_count_of_its_own";
const APART: &str = "contract::softlockup::keeps_cpus_apart";
const ARTICLE: &str = "replay::article";

/// Solution, alternatives, mutants.
pub const VARIANTS: &[Variant] = &[
    Variant::new(ID, "solution", Kind::Solution, checks::<ex02_heartbeat_solution::MyDetector>),
    right("the kernel's own", checks::<WarnOnceDetector>),
    right("time_after, as Linux writes it", checks::<TimeAfter>),
    right("touched is a mark in report_ts", checks::<MarkInReportTs>),
    right("touched is u64::MAX", checks::<TouchedIsMax>),
    right("a feed takes the warning back", checks::<FeedTakesBack>),
    right("counts from report_ts", checks::<CountsFromReportTs>),
    right("remembers the new task at once", checks::<NewTaskAtOnce>),
    // The threshold.
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
    wrong("not yet written", STARVED, &["not written yet"], checks::<Todo>),
    wrong("prints that all is well", STARVED, &["gave Healthy and not Lockup"], checks::<Prints>),
    wrong(
        "a threshold of 20, whatever is asked",
        ARTICLE,
        &["watchdog_thresh = 5"],
        checks::<Twenty>,
    ),
    // The wrap.
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
    // The touch.
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
    // The warning.
    wrong(
        "forgets what it reported",
        ONCE,
        &["a later sample of the same task", "AlreadyReported"],
        checks::<Forgets>,
    ),
    wrong(
        "repeats with the total, as 5.13 does",
        ONCE,
        &["AlreadyReported"],
        checks::<CumulativeDetector>,
    ),
    wrong(
        "begins anew after a report",
        ONCE,
        &["gave Healthy and not AlreadyReported"],
        checks::<BeginsAnew>,
    ),
    wrong(
        "the warning is never taken back",
        REARMS,
        &["gave AlreadyReported and not Lockup"],
        checks::<NeverTakenBack>,
    ),
    wrong(
        "the task is ignored",
        ANOTHER,
        &["another task", "gave AlreadyReported"],
        checks::<TaskIgnored>,
    ),
    wrong(
        "another task is reported at once",
        ANOTHER,
        &["another task", "Lockup { units: 26 }"],
        checks::<AnotherAtOnce>,
    ),
    wrong(
        "another task gets the old count",
        ANOTHER,
        &["a threshold later", "Lockup { units: 46 }"],
        checks::<NoNewCount>,
    ),
    wrong(
        "remembers the task in itself",
        STARVED,
        &["of a CPU that was never reported", "AlreadyReported"],
        checks::<InItself>,
    ),
    wrong("one time for all CPUs", APART, &["another CPU"], checks::<OneTime>),
    wrong(
        "every sample feeds",
        TOUCH,
        &["one unit after that", "gave Healthy"],
        checks::<EverySampleFeeds>,
    ),
    wrong("a std Mutex that sleeps", STARVED, &["sleeps, and no CPU wakes it"], checks::<Sleeps>),
    wrong("ends the process with 0", STARVED, &["0"], checks::<Exits>).hostile(),
    wrong("loops until it is fed", STARVED, &["relax"], checks::<Loops>).hostile(),
];

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

detector! {
    TimeAfter {}
    sample(self, it, now, thresh, current) {
        let time_after = |a: u64, b: u64| (b.wrapping_sub(a) as i64) < 0;
        let starves = time_after(now, it.touch_ts.wrapping_add(thresh));
        judge(it, now, current, starves, now.wrapping_sub(it.touch_ts))
    }
}

detector! {
    MarkInReportTs {}
    feed(self, it, now) {
        Heartbeat { touch_ts: now, report_ts: 0, ..it }
    }
    touch(it) {
        Heartbeat { report_ts: 1, ..it }
    }
    sample(self, it, now, thresh, current) {
        if it.report_ts == 1 {
            return (Heartbeat { touch_ts: now, report_ts: 0, ..it }, Reset);
        }
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
    TouchedIsMax {}
    touch(it) {
        Heartbeat { touch_ts: u64::MAX, ..it }
    }
    sample(self, it, now, thresh, current) {
        if it.touch_ts == u64::MAX {
            return (Heartbeat { touch_ts: now, ..it }, Reset);
        }
        let units = now.wrapping_sub(it.touch_ts);
        if units <= thresh {
            return (Heartbeat { warned: None, ..it }, Healthy);
        }
        match it.warned {
            Some(reported) if reported == current => (it, AlreadyReported),
            Some(_) => (Heartbeat { touch_ts: now, warned: None, ..it }, Reset),
            None => (Heartbeat { warned: Some(current), ..it }, Lockup { units }),
        }
    }
}

detector! {
    FeedTakesBack {}
    feed(self, _it, now) {
        Heartbeat { touch_ts: now, report_ts: 0, warned: None }
    }
}

detector! {
    /// `touch_ts` is not used; 0 is a time like any other, and a touch is a warning of no task.
    CountsFromReportTs {}
    feed(self, it, now) {
        Heartbeat { report_ts: now, touch_ts: 1, ..it }
    }
    touch(it) {
        Heartbeat { touch_ts: 0, ..it }
    }
    sample(self, it, now, thresh, current) {
        let from_here = Heartbeat { report_ts: now, touch_ts: 1, warned: None };
        let units = now.wrapping_sub(it.report_ts);
        match (it.touch_ts, it.warned) {
            (0, _) => (from_here, Reset),
            _ if units <= thresh => (Heartbeat { warned: None, ..it }, Healthy),
            (_, None) => (Heartbeat { warned: Some(current), ..it }, Lockup { units }),
            (_, Some(reported)) if reported != current => (from_here, Reset),
            _ => (it, AlreadyReported),
        }
    }
}

detector! {
    /// The next sample finds it healthy, and forgets it.
    NewTaskAtOnce {}
    sample(self, it, now, thresh, current) {
        let units = now.wrapping_sub(it.touch_ts);
        let (next, verdict) = judge(it, now, current, units > thresh, units);
        let warned = it.warned.map(|_| current);
        match verdict {
            Reset => (Heartbeat { warned, ..next }, verdict),
            _ => (next, verdict),
        }
    }
}

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
    Todo {}
    sample(self, _it, _now, _thresh, _current) {
        todo!("say whether this CPU is locked up")
    }
}

detector! {
    Prints {}
    sample(self, it, _now, _thresh, _current) {
        println!("test result: ok. 8 passed; 0 failed");
        (it, Healthy)
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
        let units = now.wrapping_sub(it.touch_ts);
        let (next, verdict) = judge(it, now, current, units > thresh, units);
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
    Forgets {}
    sample(self, it, now, thresh, current) {
        let units = now.wrapping_sub(it.touch_ts);
        let (next, verdict) = judge(it, now, current, units > thresh, units);
        (Heartbeat { warned: None, ..next }, verdict)
    }
}

detector! {
    /// So that the next report comes a threshold later.
    BeginsAnew {}
    sample(self, it, now, thresh, current) {
        let units = now.wrapping_sub(it.touch_ts);
        let (next, verdict) = judge(it, now, current, units > thresh, units);
        match verdict {
            Lockup { .. } => (Heartbeat { touch_ts: now, ..next }, verdict),
            _ => (next, verdict),
        }
    }
}

detector! {
    NeverTakenBack {}
    sample(self, it, now, thresh, current) {
        let units = now.wrapping_sub(it.touch_ts);
        let (next, verdict) = judge(it, now, current, units > thresh, units);
        match verdict {
            Healthy => (it, verdict),
            _ => (next, verdict),
        }
    }
}

detector! {
    TaskIgnored {}
    sample(self, it, now, thresh, _current) {
        let units = now.wrapping_sub(it.touch_ts);
        judge(it, now, 0, units > thresh, units)
    }
}

detector! {
    AnotherAtOnce {}
    sample(self, it, now, thresh, current) {
        let units = now.wrapping_sub(it.touch_ts);
        let it = Heartbeat { warned: it.warned.filter(|&reported| reported == current), ..it };
        judge(it, now, current, units > thresh, units)
    }
}

detector! {
    /// The warning is taken back, and the count is not.
    NoNewCount {}
    sample(self, it, now, thresh, current) {
        let units = now.wrapping_sub(it.touch_ts);
        let (next, verdict) = judge(it, now, current, units > thresh, units);
        match it.warned {
            Some(_) if verdict == Reset => (Heartbeat { warned: None, ..it }, verdict),
            _ => (next, verdict),
        }
    }
}

detector! {
    /// As the per-CPU variables of Linux, but there is one of it.
    InItself { warned: AtomicU32, }
    sample(self, it, now, thresh, current) {
        let units = now.wrapping_sub(it.touch_ts);
        let warned = self.warned.load(Relaxed).checked_sub(1);
        let (next, verdict) = judge(Heartbeat { warned, ..it }, now, current, units > thresh, units);
        self.warned.store(next.warned.map_or(0, |task| task + 1), Relaxed);
        (next, verdict)
    }
}

detector! {
    /// The stopper's time in the detector.
    OneTime { touch_ts: AtomicU64, }
    feed(self, it, now) {
        self.touch_ts.store(now, Relaxed);
        Heartbeat { touch_ts: 1, ..it }
    }
    sample(self, it, now, thresh, current) {
        if it.touch_ts == 0 {
            self.touch_ts.store(now, Relaxed);
            return (Heartbeat { touch_ts: 1, ..it }, Reset);
        }
        let units = now.wrapping_sub(self.touch_ts.load(Relaxed));
        match it.warned {
            _ if units <= thresh => (Heartbeat { warned: None, ..it }, Healthy),
            Some(reported) if reported == current => (it, AlreadyReported),
            Some(_) => {
                self.touch_ts.store(now, Relaxed);
                (Heartbeat { warned: None, ..it }, Reset)
            }
            None => (Heartbeat { warned: Some(current), ..it }, Lockup { units }),
        }
    }
}

detector! {
    /// A CPU that takes its timer is alive, is it not?
    EverySampleFeeds {}
    sample(self, it, now, thresh, current) {
        let units = now.wrapping_sub(it.touch_ts);
        let (next, verdict) = judge(it, now, current, units > thresh, units);
        match verdict {
            Healthy => (Heartbeat { touch_ts: now, ..next }, verdict),
            _ => (next, verdict),
        }
    }
}

detector! {
    Sleeps { lock: Mutex<()>, }
    sample(self, it, _now, _thresh, _current) {
        let _held = self.lock.lock();
        let _again = self.lock.lock();
        (it, Healthy)
    }
}

detector! {
    Exits {}
    sample(self, _it, _now, _thresh, _current) {
        std::process::exit(0)
    }
}

detector! {
    Loops {}
    sample(self, it, now, thresh, _current) {
        while now.wrapping_sub(std::hint::black_box(it.touch_ts)) <= thresh {}
        (it, Lockup { units: 22 })
    }
}
