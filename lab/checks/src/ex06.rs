//! The checks of ex06: the queue of the calls to one CPU.

use softlockup::Parts;
use softlockup::parts::call_queue::CallQueue;
use softlockup::parts::contract::call_queue as rules;
use softlockup::scenario::busy::Busy;
use softlockup::scenario::masked_busy::MaskedBusy;

use crate::check::{Check, Failure};
use crate::replay;

/// The name in reports.
pub const ID: &str = "ex06";

/// What a [`CallQueue`] must do.
pub fn checks<Q: CallQueue>() -> Vec<Check> {
    #[cfg_attr(not(feature = "models"), expect(unused_mut, reason = "the models come last"))]
    let mut checks = vec![
        Check::contract(
            "contract::call_queue::loses_nothing",
            "each posted call is taken, and taken once",
            1,
            || {
                rules::is_empty_at_first::<Q>()?;
                rules::loses_nothing::<Q>()?;
                rules::is_empty_after_it_was_taken::<Q>()?;
                rules::can_be_used_again::<Q>()
            },
        ),
        Check::contract(
            "contract::call_queue::takes_in_order",
            "calls are taken in the order in which they were posted",
            1,
            rules::takes_in_order::<Q>,
        ),
        Check::contract(
            "contract::call_queue::asks_for_one_ipi",
            "the first `push` onto an empty queue says that it was empty, and no other `push` does",
            1,
            rules::asks_for_one_ipi::<Q>,
        ),
        Check::contract(
            "contract::call_queue::holds_a_call_of_each_cpu",
            "a queue holds a call of each CPU of the machine, 64 at once",
            1,
            rules::holds_a_call_of_each_cpu::<Q>,
        ),
        Check::replay(
            "replay::busy",
            "four busy CPUs call one another, and each call runs once, in its turn",
            1,
            each_call_runs_in_its_turn::<Q>,
        ),
        Check::replay(
            "replay::masked_busy",
            "eleven CPUs call one that has its interrupts off, and each is answered",
            1,
            eleven_are_answered::<Q>,
        ),
    ];
    #[cfg(feature = "models")]
    checks.push(crate::check::model(
        "model::call_queue",
        "in every interleaving no call is lost, taken twice, or left in the queue without an IPI on its way",
        2,
        || crate::models::call_queue(Q::default),
    ));
    checks
}

fn each_call_runs_in_its_turn<Q: CallQueue>() -> Result<(), Failure> {
    let scenario = Busy::default();
    let incident = replay::live(&scenario, Parts::stock().with_call_queue::<Q>())?;
    scenario.judge(&incident).map_err(|happened| {
        Failure::new(format!(
            "{happened}. The article's console would look the same: its CPU 0 never takes its queue. A machine that works \
             would lose an answer now and then, and no log would say why"
        ))
    })
}

fn eleven_are_answered<Q: CallQueue>() -> Result<(), Failure> {
    let scenario = MaskedBusy::default();
    let incident = replay::live(&scenario, Parts::stock().with_call_queue::<Q>())?;
    scenario.judge(&incident).map_err(|happened| {
        Failure::new(format!(
            "{happened}. A slow console can keep a CPU's interrupts off for a second, and every other CPU may call it meanwhile"
        ))
    })
}

/// What `lab replay` shows.
pub fn replayed<Q: CallQueue>() -> String {
    replay::beside_stock(&Busy::default(), Parts::stock().with_call_queue::<Q>())
}
