//! Known answers to ex09.

use softlockup::CpuId;
use softlockup::cpumask::CpuMask;
use softlockup::parts::hardlockup::HardlockupVerdict::{
    self, Alive, AlreadyReported, Lockup, Missed,
};
use softlockup::parts::hardlockup::{BuddyDetector, HardlockupDetector, HardlockupWatch};
use softlockup::sync::{AtomicU32, Ordering::Relaxed};

use crate::ex09::checks;
use crate::variants::{Variant, right, solution, wrong};

const ITSELF: &str = "contract::hardlockup::no_cpu_watches_itself";
const ONLINE: &str = "contract::hardlockup::watches_another_online_cpu";
const UNWATCHED: &str = "contract::hardlockup::leaves_no_cpu_unwatched";
const AT_THE_LAST: &str = "contract::hardlockup::reports_at_the_last_miss_allowed";
const IN_A_ROW: &str = "contract::hardlockup::misses_count_in_a_row";
const ONCE: &str = "contract::hardlockup::reports_once";
const AGAIN: &str = "contract::hardlockup::reports_again_after_it_came_back";
const APART: &str = "contract::hardlockup::keeps_cpus_apart";

/// Solution, alternatives, mutants.
pub(super) const VARIANTS: &[&[Variant]] = &[&[
    solution(checks::<ex09_buddy_solution::MyBuddy>),
    right("the kernel's", checks::<BuddyDetector>),
    right("watches the one before", checks::<TheOneBefore>),
    right("a ring of its own, by position", checks::<ByPosition>),
    right("counts the misses down", checks::<CountsDown>),
    wrong(
        "does not go round",
        UNWATCHED,
        &["CPU#0 is watched by none", "CPU 0 too"],
        checks::<NoWrap>,
    ),
    wrong("the last watches none", ONLINE, &["CPU#1 watches no CPU"], checks::<LastWatchesNone>),
    wrong("takes numbers for online CPUs", ONLINE, &["which is offline"], checks::<Numbers>),
    wrong(
        "watches itself if it is alone",
        ITSELF,
        &["alone", "watches itself"],
        checks::<AloneItself>,
    ),
    wrong("each CPU watches itself", ITSELF, &["watches itself"], checks::<Itself>),
    wrong("all watch CPU 0", UNWATCHED, &["CPU#2 is watched by none"], checks::<AllWatchFirst>),
    wrong("in pairs, and the last one alone", ONLINE, &["watches no CPU"], checks::<Pairs>),
    wrong(
        "ignores miss_thresh",
        AT_THE_LAST,
        &["miss_thresh of 3", "miss 1"],
        checks::<IgnoresThresh>,
    ),
    wrong(
        "one miss too many",
        AT_THE_LAST,
        &["miss_thresh of 1", "miss 1", "Missed"],
        checks::<OneTooMany>,
    ),
    wrong(
        "forgets the count",
        AT_THE_LAST,
        &["miss_thresh of 1", "Alive and not Lockup"],
        checks::<ForgetsTheCount>,
    ),
    wrong(
        "misses add up",
        IN_A_ROW,
        &["makes up for the misses", "since it ran"],
        checks::<AddsUp>,
    ),
    wrong("reports at each look", ONCE, &["Lockup and not AlreadyReported"], checks::<EachLook>),
    wrong(
        "reports at each miss_thresh-th look",
        ONCE,
        &["not AlreadyReported"],
        checks::<CountsAnew>,
    ),
    wrong("never again", AGAIN, &["AlreadyReported", "goes dark again"], checks::<NeverAgain>),
    wrong("a dead CPU stays dead", AGAIN, &["AlreadyReported and not Alive"], checks::<StaysDead>),
    wrong("counts in itself", APART, &["another CPU's"], checks::<InItself>),
    wrong("as handed out", ITSELF, &["name a CPU"], checks::<AsHandedOut>),
]];

/// Detectors that differ from the kernel's in one of the two decisions.
macro_rules! watch {
    ($($(#[$doc:meta])* $name:ident: $watches:expr;)*) => {
        $($(#[$doc])* #[derive(Default)]
        struct $name;
        impl HardlockupDetector for $name {
            fn watches(&self, cpu: CpuId, online: &CpuMask) -> Option<CpuId> {
                let watches: fn(CpuId, &CpuMask) -> Option<CpuId> = $watches;
                watches(cpu, online)
            }
            fn check(&self, watch: HardlockupWatch, interrupts: u64, miss_thresh: u32) -> (HardlockupWatch, HardlockupVerdict) {
                BuddyDetector.check(watch, interrupts, miss_thresh)
            }
        })*
    };
}

watch! {
    TheOneBefore: |cpu, online| {
        let before = online.iter().take_while(|&other| other < cpu).last();
        before.or_else(|| online.iter().last()).filter(|&watched| watched != cpu)
    };
    /// In the order of all CPUs, three places on, or fewer if that comes back to itself.
    ByPosition: |cpu, online| {
        let ring: Vec<CpuId> = online.iter().collect();
        let place = ring.iter().position(|&other| other == cpu)?;
        let step = if ring.len().is_multiple_of(3) { 1 } else { 3 };
        let watched = ring[(place + step) % ring.len()];
        (watched != cpu).then_some(watched)
    };

    NoWrap: |cpu, online| {
        let next = online.iter().find(|&other| other > cpu);
        // "The last one watches the one before it, so that each watches one."
        next.or_else(|| online.iter().take_while(|&other| other < cpu).last())
    };
    LastWatchesNone: |cpu, online| online.iter().find(|&other| other > cpu);
    Numbers: |cpu, online| {
        let last = online.iter().last()?;
        let next = if cpu == last { CpuId(0) } else { CpuId(cpu.0 + 1) };
        (online.weight() > 1).then_some(next)
    };
    /// With an odd number of CPUs the last one has no partner.
    Pairs: |cpu, online| {
        let ring: Vec<CpuId> = online.iter().collect();
        let place = ring.iter().position(|&other| other == cpu)?;
        ring.get(place ^ 1).copied()
    };
    AloneItself: |cpu, online| online.next_after(cpu);
    Itself: |cpu, _| Some(cpu);
    AllWatchFirst: |cpu, online| {
        let first = online.iter().next().filter(|&first| first != cpu);
        first.or_else(|| online.next_after(cpu)).filter(|&watched| watched != cpu)
    };
    AsHandedOut: |_, _| todo!("name a CPU so that each one is watched");
}

macro_rules! check {
    ($($(#[$doc:meta])* $name:ident: $check:expr;)*) => {
        $($(#[$doc])* #[derive(Default)]
        struct $name;
        impl HardlockupDetector for $name {
            fn watches(&self, cpu: CpuId, online: &CpuMask) -> Option<CpuId> {
                BuddyDetector.watches(cpu, online)
            }
            fn check(&self, watch: HardlockupWatch, interrupts: u64, miss_thresh: u32) -> (HardlockupWatch, HardlockupVerdict) {
                let check: fn(HardlockupWatch, u64, u32) -> (HardlockupWatch, HardlockupVerdict) = $check;
                check(watch, interrupts, miss_thresh)
            }
        })*
    };
}

check! {
    /// `missed` holds what is left: 0 before the first look, `u32::MAX` after the report.
    CountsDown: |watch, interrupts, miss_thresh| {
        let HardlockupWatch { saved, missed: left, .. } = watch;
        match (saved == interrupts, left) {
            (false, _) => (HardlockupWatch { saved: interrupts, missed: miss_thresh, warned: false }, Alive),
            (true, u32::MAX) => (watch, AlreadyReported),
            (true, 0 | 1) => (HardlockupWatch { missed: u32::MAX, ..watch }, Lockup),
            (true, left) => (HardlockupWatch { missed: left - 1, ..watch }, Missed),
        }
    };

    IgnoresThresh: |watch, interrupts, _| BuddyDetector.check(watch, interrupts, 1);
    OneTooMany: |watch, interrupts, miss_thresh| BuddyDetector.check(watch, interrupts, miss_thresh + 1);
    ForgetsTheCount: |watch, interrupts, miss_thresh| {
        let (next, verdict) = BuddyDetector.check(watch, interrupts, miss_thresh);
        (HardlockupWatch { saved: 0, ..next }, verdict)
    };
    AddsUp: |watch, interrupts, miss_thresh| {
        let (next, verdict) = BuddyDetector.check(watch, interrupts, miss_thresh);
        (HardlockupWatch { missed: next.missed.max(watch.missed), ..next }, verdict)
    };
    EachLook: |watch, interrupts, miss_thresh| {
        let (next, verdict) = BuddyDetector.check(watch, interrupts, miss_thresh);
        (next, if verdict == AlreadyReported { Lockup } else { verdict })
    };
    CountsAnew: |watch, interrupts, miss_thresh| {
        let (mut next, verdict) = BuddyDetector.check(HardlockupWatch { warned: false, ..watch }, interrupts, miss_thresh);
        if verdict == Lockup {
            next.missed = 0;
        }
        (next, verdict)
    };
    NeverAgain: |watch, interrupts, miss_thresh| {
        let (next, verdict) = BuddyDetector.check(watch, interrupts, miss_thresh);
        (HardlockupWatch { warned: watch.warned | next.warned, ..next }, verdict)
    };
    StaysDead: |watch, interrupts, miss_thresh| match watch.warned {
        true => (watch, AlreadyReported),
        false => BuddyDetector.check(watch, interrupts, miss_thresh),
    };
}

/// One count of misses for all CPUs.
#[derive(Default)]
struct InItself {
    missed: AtomicU32,
}

impl HardlockupDetector for InItself {
    fn watches(&self, cpu: CpuId, online: &CpuMask) -> Option<CpuId> {
        BuddyDetector.watches(cpu, online)
    }

    fn check(
        &self,
        watch: HardlockupWatch,
        interrupts: u64,
        miss_thresh: u32,
    ) -> (HardlockupWatch, HardlockupVerdict) {
        let missed = self.missed.load(Relaxed);
        let (next, verdict) =
            BuddyDetector.check(HardlockupWatch { missed, ..watch }, interrupts, miss_thresh);
        self.missed.store(next.missed, Relaxed);
        (next, verdict)
    }
}
