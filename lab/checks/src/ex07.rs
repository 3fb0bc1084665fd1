//! The checks of ex07: the broadcast of a call.

use softlockup::parts::call_many::{CallMany, Wait};
use softlockup::parts::contract::call_many as rules;
use softlockup::parts::erased::{DynCallMany, Erased};
use softlockup::record::Event;
use softlockup::scenario::At;
use softlockup::scenario::busy::{Busy, Call, To};
use softlockup::scenario::nested_oops::NestedOops;
use softlockup::{CpuId, Incident, KernelTime, Parts, Scenario};

use crate::check::{Check, Failure};
use crate::{replay, reported};

/// The name in reports.
pub const ID: &str = "ex07";

/// What a [`CallMany`] must do.
pub fn checks<M: CallMany + Default>() -> Vec<Check> {
    checks_of(|| Erased(Box::new(M::default())), parts::<M>)
}

fn checks_of(new: fn() -> Erased<dyn DynCallMany>, parts: fn() -> Parts) -> Vec<Check> {
    vec![
        Check::contract(
            "contract::call_many::posts",
            "the call is posted once to each online CPU of the mask but the caller, and to no other",
            1,
            move || {
                rules::leaves_itself_out(new)?;
                rules::leaves_out_who_is_not_meant(new)?;
                rules::posts_once_to_each(new)
            },
        ),
        Check::contract(
            "contract::call_many::interrupts",
            "each CPU whose queue was empty gets one IPI, after the post, and the others get none",
            1,
            move || {
                rules::interrupts_those_whose_queue_was_empty(new)?;
                rules::interrupts_after_the_post(new)
            },
        ),
        Check::contract(
            "contract::call_many::waits",
            "nothing is put off behind a wait; a caller that waits waits for all, and another for none",
            1,
            move || {
                rules::sync_waits_for_all(new)?;
                rules::async_waits_for_none(new)?;
                rules::posts_to_all_before_it_waits(new)?;
                rules::interrupts_all_before_it_waits(new)
            },
        ),
        Check::replay(
            "replay::busy",
            "four busy CPUs call one another, and each broadcast runs once on each other CPU",
            1,
            move || judged(parts, &Busy::default()),
        ),
        Check::replay(
            "replay::all_at_once",
            "four CPUs broadcast at one and the same moment, and all go on",
            1,
            move || judged(parts, &all_at_once()),
        ),
        Check::replay(
            "replay::article",
            "CPU 0 is deaf, and each broadcast reaches the 62 others before its caller stands still",
            1,
            move || all_but_the_deaf_cpu_hear_of_it(parts),
        ),
    ]
}

/// Each of four CPUs broadcasts and waits, all at 10 s.
pub fn all_at_once() -> Busy {
    let time = KernelTime::from_ns(10_000_000_000);
    let call = |cpu| Call { from: At { cpu: CpuId(cpu), time }, to: To::All, wait: Wait::Sync };
    Busy { calls: (0..4).map(call).collect(), masked: Vec::new(), ..Busy::default() }
}

fn judged(parts: fn() -> Parts, scenario: &Busy) -> Result<(), Failure> {
    let incident = replay::live(scenario, parts())?;
    scenario.judge(&incident).map_err(|happened| {
        Failure::new(format!(
            "{happened}. A broadcast is how a CPU tells all others that code has changed (on x86 also a page table): a CPU that was \
             left out goes on with the old one"
        ))
    })
}

fn all_but_the_deaf_cpu_hear_of_it(parts: fn() -> Parts) -> Result<(), Failure> {
    let scenario = NestedOops::default();
    let (mine, stock) = replay::live_and_stock(&scenario, parts())?;
    let others = scenario.config().nr_cpus as usize - 1;
    for caller in stock.report().soft_lockups.iter().map(|report| report.cpu) {
        let posted = posts(&mine, caller);
        if posted != others {
            let failure = Failure::new(format!(
                "CPU#{caller} was to post its call to {others} CPUs; but it posted {posted} until {} s. CPU#0 never answers: \
                 what comes behind a wait for it never comes, and the other CPUs go on with what was just changed",
                mine.ended
            ));
            return Err(reported::with_console(failure, &mine));
        }
    }
    reported::as_stock(&stock, &mine).map_err(|happened| {
        let failure = Failure::new(format!(
            "{happened}. A caller of a deaf CPU waits for ever, and that is what its report is for"
        ));
        reported::with_console(failure, &mine)
    })
}

/// How many calls `caller` posted.
pub fn posts(incident: &Incident, caller: CpuId) -> usize {
    let is_post = |event: &Event| matches!(event, Event::CsdQueue { .. });
    incident.records.iter().filter(|it| it.cpu == caller && is_post(&it.event)).count()
}

fn parts<M: CallMany + Default>() -> Parts {
    Parts::stock().with_call_many(M::default())
}

/// What `lab replay` shows.
pub fn replayed<M: CallMany + Default>() -> String {
    beside_stock(parts::<M>)
}

fn beside_stock(parts: fn() -> Parts) -> String {
    replay::beside_stock(&NestedOops::default(), parts())
}
