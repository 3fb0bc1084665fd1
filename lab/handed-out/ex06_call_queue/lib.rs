//! # Exercise 6: the queue of calls
//!
//! Each CPU has a queue. Any CPU *pushes* a call onto it; the CPU that owns it *takes all* when an IPI tells it to, and
//! runs them. An IPI is dear, so a push sends one only if the queue was empty: else one is on its way already. In the
//! article only the first of five victims interrupted CPU 0.
//!
//! A call is a *csd*, and its name is a number, [`CsdId`]. Each csd brings its own
//! `softlockup::parts::call_queue::Link`, which leads to another csd or to none: `links.link(csd).set(..)` and
//! `.get()`. So a list of calls needs no memory of its own, and no CPU counts them. Until a push makes a csd visible,
//! its link is the poster's; then it is the queue's; and after `take_all` it is the owner's.
//!
//! - **No call is lost or taken twice**, however many CPUs push at once. A CPU with its interrupts off takes no call
//!   for a while: then 64 calls and more lie in its queue.
//! - **First in, first out**: `take_all` returns the oldest call; its link leads to the next oldest, and so on; the
//!   link of the newest leads to none.
//! - **One IPI**: `push` returns `true` if it found the queue empty, and `false` if not. Of all pushes between two
//!   `take_all`, exactly the first returns `true`. The *same operation* that makes the csd visible must find that out.
//! - **Empty again**: after `take_all` the queue is empty, and the next push says so.
//! - What a poster wrote before its push (the request) is visible to the CPU that takes the csd: on arm64 too.
//!
//! `push` gets no `cpu`, so nothing in it can wait for another CPU. Use the atomics of `softlockup::sync` only: a lock
//! of the standard library would sleep in an interrupt handler, and the models cannot see into it.
//!
//! Before you run it, predict: `cargo lab predict ex06.lifo` and `ex06.ipis`.
//!
//! In Linux: `lib/llist.c`, `llist_add_batch`, `llist_reverse_order`; `kernel/smp.c`, `generic_exec_single`.
//!
//! In the book: `book/src/why-the-others.md`.
//!
//! Grade it: `cargo lab check ex06`. See the calls with it: `cargo lab replay ex06`. A hint: `cargo lab hint ex06`.

use softlockup::parts::call_queue::{CallQueue, CsdId, Links};
use softlockup::sync::AtomicU32;

/// The calls that were posted to one CPU.
#[derive(Debug, Default)]
pub struct MyCallQueue {
    /// One word, 0 in a new queue. What it means is yours to say; but a csd's number may be 0 as well.
    first: AtomicU32,
}

impl CallQueue for MyCallQueue {
    /// Posts `csd`. Returns whether the queue was empty.
    fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
        let _ = (csd, links.link(csd), &self.first);
        todo!(
            "link the csd to what is in the queue, make it visible, and say whether the queue was empty"
        )
    }

    /// Takes everything, and returns the oldest csd, or `None`.
    fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        let _ = links;
        todo!("empty the queue in one step, and bring its calls into the order in which they came")
    }
}
