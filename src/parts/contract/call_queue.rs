//! The rules of a [`CallQueue`]. Each queue keeps all of them.
//!
//! They follow the list that `take_all` returns only as far as it can be right: a list that bites its own tail breaks a
//! rule and hangs no check.

use std::cell::Cell;

use crate::parts::call_queue::{CallQueue, CsdId, Link, Links};
use crate::parts::contract::{Broken, Rule, leave, until_it_leaves};

/// How many csds there are: one for each CPU of the article's machine.
const CSDS: u32 = 64;

/// How many links one `push` or `take_all` may ask for.
const MAX_LINKS: u32 = 100_000;

/// Every rule.
///
/// # Errors
/// The first rule that the part broke.
pub fn all<Q: CallQueue>(new: impl Fn() -> Q) -> Result<(), Broken> {
    is_empty_at_first(&new)?;
    loses_nothing(&new)?;
    takes_in_order(&new)?;
    asks_for_one_ipi(&new)?;
    is_empty_after_it_was_taken(&new)?;
    can_be_used_again(&new)?;
    holds_a_call_of_each_cpu(&new)
}

/// Taking from a queue to which no CPU has posted gives nothing.
///
/// # Errors
/// The rule that the part broke.
pub fn is_empty_at_first<Q: CallQueue>(new: impl Fn() -> Q) -> Result<(), Broken> {
    let rule =
        Rule("a new queue holds no call", "The called CPU would run a csd that no CPU has filled.");
    rule.equal("taking from a new queue", Queue::new(new()).take()?, vec![])
}

/// The oldest call comes first. (What is lost or comes twice breaks another rule.)
///
/// # Errors
/// The rule that the part broke.
pub fn takes_in_order<Q: CallQueue>(new: impl Fn() -> Q) -> Result<(), Broken> {
    let rule = Rule(
        "calls are taken in the order in which they were posted",
        "A call that overtakes another runs on stale data.",
    );
    let queue = Queue::new(new());
    for posted in [&[5, 0, 7][..], &[1], &[4, 3, 2, 1, 0]] {
        queue.push_all(posted)?;
        let taken = queue.take()?;
        let place = |csd: &u32| posted.iter().position(|other| other == csd);
        let places: Vec<_> = taken.iter().filter_map(place).collect();
        rule.check(places.is_sorted(), || {
            format!("after {posted:?} were posted, taking gave {taken:?}")
        })?;
    }
    Ok(())
}

/// The CPU whose `push` finds the queue empty sends the IPI, and no other CPU does.
///
/// # Errors
/// The rule that the part broke.
pub fn asks_for_one_ipi<Q: CallQueue>(new: impl Fn() -> Q) -> Result<(), Broken> {
    let rule = Rule(
        "the first `push` onto an empty queue says that it was empty, and no other `push` does",
        "If no CPU sends an IPI, the caller waits for ever; if each CPU does, the called CPU drowns in them.",
    );
    let queue = Queue::new(new());
    queue.take()?;
    for round in ["a new queue", "a queue that was emptied", "a queue that was emptied twice"] {
        let mut says = Vec::new();
        for csd in [5, 0, 7, 1] {
            says.push(queue.push(csd)?);
        }
        rule.equal(&format!("four pushes on {round}"), says, vec![true, false, false, false])?;
        queue.take()?;
    }
    Ok(())
}

/// What is posted is taken, once.
///
/// # Errors
/// The rule that the part broke.
pub fn loses_nothing<Q: CallQueue>(new: impl Fn() -> Q) -> Result<(), Broken> {
    let rule = Rule(
        "each posted call is taken, and taken once",
        "The caller of a lost call waits for ever; a call that is taken twice runs on a csd that is in use for something else.",
    );
    for posted in [&[5][..], &[0, 1], &[5, 0, 7], &[4, 63, 2, 1]] {
        let queue = Queue::new(new());
        queue.push_all(posted)?;
        let mut taken = queue.take()?;
        taken.sort_unstable();
        let mut want = posted.to_vec();
        want.sort_unstable();
        rule.equal(&format!("taking {posted:?}, sorted,"), taken, want)?;
    }
    Ok(())
}

/// A queue that was taken is empty.
///
/// # Errors
/// The rule that the part broke.
pub fn is_empty_after_it_was_taken<Q: CallQueue>(new: impl Fn() -> Q) -> Result<(), Broken> {
    let rule = Rule(
        "`take_all` leaves the queue empty",
        "What is left behind has no IPI on its way, or is run again at the next one.",
    );
    for posted in [&[5][..], &[5, 0, 7]] {
        let queue = Queue::new(new());
        queue.push_all(posted)?;
        queue.take()?;
        rule.equal(&format!("taking again after {posted:?}"), queue.take()?, vec![])?;
    }
    Ok(())
}

/// The same csds can be posted again, in another order.
///
/// # Errors
/// The rule that the part broke.
pub fn can_be_used_again<Q: CallQueue>(new: impl Fn() -> Q) -> Result<(), Broken> {
    let rule = Rule(
        "a queue that was emptied holds what is posted next, and nothing else",
        "A csd keeps the link of its last call: whatever follows that link runs calls that were answered long ago.",
    );
    let queue = Queue::new(new());
    queue.push_all(&[1, 2, 3, 4])?;
    queue.take()?;
    for posted in [&[2][..], &[3, 1], &[4, 2, 1]] {
        queue.push_all(posted)?;
        let mut taken = queue.take()?;
        taken.sort_unstable();
        let mut want = posted.to_vec();
        want.sort_unstable();
        rule.equal(&format!("taking {posted:?} later, sorted,"), taken, want)?;
    }
    Ok(())
}

/// A CPU that has its interrupts off for long is called by all others meanwhile.
///
/// # Errors
/// The rule that the part broke.
pub fn holds_a_call_of_each_cpu<Q: CallQueue>(new: impl Fn() -> Q) -> Result<(), Broken> {
    let rule = Rule(
        "a queue holds a call of each CPU of the machine, 64 at once",
        "A CPU whose interrupts are off takes no call, while all other CPUs go on posting.",
    );
    let queue = Queue::new(new());
    let mut want: Vec<u32> = (0..CSDS).collect();
    let posted: Vec<u32> = want.iter().map(|n| n * 7 % CSDS).collect();
    queue.push_all(&posted)?;
    let mut taken = queue.take()?;
    taken.sort_unstable();
    taken.dedup();
    want.retain(|csd| taken.binary_search(csd).is_err());
    rule.check(want.is_empty(), || format!("of 64 posted calls {} were lost: {want:?}", want.len()))
}

/// Broken by whatever runs in a circle, in whichever rule that comes out.
const ENDS: Rule = Rule(
    "the list of the taken calls ends, and leads to csds only",
    "The called CPU walks it with interrupts off: a list that bites its own tail hangs that CPU for ever.",
);

/// A queue, and the csds that go through it.
struct Queue<Q> {
    queue: Q,
    csds: Csds,
}

struct Csds {
    links: Vec<Link>,
    asked: Cell<u32>,
    /// A csd that does not exist.
    astray: Cell<Option<CsdId>>,
}

impl Links for Csds {
    fn link(&self, csd: CsdId) -> &Link {
        self.asked.set(self.asked.get() + 1);
        match self.links.get(csd.0 as usize) {
            Some(link) if self.asked.get() <= MAX_LINKS => link,
            found => {
                self.astray.set(found.is_none().then_some(csd));
                leave()
            }
        }
    }
}

impl<Q: CallQueue> Queue<Q> {
    fn new(queue: Q) -> Self {
        let links = (0..CSDS).map(|_| Link::new()).collect();
        let csds = Csds { links, asked: Cell::new(0), astray: Cell::new(None) };
        Queue { queue, csds }
    }

    fn run<T>(&self, what: &str, code: impl FnOnce() -> T) -> Result<T, Broken> {
        self.csds.asked.set(0);
        until_it_leaves(code).map_or_else(
            || match self.csds.astray.get() {
                Some(CsdId(csd)) => ENDS.broken(format!("{what} asked for a csd {csd}")),
                None => ENDS.broken(format!("{what} went round in a circle")),
            },
            Ok,
        )
    }

    fn push(&self, csd: u32) -> Result<bool, Broken> {
        self.run("`push`", || self.queue.push(CsdId(csd), &self.csds))
    }

    fn push_all(&self, csds: &[u32]) -> Result<(), Broken> {
        csds.iter().try_for_each(|&csd| self.push(csd).map(drop))
    }

    /// What `take_all` leads to.
    fn take(&self) -> Result<Vec<u32>, Broken> {
        let mut next = self.run("`take_all`", || self.queue.take_all(&self.csds))?;
        let mut taken = Vec::new();
        while let Some(csd) = next {
            if taken.len() == self.csds.links.len() {
                return ENDS.broken(format!("it goes on after all {CSDS} csds: {taken:?}"));
            }
            taken.push(csd.0);
            next = self.run("the list", || self.csds.link(csd).get())?;
        }
        Ok(taken)
    }
}
