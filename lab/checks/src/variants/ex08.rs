//! Known answers to ex08.

use softlockup::KernelTime;
use softlockup::parts::csd_stall::{CsdStall, StallDetector};
use softlockup::sync::{AtomicU64, Ordering::Relaxed};
use softlockup::time::NSEC_PER_SEC;

use crate::ex08::checks;
use crate::variants::{Variant, right, solution, wrong};

const TIMEOUT_NS: u64 = 5 * NSEC_PER_SEC;

const EARLY: &str = "contract::csd_stall::not_at_five_seconds";
const SOON: &str = "contract::csd_stall::soon_after_five_seconds";
const LATER: &str = "contract::csd_stall::each_report_comes_later";
const APART: &str = "contract::csd_stall::keeps_waits_apart";

/// Solution, alternatives, mutants.
pub(super) const VARIANTS: &[&[Variant]] = &[&[
    solution(checks::<ex08_time_out_solution::MyStallDetector>),
    right("every 5 s", checks::<EveryFiveSeconds>),
    right("each pause twice the one before", checks::<Doubles>),
    right("once, and never again", checks::<Once>),
    right("at the next whole second", checks::<WholeSeconds>),
    right("5 s and a tick, rarer on big machines", checks::<ATickLater>),
    wrong("a due that does not move", LATER, &["does not move", "43,350"], checks::<Stands>),
    wrong(
        "counted from the beginning, as many times as reported",
        LATER,
        &["came late"],
        checks::<FromTheBeginning>,
    ),
    wrong("the next 5 s mark after the last report", LATER, &["came late"], checks::<NextMark>),
    wrong("a first report at 5 s", EARLY, &["more than 5 s", "and not at 5 s"], checks::<AtFive>),
    wrong("due at once", EARLY, &["more than 5 s"], checks::<AtOnce>),
    wrong("counted from boot", EARLY, &["more than 5 s"], checks::<FromBoot>),
    wrong("5 ms", EARLY, &["more than 5 s"], checks::<Milliseconds>),
    wrong("the soft-lockup watchdog's 20 s", SOON, &["within a second"], checks::<TwentySeconds>),
    wrong(
        "patient with the first report too",
        SOON,
        &["within a second", "10.000000001 s"],
        checks::<PatientAtFirst>,
    ),
    wrong("never", SOON, &["within a second", "never"], checks::<Never>),
    wrong("a pause that shrinks", LATER, &["at least 5 s after"], checks::<Shrinks>),
    wrong(
        "remembers the last due of any wait",
        APART,
        &["depends on that wait alone"],
        checks::<Remembers>,
    ),
    wrong("no patience on a small machine", LATER, &["at least 5 s after"], checks::<NoPatience>),
    wrong("hurries after the third report", LATER, &["after report 3"], checks::<Hurries>),
    wrong("as handed out", EARLY, &["when is the first report due?"], checks::<AsHandedOut>),
]];

/// A detector for each of these, which need no state.
macro_rules! detectors {
    ($($(#[$doc:meta])* $name:ident: $due:expr;)*) => {
        $($(#[$doc])* #[derive(Default)]
        struct $name;
        impl StallDetector for $name {
            fn due(&self, stall: &CsdStall) -> KernelTime {
                let due: fn(&CsdStall) -> KernelTime = $due;
                due(stall)
            }
        })*
    };
}

detectors! {
    EveryFiveSeconds: |stall| stall.reported.unwrap_or(stall.began) + TIMEOUT_NS + 1;
    /// Shorter than the kernel's at first, longer later.
    Doubles: |stall| {
        let last = stall.reported.unwrap_or(stall.began);
        last + last.ns_since(stall.began).max(TIMEOUT_NS) + 1
    };
    Once: |stall| match stall.reports {
        0 => stall.began + TIMEOUT_NS + 1,
        _ => KernelTime::MAX,
    };
    /// The kernel that looks at each tick of 4 ms cannot be exact either.
    ATickLater: |stall| {
        let last = stall.reported.unwrap_or(stall.began);
        let big = if stall.reports == 0 { 1 } else { 1 + stall.nr_online as u64 / 16 };
        last + big * TIMEOUT_NS + 4_000_000
    };

    WholeSeconds: |stall| {
        let last = stall.reported.unwrap_or(stall.began);
        KernelTime::from_secs((last.ns() + TIMEOUT_NS) / NSEC_PER_SEC + 1)
    };

    Stands: |stall| stall.began + TIMEOUT_NS + 1;
    FromTheBeginning: |stall| stall.began + TIMEOUT_NS * (stall.reports + 1) + 1 + stall.reports;
    NextMark: |stall| {
        let since = stall.reported.map_or(0, |last| last.ns_since(stall.began));
        let marks = since / TIMEOUT_NS + 1;
        stall.began + marks * (TIMEOUT_NS + 1)
    };
    AtFive: |stall| stall.reported.unwrap_or(stall.began) + TIMEOUT_NS;
    AtOnce: |stall| stall.reported.map_or(stall.began, |last| last + TIMEOUT_NS);
    FromBoot: |stall| stall.reported.unwrap_or_default() + TIMEOUT_NS + 1;
    Milliseconds: |stall| stall.reported.unwrap_or(stall.began) + 5_000_000;
    TwentySeconds: |stall| stall.reported.unwrap_or(stall.began) + 20 * NSEC_PER_SEC;
    PatientAtFirst: |stall| {
        let patience = u64::from(stall.nr_online.ilog2()) / 2 + 1;
        stall.reported.unwrap_or(stall.began) + TIMEOUT_NS * patience + 1
    };
    Never: |_| KernelTime::MAX;
    Shrinks: |stall| {
        let last = stall.reported.unwrap_or(stall.began);
        last + TIMEOUT_NS / (stall.reports + 1) + 1
    };
    /// The kernel's formula, from memory: ilog2(1) is 0.
    NoPatience: |stall| match stall.reported {
        None => stall.began + TIMEOUT_NS + 1,
        Some(last) => last + TIMEOUT_NS * u64::from(stall.nr_online.ilog2()) + 1,
    };
    Hurries: |stall| match stall.reports {
        0..=2 => stall.reported.unwrap_or(stall.began) + TIMEOUT_NS + 1,
        _ => stall.reported.unwrap_or(stall.began) + NSEC_PER_SEC,
    };
    AsHandedOut: |_| todo!("when is the first report due?");
}

/// So that two reports never come at once: each wait waits for the other's pause, too.
#[derive(Default)]
struct Remembers(AtomicU64);

impl StallDetector for Remembers {
    fn due(&self, stall: &CsdStall) -> KernelTime {
        let last = stall.reported.unwrap_or(stall.began);
        let asked_before = self.0.fetch_add(1, Relaxed);
        last + TIMEOUT_NS + 1 + asked_before.min(900_000_000)
    }
}
