//! The checks of ex06: the queue of the calls to one CPU.

use softlockup::Parts;
use softlockup::parts::call_queue::CallQueue;
use softlockup::parts::contract::call_queue as rules;
use softlockup::parts::erased::{DynCallQueue, Erased};
use softlockup::scenario::busy::Busy;
use softlockup::scenario::masked_busy::MaskedBusy;

use crate::check::{Check, Failure};
use crate::replay;

/// The name in reports.
pub const ID: &str = "ex06";

/// What a [`CallQueue`] must do.
pub fn checks<Q: CallQueue + Default>() -> Vec<Check> {
    checks_of(|| Erased(Box::new(Q::default())), parts::<Q>)
}

fn checks_of(new: fn() -> Erased<dyn DynCallQueue>, parts: fn() -> Parts) -> Vec<Check> {
    #[cfg_attr(not(feature = "models"), expect(unused_mut, reason = "the models come last"))]
    let mut checks = vec![
        Check::contract(
            "contract::call_queue::loses_nothing",
            "each posted call is taken, and taken once",
            1,
            move || {
                rules::is_empty_at_first(new)?;
                rules::loses_nothing(new)?;
                rules::is_empty_after_it_was_taken(new)?;
                rules::can_be_used_again(new)
            },
        ),
        Check::contract(
            "contract::call_queue::takes_in_order",
            "calls are taken in the order in which they were posted",
            1,
            move || rules::takes_in_order(new),
        ),
        Check::contract(
            "contract::call_queue::asks_for_one_ipi",
            "the first `push` onto an empty queue says that it was empty, and no other `push` does",
            1,
            move || rules::asks_for_one_ipi(new),
        ),
        Check::contract(
            "contract::call_queue::holds_a_call_of_each_cpu",
            "a queue holds a call of each CPU of the machine, 64 at once",
            1,
            move || rules::holds_a_call_of_each_cpu(new),
        ),
        Check::replay(
            "replay::busy",
            "four busy CPUs call one another, and each call runs once, in its turn",
            1,
            move || each_call_runs_in_its_turn(parts),
        ),
        Check::replay(
            "replay::masked_busy",
            "eleven CPUs call one that has its interrupts off, and each is answered",
            1,
            move || eleven_are_answered(parts),
        ),
    ];
    #[cfg(feature = "models")]
    checks.push(crate::check::model(
        "model::call_queue",
        "in every interleaving no call is lost, taken twice, or left in the queue without an IPI on its way",
        2,
        move || models::call_queue(new),
    ));
    checks
}

fn each_call_runs_in_its_turn(parts: fn() -> Parts) -> Result<(), Failure> {
    let scenario = Busy::default();
    let incident = replay::live(&scenario, parts())?;
    scenario.judge(&incident).map_err(|happened| {
        Failure::new(format!(
            "{happened}. The article's console would look the same: its CPU 0 never takes its queue. A machine that works \
             would lose an answer now and then, and no log would say why"
        ))
    })
}

fn eleven_are_answered(parts: fn() -> Parts) -> Result<(), Failure> {
    let scenario = MaskedBusy::default();
    let incident = replay::live(&scenario, parts())?;
    scenario.judge(&incident).map_err(|happened| {
        Failure::new(format!(
            "{happened}. A slow console can keep a CPU's interrupts off for a second, and every other CPU may call it meanwhile"
        ))
    })
}

fn parts<Q: CallQueue + Default>() -> Parts {
    Parts::stock().with_call_queue::<Q>()
}

/// What `lab replay` shows.
pub fn replayed<Q: CallQueue + Default>() -> String {
    beside_stock(parts::<Q>)
}

fn beside_stock(parts: fn() -> Parts) -> String {
    replay::beside_stock(&Busy::default(), parts())
}
