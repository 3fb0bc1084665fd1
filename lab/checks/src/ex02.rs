//! The checks of ex02: the soft-lockup detector of 4.19.

use softlockup::Parts;
use softlockup::parts::contract::{Broken, softlockup as rules};
use softlockup::parts::softlockup::SoftlockupDetector;
use softlockup::scenario::nested_oops::{Arrivals, NestedOops};

use crate::check::{Check, Failure};
use crate::{replay, reported};

/// The name in reports.
pub const ID: &str = "ex02";

type Rule = fn(&dyn SoftlockupDetector) -> Result<(), Broken>;

/// What a [`SoftlockupDetector`] like 4.19's must do.
pub fn checks<L: SoftlockupDetector + Default>() -> Vec<Check> {
    checks_of(|| Box::new(L::default()), parts::<L>)
}

fn checks_of(new: fn() -> Box<dyn SoftlockupDetector>, parts: fn() -> Parts) -> Vec<Check> {
    let contract = |id, rule, points, contract: Rule| {
        Check::contract(id, rule, points, move || contract(&*new()))
    };
    vec![
        contract(
            "contract::softlockup::reports_a_starved_cpu",
            "a CPU is reported when more than the threshold has passed since it was fed, and not before",
            1,
            rules::reports_a_starved_cpu,
        ),
        contract(
            "contract::softlockup::survives_the_wrap",
            "a counter that wraps between the feed and the sample changes nothing",
            1,
            rules::survives_the_wrap,
        ),
        contract(
            "contract::softlockup::a_touch_buys_time",
            "after a touch the count starts again at the next sample",
            1,
            rules::a_touch_buys_time,
        ),
        contract(
            "contract::softlockup::warns_once_per_task",
            "a task that was reported is not reported again while it stays stuck",
            1,
            rules::warns_once_per_task,
        ),
        contract(
            "contract::softlockup::rearms_after_a_feed",
            "a CPU that was reported, then fed, and then starves again is reported again",
            1,
            rules::rearms_after_a_feed,
        ),
        contract(
            "contract::softlockup::another_task_gets_a_count_of_its_own",
            "another task that is found where one was reported gets a count of its own",
            1,
            rules::another_task_gets_a_count_of_its_own,
        ),
        contract(
            "contract::softlockup::keeps_cpus_apart",
            "what happens on one CPU does not change what another CPU's sample finds",
            1,
            rules::keeps_cpus_apart,
        ),
        contract(
            "contract::softlockup::obeys_the_threshold",
            "the threshold is the one that each sample is given",
            0,
            rules::obeys_the_threshold,
        ),
        Check::replay(
            "replay::article",
            "each stuck CPU is reported once, with its number, whatever the threshold is",
            1,
            move || each_once_with_its_number(parts),
        ),
    ]
}

fn parts<L: SoftlockupDetector + Default>() -> Parts {
    Parts::stock().with_softlockup_detector(L::default())
}

/// The article's incident, and a small machine's, whose `watchdog_thresh` is half of that.
fn each_once_with_its_number(parts: fn() -> Parts) -> Result<(), Failure> {
    let mut small = NestedOops { arrivals: Arrivals::Seed(0x5EED_0200), ..NestedOops::default() };
    small.config.nr_cpus = 8;
    small.config.watchdog_thresh_secs = 5;
    for scenario in [NestedOops::default(), small] {
        let thresh = scenario.config.watchdog_thresh_secs;
        let (mine, stock) = replay::live_and_stock(&scenario, parts())?;
        let Err(happened) = reported::as_stock(&stock, &mine) else { continue };
        let failure = Failure::new(format!(
            "with watchdog_thresh = {thresh}, {happened}. These reports are all that the article's reader has: one too \
             many buries them, one too few hides a CPU, and a wrong number moves the time at which the trouble began"
        ));
        let failure = match reported::repeats(&mine) {
            true => failure.with_mistake("it forgets what it has reported"),
            false => failure,
        };
        return Err(reported::with_console(failure, &mine));
    }
    Ok(())
}

/// What `lab replay` shows.
pub fn replayed<L: SoftlockupDetector + Default>() -> String {
    beside_stock(parts::<L>)
}

fn beside_stock(parts: fn() -> Parts) -> String {
    replay::beside_stock(&NestedOops::default(), parts())
}
