//! `call_single_queue`: the calls that other CPUs posted to this one. Which CPU posts, and when, is in `kernel/smp.rs`.
//!
//! Many CPUs push, one CPU takes everything. A push tells the poster whether the queue was empty. Only if it was does
//! the poster send an IPI. So only the first of the article's victims interrupted CPU0: the others found the first
//! victim's call still in the queue.
//!
//! In Linux: `kernel/smp.c`, `call_single_queue`; `lib/llist.c`, `llist_add`, `llist_del_all`,
//! `llist_reverse_order`.
//! Here it differs: a csd is named by a number and not by a pointer, so the list needs no `unsafe`.

use crate::sync::{AtomicU32, Ordering::*};

/// Names a csd among all csds of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CsdId(pub u32);

/// The `llist` node inside a csd: which csd comes next. Written by the CPU that owns the csd at that moment (the poster
/// until it is queued, then the CPU that took the queue), so Relaxed is enough: the queue's head carries it.
#[derive(Debug)]
pub struct Link(AtomicU32);

impl Link {
    /// A link that leads to no csd.
    pub fn new() -> Self {
        Link(AtomicU32::new(0))
    }

    /// The word itself: a mailbox keeps more in its letter's link than the next csd.
    pub(crate) fn word(&self) -> &AtomicU32 {
        &self.0
    }

    /// The csd this link leads to.
    #[cfg_attr(feature = "model", track_caller)]
    pub fn get(&self) -> Option<CsdId> {
        decode(self.0.load(Relaxed))
    }

    /// Lets this link lead to `next`, and returns where it led.
    ///
    /// This is one read-modify-write, so that the called CPU fetches the csd's line for writing at once: it will unlock
    /// the csd next.
    fn replace(&self, next: Option<CsdId>) -> Option<CsdId> {
        decode(self.0.swap(encode(next), Relaxed))
    }

    /// Lets this link lead to `next`.
    #[cfg_attr(feature = "model", track_caller)]
    pub fn set(&self, next: Option<CsdId>) {
        self.0.store(encode(next), Relaxed);
    }
}

impl Default for Link {
    fn default() -> Self {
        Self::new()
    }
}

/// Finds the link inside a csd.
pub trait Links {
    /// The link of `csd`.
    fn link(&self, csd: CsdId) -> &Link;
}

/// Links without csds, for using a queue without a machine: the n-th is the link of csd `n`.
impl Links for [Link] {
    fn link(&self, csd: CsdId) -> &Link {
        &self[csd.0 as usize]
    }
}

impl<T: Links + ?Sized> Links for &T {
    fn link(&self, csd: CsdId) -> &Link {
        (**self).link(csd)
    }
}

/// The calls posted to one CPU. First in, first out; any CPU pushes, the owner takes.
///
/// The rules, as tests, are in [`contract::call_queue`](crate::parts::contract::call_queue).
pub trait CallQueue: Send + Sync + 'static {
    /// Posts `csd`. Returns whether the queue was empty, and so whether the poster owes the owner an IPI.
    ///
    /// What the poster wrote before the push is visible to the CPU that takes `csd`.
    fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool;

    /// Takes everything and returns the oldest; its [`Link`] leads to the next oldest, and so on. The queue is empty
    /// afterwards: the next push says so, and its poster sends an IPI again.
    fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId>;
}

/// As in the kernel: a lock-free stack, whose order `take_all` reverses.
///
/// | `first` | means | written by | order |
/// |---|---|---|---|
/// | 0 | empty | the owner, in `take_all` | Acquire (swap), pairs with every push since the last `take_all` |
/// | n + 1 | csd n was pushed last | a poster, in `push` | Release: csd and link are complete; each push continues the release sequence of the pushes before it |
#[derive(Debug)]
pub struct KernelCallQueue {
    first: AtomicU32,
}

impl Default for KernelCallQueue {
    fn default() -> Self {
        KernelCallQueue { first: AtomicU32::new(0) }
    }
}

impl KernelCallQueue {
    /// Whether no call is posted. A call that was posted earlier is seen.
    pub(crate) fn is_empty(&self) -> bool {
        self.first.load(Acquire) == 0
    }
}

impl CallQueue for KernelCallQueue {
    fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
        let mut first = 0; // a guess, which is mostly right: to read `first` before would fetch the line twice
        loop {
            links.link(csd).set(decode(first));
            match self.first.compare_exchange(first, encode(Some(csd)), Release, Relaxed) {
                Ok(_) => return first == 0,
                Err(changed) => first = changed,
            }
        }
    }

    fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        let mut newest = decode(self.first.swap(0, Acquire));
        let mut oldest = None;
        while let Some(csd) = newest {
            newest = links.link(csd).replace(oldest);
            oldest = Some(csd);
        }
        oldest
    }
}

fn encode(csd: Option<CsdId>) -> u32 {
    csd.map_or(0, |csd| csd.0 + 1)
}

fn decode(word: u32) -> Option<CsdId> {
    word.checked_sub(1).map(CsdId)
}
