//! The rules of a [`CallQueue`].

use crate::parts::call_queue::{CallQueue, CsdId, Link, Links};
use crate::parts::contract::{Broken, Rule};

/// First in, first out. No call is lost or taken twice. Only the first `push` onto an empty queue says that it was
/// empty.
///
/// # Errors
/// The rule that the part broke.
pub fn first_in_first_out<Q: CallQueue>() -> Result<(), Broken> {
    let rule = Rule(
        "calls are taken in the order in which they were posted, and only the first one needs an IPI",
        "A call that overtakes another runs on stale data; a missing IPI leaves its caller waiting for ever.",
    );
    let queue = Q::default();
    let links: Vec<Link> = (0..8).map(|_| Link::new()).collect();
    let push = |csd| queue.push(CsdId(csd), &links[..]);
    let take = || Ok(taken(queue.take_all(&links[..]), &links));
    rule.expect("taking from an empty queue", take(), vec![])?;
    for round in 0..2 {
        rule.expect("`push` on an empty queue", Ok(push(5)), true)?;
        rule.expect("`push` on a queue of one", Ok(push(0)), false)?;
        rule.expect("`push` on a queue of two", Ok(push(7)), false)?;
        rule.expect("taking three", take(), vec![5, 0, 7])?;
        rule.expect("taking again", take(), vec![])?;
        rule.expect("`push` after it", Ok(push(round)), true)?;
        rule.expect("taking one", take(), vec![round])?;
    }
    Ok(())
}

fn taken(first: Option<CsdId>, links: &[Link]) -> Vec<u32> {
    let next = |csd: &CsdId| links.link(*csd).get();
    // A list that runs in a circle must not hang this check.
    std::iter::successors(first, next).take(links.len() + 1).map(|csd| csd.0).collect()
}
