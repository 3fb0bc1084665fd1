//! The rules of an [`IrqState`]. Each one keeps all of them: a flag does, and so does a depth that is counted.
//!
//! As on the machine, each `save` is paired with one `restore`, the last `save` first, and each `restore` is given what
//! its `save` returned.

use std::fmt;

use crate::parts::contract::{Broken, Rule};
use crate::parts::irq_state::IrqState;

const ALL: u32 = u32::MAX;
const NMI: u32 = 1 << 2;
const TIMER: u32 = 1 << 3;
const CALL: u32 = 1 << 4;
const LAST: u32 = 1 << 31;

/// What `take` gave, as the vectors are written here.
#[derive(PartialEq)]
struct Taken(Option<u32>);

impl fmt::Debug for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(vector) => write!(f, "{vector:#x}"),
            None => f.write_str("nothing"),
        }
    }
}

/// How deep saves are nested here.
const DEPTH: usize = 3;

/// Every rule.
///
/// # Errors
/// The first rule that the part broke.
pub fn all<I: IrqState>(new: impl Fn() -> I) -> Result<(), Broken> {
    starts_on_and_empty(&new)?;
    save_turns_interrupts_off(&new)?;
    only_the_outermost_restore_turns_them_on(&new)?;
    restore_says_whether_they_are_on(&new)?;
    raising_adds_one(&new)?;
    the_others_stay_pending(&new)?;
    takes_each_once(&new)?;
    what_comes_while_off_is_kept(&new)?;
    takes_the_lowest_that_is_asked_for(&new)?;
    looking_takes_nothing(&new)?;
    an_nmi_gets_through(&new)
}

/// A CPU comes up with interrupts on, and with nothing pending.
///
/// # Errors
/// The rule that the part broke.
pub fn starts_on_and_empty<I: IrqState>(new: impl Fn() -> I) -> Result<(), Broken> {
    let rule = Rule(
        "at first interrupts are on and nothing is pending",
        "A CPU that comes up deaf takes no timer: its watchdog never runs, and no CPU can call it.",
    );
    let irq = new();
    rule.equal("`is_off` at first", irq.is_off(), false)?;
    rule.equal("`is_pending` at first", irq.is_pending(ALL), false)?;
    rule.equal("`take` at first", Taken(irq.take(ALL)), Taken(None))
}

/// `save` masks, and says what it found.
///
/// # Errors
/// The rule that the part broke.
pub fn save_turns_interrupts_off<I: IrqState>(new: impl Fn() -> I) -> Result<(), Broken> {
    let rule = Rule(
        "`save` turns interrupts off and says whether they were off already",
        "A handler that comes in while a lock is held may want the same lock: the CPU then waits for itself.",
    );
    let irq = new();
    for depth in 1..=DEPTH {
        rule.equal(&format!("`save` number {depth}"), irq.save(), depth > 1)?;
        rule.equal(&format!("`is_off` after `save` number {depth}"), irq.is_off(), true)?;
    }
    Ok(())
}

/// Saves nest.
///
/// # Errors
/// The rule that the part broke.
pub fn only_the_outermost_restore_turns_them_on<I: IrqState>(
    new: impl Fn() -> I,
) -> Result<(), Broken> {
    let rule = Rule(
        "interrupts come on again at the outermost `restore`, and at no inner one",
        "Too early, and a handler comes in while the outer section holds its lock; too late, and the CPU stays deaf.",
    );
    restores(&new(), |depth, off, _| {
        rule.equal(
            &format!("`is_off` after the `restore` of `save` number {depth}"),
            off,
            depth > 1,
        )
    })
}

/// The machine looks for what became pending if `restore` says that interrupts are on.
///
/// # Errors
/// The rule that the part broke.
pub fn restore_says_whether_they_are_on<I: IrqState>(new: impl Fn() -> I) -> Result<(), Broken> {
    let rule = Rule(
        "`restore` says whether interrupts are on now",
        "What became pending meanwhile is taken right then: if it is forgotten, an answer comes a timer tick late or never.",
    );
    restores(&new(), |depth, _, says| {
        rule.equal(&format!("`restore` of `save` number {depth}"), says, depth == 1)
    })
}

/// Nests saves, twice, and hands `check` each `restore`: its depth, whether interrupts are off after it, and what it
/// said.
fn restores(
    irq: &impl IrqState,
    check: impl Fn(usize, bool, bool) -> Result<(), Broken>,
) -> Result<(), Broken> {
    for _ in 0..2 {
        let found: Vec<bool> = (0..DEPTH).map(|_| irq.save()).collect();
        for (n, were_off) in found.into_iter().enumerate().rev() {
            let says = irq.restore(were_off);
            check(n + 1, irq.is_off(), says)?;
        }
    }
    Ok(())
}

/// `raise` sets its own bit, whatever is pending.
///
/// # Errors
/// The rule that the part broke.
pub fn raising_adds_one<I: IrqState>(new: impl Fn() -> I) -> Result<(), Broken> {
    let rule = Rule(
        "`raise` makes its vector pending, also if it is pending already, and leaves the others pending",
        "Two CPUs may interrupt at the same moment: the second one's IPI wipes out the first one's.",
    );
    let irq = new();
    let mut raised = 0;
    for vector in [TIMER, CALL, CALL, NMI, LAST, TIMER] {
        let again = if raised & vector == 0 { "" } else { " once more" };
        irq.raise(vector);
        raised |= vector;
        for bit in [NMI, TIMER, CALL, LAST].into_iter().filter(|bit| raised & bit != 0) {
            let what = format!("after `raise({vector:#x})`{again}, `is_pending({bit:#x})`");
            rule.equal(&what, irq.is_pending(bit), true)?;
        }
    }
    Ok(())
}

/// An interrupt that comes while interrupts are off waits for the outermost `restore`.
///
/// # Errors
/// The rule that the part broke.
pub fn what_comes_while_off_is_kept<I: IrqState>(new: impl Fn() -> I) -> Result<(), Broken> {
    let rule = Rule(
        "what is raised while interrupts are off stays pending until it is taken",
        "The sender does not ask again: a call-function IPI that is dropped leaves its caller waiting for ever.",
    );
    for depth in 1..=DEPTH {
        let irq = new();
        irq.raise(LAST); // before
        let found: Vec<bool> = (0..depth).map(|_| irq.save()).collect();
        irq.raise(CALL);
        rule.equal("`is_pending` while interrupts are off", irq.is_pending(CALL), true)?;
        for were_off in found.into_iter().rev() {
            irq.restore(were_off);
        }
        let what = format!("after {depth} saves and as many restores, `is_pending`");
        rule.equal(&what, irq.is_pending(CALL), true)?;
        rule.equal("`take` of what came while off", Taken(irq.take(CALL)), Taken(Some(CALL)))?;
        rule.equal("`take` of what came before", Taken(irq.take(LAST)), Taken(Some(LAST)))?;
    }
    Ok(())
}

/// The lowest bit of those that are asked for comes first.
///
/// # Errors
/// The rule that the part broke.
pub fn takes_the_lowest_that_is_asked_for<I: IrqState>(new: impl Fn() -> I) -> Result<(), Broken> {
    let rule = Rule(
        "`take` takes the lowest bit of those that are asked for and pending, and no other",
        "Lower is more urgent, and what is not asked for is masked: a timer that comes in while it is masked nests in a timer.",
    );
    let irq = new();
    for vector in [LAST, NMI, CALL] {
        irq.raise(vector);
    }
    for (asked, want) in [
        (TIMER, None),
        (0, None),
        (CALL | LAST, Some(CALL)),
        (CALL | LAST, Some(LAST)),
        (ALL, Some(NMI)),
    ] {
        rule.equal(&format!("`take({asked:#x})`"), Taken(irq.take(asked)), Taken(want))?;
    }
    for vector in [CALL, 1, LAST, TIMER] {
        irq.raise(vector);
    }
    [1, TIMER, CALL, LAST].into_iter().try_for_each(|want| {
        rule.equal("`take` of everything", Taken(irq.take(ALL)), Taken(Some(want)))
    })
}

/// `take` takes one, and leaves the others where they are.
///
/// # Errors
/// The rule that the part broke.
pub fn the_others_stay_pending<I: IrqState>(new: impl Fn() -> I) -> Result<(), Broken> {
    let rule = Rule(
        "`take` leaves the others pending",
        "Two CPUs may interrupt at the same moment: the second one's IPI is lost, though it arrived.",
    );
    let vectors = [NMI, TIMER, CALL, LAST];
    let irq = new();
    vectors.iter().for_each(|&vector| irq.raise(vector));
    let taken = irq.take(ALL);
    for vector in vectors.into_iter().filter(|&vector| Some(vector) != taken) {
        let what = format!("after `take` gave {:?}, `is_pending({vector:#x})`", Taken(taken));
        rule.equal(&what, irq.is_pending(vector), true)?;
    }
    let more = std::iter::from_fn(|| irq.take(ALL)).take(40).count();
    rule.equal("the number of those that could still be taken", more, vectors.len() - 1)
}

/// A pending interrupt is a bit: raised twice it is taken once, and then it is gone.
///
/// # Errors
/// The rule that the part broke.
pub fn takes_each_once<I: IrqState>(new: impl Fn() -> I) -> Result<(), Broken> {
    let rule = Rule(
        "a vector that is raised again while it is pending is taken once, and is then no longer pending",
        "An interrupt that is never gone is taken again at once, for ever: the CPU does nothing else.",
    );
    let irq = new();
    for round in ["", " in a second round"] {
        irq.raise(CALL);
        irq.raise(CALL);
        rule.equal(&format!("the first `take`{round}"), Taken(irq.take(CALL)), Taken(Some(CALL)))?;
        rule.equal(&format!("the second `take`{round}"), Taken(irq.take(CALL)), Taken(None))?;
        rule.equal(&format!("`is_pending` after it{round}"), irq.is_pending(CALL), false)?;
    }
    Ok(())
}

/// `is_pending` answers for the vectors that are asked for, and changes nothing.
///
/// # Errors
/// The rule that the part broke.
pub fn looking_takes_nothing<I: IrqState>(new: impl Fn() -> I) -> Result<(), Broken> {
    let rule = Rule(
        "`is_pending` says whether one of the vectors is pending, and takes nothing",
        "The clock looks as well, to see whether the CPU may sleep: what it takes away by looking is never handled.",
    );
    let irq = new();
    irq.raise(CALL);
    for _ in 0..2 {
        rule.equal("`is_pending` of what was raised", irq.is_pending(CALL), true)?;
        rule.equal("`is_pending` of it or another", irq.is_pending(CALL | TIMER), true)?;
        rule.equal("`is_pending` of another", irq.is_pending(ALL & !CALL), false)?;
    }
    rule.equal("`take` after that", Taken(irq.take(ALL)), Taken(Some(CALL)))
}

/// The flag has no say in `take`: with interrupts off the machine asks for NMIs, and gets them.
///
/// # Errors
/// The rule that the part broke.
pub fn an_nmi_gets_through<I: IrqState>(new: impl Fn() -> I) -> Result<(), Broken> {
    let rule = Rule(
        "while interrupts are off, `take` gives an NMI if it is asked for one",
        "Only an NMI reaches a CPU that spins with interrupts off: without it no CPU can show where CPU 0 stands.",
    );
    let irq = new();
    let were_off = irq.save();
    irq.raise(TIMER);
    rule.equal("`is_pending` of an NMI that did not come", irq.is_pending(NMI), false)?;
    rule.equal("`take` of an NMI that did not come", Taken(irq.take(NMI)), Taken(None))?;
    irq.raise(NMI);
    rule.equal("`is_pending` of an NMI while off", irq.is_pending(NMI), true)?;
    rule.equal("`take` of an NMI while off", Taken(irq.take(NMI)), Taken(Some(NMI)))?;
    rule.equal("`is_off` after it", irq.is_off(), true)?;
    irq.restore(were_off);
    rule.equal("`take` of everything after the restore", Taken(irq.take(ALL)), Taken(Some(TIMER)))
}
