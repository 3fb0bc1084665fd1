use softlockup::CpuId;
use softlockup::cpumask::CpuMask;
use softlockup::parts::contract::hardlockup;
use softlockup::parts::hardlockup::HardlockupVerdict::{Alive, AlreadyReported, Lockup, Missed};
use softlockup::parts::hardlockup::{
    BuddyDetector, HardlockupDetector, HardlockupVerdict, HardlockupWatch, is_hardlockup,
};
use softlockup::sync::AtomicU32;
use softlockup::sync::Ordering::Relaxed;

/// The rules that each detector keeps, and that this one breaks.
fn broken<H: HardlockupDetector>(detector: &H) -> Vec<&'static str> {
    let broken = broken!(hardlockup(detector): no_cpu_watches_itself, watches_another_online_cpu,
        leaves_no_cpu_unwatched, reports_at_the_last_miss_allowed, misses_count_in_a_row, reports_once,
        reports_again_after_it_came_back, keeps_cpus_apart);
    assert_eq!(hardlockup::all(detector).is_ok(), broken.is_empty());
    broken
}

type Checked = (HardlockupWatch, HardlockupVerdict);

/// A detector that is two functions.
struct Made {
    watches: fn(CpuId, &CpuMask) -> Option<CpuId>,
    check: fn(HardlockupWatch, u64, u32) -> Checked,
}

impl HardlockupDetector for Made {
    fn watches(&self, cpu: CpuId, online: &CpuMask) -> Option<CpuId> {
        (self.watches)(cpu, online)
    }

    fn check(&self, watch: HardlockupWatch, interrupts: u64, miss_thresh: u32) -> Checked {
        (self.check)(watch, interrupts, miss_thresh)
    }
}

fn next(cpu: CpuId, online: &CpuMask) -> Option<CpuId> {
    online.next_after(cpu).filter(|&next| next != cpu)
}

fn broken_watches(watches: fn(CpuId, &CpuMask) -> Option<CpuId>) -> Vec<&'static str> {
    broken(&Made { watches, check: is_hardlockup })
}

fn broken_check(check: fn(HardlockupWatch, u64, u32) -> Checked) -> Vec<&'static str> {
    broken(&Made { watches: next, check })
}

#[test]
fn the_kernels_buddy_keeps_the_rules() {
    assert!(broken(&BuddyDetector).is_empty());
    assert_eq!(hardlockup::watches_the_next(&BuddyDetector), Ok(()));
}

/// The CPU before `cpu`.
fn previous(cpu: CpuId, online: &CpuMask) -> Option<CpuId> {
    let last = online.iter().filter(|&other| other != cpu).last();
    online.iter().take_while(|&other| other < cpu).last().or(last)
}

/// Counts down from the threshold, in the same fields.
fn counts_down(watch: HardlockupWatch, interrupts: u64, miss_thresh: u32) -> Checked {
    if watch.saved != interrupts {
        return (HardlockupWatch { saved: interrupts, missed: miss_thresh, warned: false }, Alive);
    }
    let missed = watch.missed.saturating_sub(1);
    let verdict = match (watch.missed, missed) {
        (0, _) => AlreadyReported,
        (_, 0) => Lockup,
        _ => Missed,
    };
    (HardlockupWatch { missed, ..watch }, verdict)
}

#[test]
fn every_right_detector_is_accepted() {
    assert!(broken_watches(previous).is_empty());
    assert!(broken_check(counts_down).is_empty());
    let in_words: fn(CpuId, &CpuMask) -> Option<CpuId> = |cpu, online| {
        let higher = online.iter().find(|&other| other > cpu);
        higher.or_else(|| online.iter().find(|&other| other < cpu))
    };
    assert!(broken_watches(in_words).is_empty());
    let made = Made { watches: in_words, check: is_hardlockup };
    assert_eq!(hardlockup::watches_the_next(&made), Ok(()));
    let backwards = Made { watches: previous, check: is_hardlockup };
    assert!(hardlockup::watches_the_next(&backwards).is_err());
}

#[test]
fn what_watches_wrong_cpus_is_refused() {
    let does_not_go_round = |cpu: CpuId, online: &CpuMask| online.iter().find(|&other| other > cpu);
    assert_eq!(
        broken_watches(does_not_go_round),
        ["watches_another_online_cpu", "leaves_no_cpu_unwatched"]
    );
    let made = Made { watches: does_not_go_round, check: is_hardlockup };
    assert_eq!(
        hardlockup::leaves_no_cpu_unwatched(&made).unwrap_err().happened,
        "of [0-1] CPU#0 is watched by none"
    );
    assert_eq!(broken_watches(|cpu, online| online.next_after(cpu)), ["no_cpu_watches_itself"]);
    let offline_too = |cpu: CpuId, online: &CpuMask| {
        let after = CpuId(cpu.0 + 1);
        next(cpu, online).map(|next| if next < cpu { next } else { after })
    };
    assert!(broken_watches(offline_too).contains(&"watches_another_online_cpu"));
    let round_to_zero = |cpu: CpuId, online: &CpuMask| {
        let higher = online.iter().find(|&other| other > cpu);
        higher.or(Some(CpuId(0)))
    };
    assert!(broken_watches(round_to_zero).contains(&"watches_another_online_cpu"));
    let all_watch_the_first =
        |cpu: CpuId, online: &CpuMask| online.iter().find(|&other| other != cpu);
    assert_eq!(broken_watches(all_watch_the_first), ["leaves_no_cpu_unwatched"]);
    let none = |_: CpuId, _: &CpuMask| None;
    assert_eq!(broken_watches(none), ["watches_another_online_cpu", "leaves_no_cpu_unwatched"]);
}

#[test]
fn what_checks_wrongly_is_refused() {
    let in_time = "reports_at_the_last_miss_allowed";
    let ignores_the_threshold = |watch, interrupts, _: u32| is_hardlockup(watch, interrupts, 1);
    assert!(broken_check(ignores_the_threshold).contains(&in_time));
    let one_too_late = |watch, interrupts, thresh| is_hardlockup(watch, interrupts, thresh + 1);
    assert!(broken_check(one_too_late).contains(&in_time));
    let never_forgets_misses = |watch: HardlockupWatch, interrupts, thresh| {
        let (next, verdict) = is_hardlockup(watch, interrupts, thresh);
        let missed = next.missed.max(watch.missed);
        (HardlockupWatch { missed, ..next }, verdict)
    };
    assert!(broken_check(never_forgets_misses).contains(&"misses_count_in_a_row"));
    let never_remembers = |watch, interrupts, thresh| {
        let (next, verdict) = is_hardlockup(watch, interrupts, thresh);
        (HardlockupWatch { warned: false, ..next }, verdict)
    };
    assert_eq!(broken_check(never_remembers), ["reports_once", "keeps_cpus_apart"]);
    let at_each_multiple = |watch: HardlockupWatch, interrupts, thresh: u32| {
        let (next, verdict) = is_hardlockup(watch, interrupts, thresh);
        let again = verdict == AlreadyReported && next.missed.is_multiple_of(thresh * 2);
        (next, if again { Lockup } else { verdict })
    };
    assert_eq!(broken_check(at_each_multiple), ["reports_once"]);
    let warns_once_for_ever = |watch: HardlockupWatch, interrupts, thresh| {
        let (next, verdict) = is_hardlockup(watch, interrupts, thresh);
        (HardlockupWatch { warned: next.warned || watch.warned, ..next }, verdict)
    };
    assert_eq!(broken_check(warns_once_for_ever), ["reports_again_after_it_came_back"]);
    let never_alive = |mut watch: HardlockupWatch, interrupts, thresh| {
        watch.saved = interrupts;
        is_hardlockup(watch, interrupts, thresh)
    };
    assert!(broken_check(never_alive).contains(&"misses_count_in_a_row"));
}

/// Counts the misses of all CPUs together.
struct RemembersInItself(AtomicU32);

impl HardlockupDetector for RemembersInItself {
    fn watches(&self, cpu: CpuId, online: &CpuMask) -> Option<CpuId> {
        next(cpu, online)
    }

    fn check(&self, watch: HardlockupWatch, interrupts: u64, miss_thresh: u32) -> Checked {
        let missed = self.0.load(Relaxed);
        let watch = HardlockupWatch { missed, ..watch };
        let (next, verdict) = is_hardlockup(watch, interrupts, miss_thresh);
        self.0.store(next.missed, Relaxed);
        (next, verdict)
    }
}

#[test]
fn a_detector_that_remembers_is_refused() {
    assert_eq!(broken(&RemembersInItself(AtomicU32::new(0))), ["keeps_cpus_apart"]);
}
