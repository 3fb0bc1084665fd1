//! The checks of ex03: the interrupts of one CPU.

use softlockup::Parts;
use softlockup::parts::contract::irq_state as rules;
use softlockup::parts::erased::Erased;
use softlockup::parts::irq_state::IrqState;
use softlockup::scenario::Scenario;
use softlockup::scenario::nested_irq::NestedIrq;
use softlockup::scenario::nested_oops::NestedOops;
use softlockup::scenario::slow_console::SlowConsole;

use crate::check::{Check, Failure};
use crate::replay;

/// The name in reports.
pub const ID: &str = "ex03";

/// What an [`IrqState`] must do.
pub fn checks<I: IrqState + Default>() -> Vec<Check> {
    checks_of(|| Erased(Box::new(I::default())), parts::<I>)
}

fn checks_of(new: fn() -> Erased<dyn IrqState>, parts: fn() -> Parts) -> Vec<Check> {
    #[cfg_attr(not(feature = "models"), expect(unused_mut, reason = "the models come last"))]
    let mut checks = vec![
        Check::contract(
            "contract::irq_state::save_and_restore",
            "sections with interrupts off nest: interrupts come on again at the outermost restore",
            1,
            move || {
                rules::starts_on_and_empty(new)?;
                rules::save_turns_interrupts_off(new)?;
                rules::only_the_outermost_restore_turns_them_on(new)?;
                rules::restore_says_whether_they_are_on(new)
            },
        ),
        Check::contract(
            "contract::irq_state::pending",
            "what is raised stays pending until it is taken",
            1,
            move || {
                rules::looking_takes_nothing(new)?;
                rules::raising_adds_one(new)?;
                rules::takes_each_once(new)?;
                rules::the_others_stay_pending(new)?;
                rules::what_comes_while_off_is_kept(new)
            },
        ),
        Check::contract(
            "contract::irq_state::take",
            "the lowest vector that is asked for and pending is taken, an NMI also while interrupts are off",
            1,
            move || {
                rules::takes_the_lowest_that_is_asked_for(new)?;
                rules::an_nmi_gets_through(new)
            },
        ),
        Check::replay(
            "replay::nested_irq",
            "a call that comes in the inner of two sections is answered at the end of the outer one",
            1,
            move || nested_sections(parts),
        ),
        Check::replay(
            "replay::slow_console",
            "callers wait for a CPU that prints with interrupts off, and go on when it is done",
            1,
            move || slow_console(parts),
        ),
    ];
    #[cfg(feature = "models")]
    checks.push(crate::check::model(
        "model::irq_state",
        "in every interleaving no vector is lost, and its handler sees what its sender wrote",
        1,
        move || models::irq_state(new),
    ));
    checks
}

fn parts<I: IrqState + Default>() -> Parts {
    Parts::stock().with_irq_state::<I>()
}

fn nested_sections(parts: fn() -> Parts) -> Result<(), Failure> {
    let scenario = NestedIrq::default();
    let incident = replay::live(&scenario, parts())?;
    scenario.judge(&incident).map_err(|happened| {
        Failure::new(format!(
            "{happened}. On real hardware the handler would come in while the outer section holds its lock, and would \
             wait for that lock on the CPU that holds it"
        ))
    })
}

fn slow_console(parts: fn() -> Parts) -> Result<(), Failure> {
    let scenario = SlowConsole::default();
    let incident = replay::live(&scenario, parts())?;
    let (seen, want) = (incident.report().diagnosis, scenario.conclusion());
    if (seen.cause, &seen.cpus) == (want.cause, &want.cpus) {
        return Ok(());
    }
    Err(Failure::new(format!(
        "CPU#1 was to print for 8.8 s with interrupts off, and its callers were to wait for it: \"{want}\"; but the report \
         says: \"{seen}\". On real hardware an interrupt in the middle of such a line writes into it, or waits for the \
         console for ever"
    ))
    .with_detail(replay::last_lines(&incident.console())))
}

/// What `lab replay` shows.
pub fn replayed<I: IrqState + Default>() -> String {
    beside_stock(parts::<I>)
}

fn beside_stock(parts: fn() -> Parts) -> String {
    replay::beside_stock(&NestedOops::default(), parts())
}
