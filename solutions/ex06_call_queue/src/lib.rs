//! # Why it works
//!
//! `first` names the newest csd (its number and 1), or is 0. Each csd's link leads to the one before it. So a push
//! changes a link that no other CPU reads yet, and then one word. The owner takes that word, and turns the list over.
//!
//! | operation | order | because |
//! |---|---|---|
//! | the first load in `push` | Relaxed | a guess: the exchange finds out if it is wrong |
//! | the exchange that succeeds | Release | the request and the link were written before it; it pairs with the Acquire in `take_all` |
//! | the exchange that fails | Relaxed | it changed nothing: it only tells what to link to now |
//! | the swap in `take_all` | Acquire | the owner reads links and requests after it |
//! | the links | Relaxed | the word carries them |
//!
//! The owner reads the newest csd's push directly. What of the older ones? Each exchange is a read-modify-write, so it
//! continues the *release sequence* of the push before it: the Acquire pairs with all of them.
//!
//! The exchange that makes the csd visible also says what was there before. So of the pushes between two swaps exactly
//! one sees 0, and sends the IPI. The link is set anew in each round: a failed exchange means that another csd is the
//! newest now.
//!
//! There is no ABA here. The old word may be there again (all was taken, and the same csd posted again), and then the
//! link that was set for it is right again, too: it leads to the csd that is the newest now.

use softlockup::parts::call_queue::{CallQueue, CsdId, Links};
use softlockup::sync::{AtomicU32, Ordering::*};

/// The calls that were posted to one CPU.
#[derive(Debug, Default)]
pub struct MyCallQueue {
    /// 0: empty. n + 1: csd n is the newest.
    first: AtomicU32,
}

impl CallQueue for MyCallQueue {
    fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
        let mut first = self.first.load(Relaxed);
        loop {
            links.link(csd).set(first.checked_sub(1).map(CsdId));
            match self.first.compare_exchange_weak(first, csd.0 + 1, Release, Relaxed) {
                Ok(_) => return first == 0,
                Err(changed) => first = changed,
            }
        }
    }

    fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        let mut newest = self.first.swap(0, Acquire).checked_sub(1).map(CsdId);
        let mut oldest = None;
        while let Some(csd) = newest {
            newest = links.link(csd).get();
            links.link(csd).set(oldest);
            oldest = Some(csd);
        }
        oldest
    }
}
