//! The rules of a [`StallDetector`].
//!
//! | rule | kept by |
//! |---|---|
//! | [`not_at_five_seconds`], [`soon_after_five_seconds`], [`each_report_comes_later`], [`keeps_waits_apart`] | each detector: [`all`] |
//! | [`reports_grow_rarer`], [`is_patient_on_big_machines`] | the kernel's |

use crate::parts::contract::{Broken, Rule};
use crate::parts::csd_stall::{CsdStall, StallDetector};
use crate::time::{CSD_LOCK_TIMEOUT_NS, KernelTime, NSEC_PER_SEC};

/// Every rule that each policy keeps.
///
/// # Errors
/// The first rule that the part broke.
pub fn all<S: StallDetector + ?Sized>(detector: &S) -> Result<(), Broken> {
    not_at_five_seconds(detector)?;
    soon_after_five_seconds(detector)?;
    each_report_comes_later(detector)?;
    keeps_waits_apart(detector)
}

/// When a wait begins, here: right after boot, in the article's time, and after a month.
const BEGAN: [KernelTime; 3] =
    [KernelTime::BOOT, KernelTime::from_ns(338_462_045_678), KernelTime::from_secs(2_592_000)];

/// How many CPUs are online, here.
const ONLINE: [usize; 5] = [1, 2, 8, 64, 4096];

fn waits() -> impl Iterator<Item = CsdStall> {
    let of =
        |began| ONLINE.map(|nr_online| CsdStall { began, reported: None, reports: 0, nr_online });
    BEGAN.into_iter().flat_map(of)
}

/// The first report comes after *more* than the time-out.
///
/// # Errors
/// The rule that the part broke.
pub fn not_at_five_seconds<S: StallDetector + ?Sized>(detector: &S) -> Result<(), Broken> {
    let rule = Rule(
        "a wait is first reported when more than 5 s have passed since it began, and not at 5 s",
        "The kernel compares with \"more than\": a report at 5 s sharp blames a CPU that is still within its time.",
    );
    waits().try_for_each(|wait| {
        let due = detector.due(&wait);
        rule.check(due > wait.began + CSD_LOCK_TIMEOUT_NS, || first_due(&wait, due))
    })
}

/// And it does come then, on a big machine, too.
///
/// # Errors
/// The rule that the part broke.
pub fn soon_after_five_seconds<S: StallDetector + ?Sized>(detector: &S) -> Result<(), Broken> {
    let rule = Rule(
        "a wait that lasts is first reported within a second after its 5 s",
        "This report names the silent CPU while the soft-lockup watchdog still waits for its 20 s: late, it is worth nothing.",
    );
    waits().try_for_each(|wait| {
        let due = detector.due(&wait);
        let latest = wait.began + CSD_LOCK_TIMEOUT_NS + NSEC_PER_SEC;
        rule.check(due <= latest, || first_due(&wait, due))
    })
}

fn first_due(wait: &CsdStall, due: KernelTime) -> String {
    let (online, began, due) = (wait.nr_online, exact(wait.began), exact(due));
    format!("a wait that began at {began} (CPUs online: {online}) was due: {due}")
}

/// A moment to the nanosecond: a due at 5 s differs from one right after it.
fn exact(time: KernelTime) -> String {
    let (secs, ns) = (time.ns() / NSEC_PER_SEC, time.ns() % NSEC_PER_SEC);
    if time == KernelTime::MAX { "never".to_owned() } else { format!("{secs}.{ns:09} s") }
}

/// The next dues of a wait, if each report is made when it is due.
fn dues<S: StallDetector + ?Sized>(
    detector: &S,
    mut wait: CsdStall,
    reports: usize,
) -> Vec<KernelTime> {
    let mut next = || {
        let due = detector.due(&wait);
        (wait.reported, wait.reports) = (Some(due), wait.reports + 1);
        due
    };
    (0..reports).map(|_| next()).collect()
}

/// How many reports of one wait are looked at.
const REPORTS: usize = 20;

/// Each report comes at least a time-out after the one before. (Never again is late enough.)
///
/// # Errors
/// The rule that the part broke: a due that does not move, which makes a report at each look.
pub fn each_report_comes_later<S: StallDetector + ?Sized>(detector: &S) -> Result<(), Broken> {
    let rule = Rule(
        "each later report comes at least 5 s after the one before",
        "A due that does not move makes a report at each look: 43,350 of them, and the console shows nothing else.",
    );
    for wait in waits() {
        let dues = dues(detector, wait, REPORTS);
        for (n, pair) in dues.windows(2).enumerate() {
            rule.check(pair[1] >= pair[0] + CSD_LOCK_TIMEOUT_NS, || {
                let (last, due) = (exact(pair[0]), exact(pair[1]));
                format!("after report {} at {last} the next was due: {due}", n + 1)
            })?;
        }
    }
    // A report that was made late, by a CPU that had its interrupts off, counts from then.
    let wait = CsdStall { began: KernelTime::BOOT, reported: None, reports: 1, nr_online: 4 };
    [1_000, 1_003].map(KernelTime::from_secs).into_iter().try_for_each(|late| {
        let due = detector.due(&CsdStall { reported: Some(late), ..wait });
        rule.check(due >= late + CSD_LOCK_TIMEOUT_NS, || {
            let (late, due) = (exact(late), exact(due));
            format!("after a report that came late, at {late}, the next was due: {due}")
        })
    })
}

/// Many CPUs wait at once; the detector is one for all of them.
///
/// # Errors
/// The rule that the part broke: a detector that remembers something.
pub fn keeps_waits_apart<S: StallDetector + ?Sized>(detector: &S) -> Result<(), Broken> {
    let rule = Rule(
        "when a wait is due depends on that wait alone",
        "In the article up to 63 CPUs wait at once: what is remembered of one wait makes another one's report late.",
    );
    let before: Vec<_> = waits().map(|wait| dues(detector, wait, 3)).collect();
    for (wait, dues_before) in waits().zip(before) {
        let dues_now = dues(detector, wait, 3);
        rule.check(dues_now == dues_before, || {
            let all = |dues: Vec<_>| dues.into_iter().map(exact).collect::<Vec<_>>().join(", ");
            let (began, before, now) = (exact(wait.began), all(dues_before), all(dues_now));
            format!(
                "a wait that began at {began} was due at {before}, and asked about again, at {now}"
            )
        })?;
    }
    Ok(())
}

/// The kernel's: the longer a wait lasts, the rarer its reports.
///
/// # Errors
/// The rule that the part broke.
pub fn reports_grow_rarer<S: StallDetector + ?Sized>(detector: &S) -> Result<(), Broken> {
    let rule = Rule(
        "the time between two reports of a wait grows from report to report",
        "Another report of the same wait says nothing new, and each one costs the console a stack.",
    );
    for wait in waits() {
        let dues = dues(detector, wait, REPORTS);
        for three in dues.windows(3) {
            let [shorter, longer] = [1, 2].map(|n| three[n].ns_since(three[n - 1]));
            rule.check(longer > shorter, || {
                format!("{shorter} ns between two reports were followed by {longer} ns")
            })?;
        }
    }
    Ok(())
}

/// The kernel's: on a machine with more CPUs a second report comes later.
///
/// # Errors
/// The rule that the part broke.
pub fn is_patient_on_big_machines<S: StallDetector + ?Sized>(detector: &S) -> Result<(), Broken> {
    let rule = Rule(
        "with 64 CPUs online the second report comes later after the first than with two",
        "Each of 63 waiting CPUs reports: together they would write without a pause.",
    );
    let gap = |nr_online| {
        let began = KernelTime::BOOT;
        let wait = CsdStall { began, reported: None, reports: 0, nr_online };
        let dues = dues(detector, wait, 2);
        dues[1].ns_since(dues[0])
    };
    let (few, many) = (gap(2), gap(64));
    rule.check(many > few, || format!("it came {few} ns later with two CPUs, {many} ns with 64"))
}
