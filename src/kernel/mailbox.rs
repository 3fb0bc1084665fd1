//! A mailbox in front of a CPU's call queue: a call whose caller waits, and the answer to it, travel in one cache line.
//!
//! The kernel's queue moves three lines for a call: the queue's head, the pending interrupt, the csd. Here each CPU has
//! a *letter*: a csd of its own, into which one caller at a time writes its call. The letter's link publishes the call,
//! and rings for the interrupt; its flags say, as every csd's do, that the call was answered. A caller that finds the
//! letter claimed, or other calls before it, uses a csd of its own and the kernel's queue; so a letter overtakes no
//! call. If the reader empties the queue at that moment, the reader finds out whether the letter is older than the
//! calls that it took: so no call overtakes a letter.
//!
//! | link of the letter | means | next |
//! |---|---|---|
//! | 0, or a csd | no letter, or one that was taken | the caller that claimed it posts |
//! | POSTED | posted; an IPI follows, or was sent | the reader takes it, in `take_all` |
//! | POSTED, RINGS | posted; the reader sees it by itself, without an IPI | the reader takes it, in `take_ringing`, or in `take_all` if an IPI came first |
//! | either, and MORE | other callers have pushed calls behind it, and sent no IPI | likewise |
//!
//! | atomic | written by | read by | order |
//! |---|---|---|---|
//! | `claimed` | a caller, in `claim` and `release` | the next caller | Acquire (compare-exchange), Release: a claim comes after the answer that the last caller saw |
//! | link, POSTED | the caller, in `post` | the reader, in `take` | Release, Acquire: the request is complete |
//! | RINGS | the same | the reader, before it sleeps | fences on both sides, see `clock/sleeper.rs` |
//! | MORE | another caller, in `leave_word`, after it pushed | the reader, in `take` | Release, Acquire: what was pushed is there |
//! | `rang` | the reader, in `take_ringing`, and in `take_all` after it | the reader | Relaxed: its own |
//! | `turn` | the caller, in `claim` | the reader, in `take_older` | carried by POSTED |
//! | `emptied` | the reader, around each emptying of the queue: odd meanwhile | a caller, in `claim`, before and after it looks whether the queue is empty | fences and the queue's own order: a caller that sees the queue emptied sees it odd, or greater |
//!
//! Two things make it as fast as the line itself. The caller's stores (the flags, the request, then the link) are plain
//! ones, so the processor commits them together as soon as it has the line; a compare-exchange among them would give a
//! polling reader time to take it away. And the reader polls with a compare-exchange: so it gets a line that it can
//! write to, and not a copy that it must fetch again before it can answer.
//!
//! In Linux: nothing. The closest is the csd on the caller's stack in `smp_call_function_single`. Linux keeps the
//! queue's head and the csd apart, because a csd belongs to its caller.
//!
//! A caller that is killed while it waits (`panic_on_ipistall` does that) leaves the letter claimed: every later call to
//! that CPU takes the kernel's queue, and none is lost.

use crossbeam_utils::CachePadded;

use crate::parts::call_queue::{CallQueue, CsdId, KernelCallQueue, Links};
use crate::sync::{AtomicBool, AtomicU32, Ordering::*, fence};

// No csd has a number that reaches these bits.
const POSTED: u32 = 1 << 31;
const RINGS: u32 = 1 << 30;
const MORE: u32 = 1 << 29;

/// What lies in front of one CPU's queue. The letter itself lies in the machine's table of csds: its line is the one
/// that moves between caller and reader. In here caller and reader have a line each, which
/// they keep in their own caches unless the queue is used.
#[derive(Debug)]
pub(crate) struct Mailbox {
    letter: CsdId,
    /// The reader's: the link of the letter that `take_ringing` took, as it was; 0 if there is none, or after
    /// `take_all` has handed the letter out.
    rang: CachePadded<AtomicU32>,
    callers: CachePadded<Callers>,
}

#[derive(Debug)]
struct Callers {
    claimed: AtomicBool,
    /// What `emptied` was when the letter was claimed.
    turn: AtomicU32,
    /// Twice the number of times that the queue was emptied, and one more while it is.
    emptied: AtomicU32,
    /// Every call that the letter does not carry.
    queue: KernelCallQueue,
}

impl Mailbox {
    /// An empty mailbox; `letter` names its letter.
    pub(crate) fn new(letter: CsdId) -> Self {
        Mailbox {
            letter,
            rang: CachePadded::new(AtomicU32::new(0)),
            callers: CachePadded::new(Callers {
                claimed: AtomicBool::new(false),
                turn: AtomicU32::new(0),
                emptied: AtomicU32::new(0),
                queue: KernelCallQueue::default(),
            }),
        }
    }

    /// Gives the letter to the caller, unless another CPU has it or other calls wait already: then it would overtake
    /// them. It is the caller's until [`release`](Self::release).
    pub(crate) fn claim(&self) -> bool {
        let Callers { claimed, emptied, queue, turn } = &*self.callers;
        if claimed.compare_exchange(false, true, Acquire, Relaxed).is_err() {
            return false;
        }
        let now = emptied.load(Acquire);
        let first = now.is_multiple_of(2) && queue.is_empty() && emptied.load(Relaxed) == now;
        if first {
            turn.store(now, Relaxed);
        } else {
            self.release();
        }
        first
    }

    /// Lets others have the letter. Called by the CPU that claimed it, after the answer.
    pub(crate) fn release(&self) {
        self.callers.claimed.store(false, Release);
    }

    /// Publishes the letter. `rings`: no IPI follows.
    pub(crate) fn post(&self, rings: bool, links: &(impl Links + ?Sized)) {
        self.link(links).store(if rings { POSTED | RINGS } else { POSTED }, Release);
    }

    /// Posts another call. Returns whether the caller owes the reader an IPI.
    pub(crate) fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
        self.callers.queue.push(csd, links) && !self.leave_word(links)
    }

    /// Tells the reader, if a letter waits for it, that there is more. Returns whether the reader will look.
    fn leave_word(&self, links: &(impl Links + ?Sized)) -> bool {
        let more = |link| is_posted(link).then_some(link | MORE);
        self.link(links).fetch_update(Release, Relaxed, more).is_ok()
    }

    /// Whether there is a letter that rings. Called by the reader before it sleeps.
    pub(crate) fn rings(&self, links: &(impl Links + ?Sized)) -> bool {
        let link = self.link(links).load(Relaxed);
        link & RINGS != 0
    }

    /// Takes a letter that rings, for [`take_all`](Self::take_all) to hand out. Called by the reader at its
    /// interruption points. Returns whether there was one.
    pub(crate) fn take_ringing(&self, links: &(impl Links + ?Sized)) -> bool {
        let link = self.link(links);
        let taken = match link.compare_exchange(POSTED | RINGS, 0, Acquire, Relaxed) {
            Ok(taken) => taken,
            Err(seen) if seen & RINGS != 0 => link.swap(0, Acquire), // and MORE
            Err(_) => return false,
        };
        self.rang.store(taken, Relaxed);
        true
    }

    /// Takes everything and returns the oldest call; links lead on. Called by the reader. If it was interrupted by a
    /// letter that rings and by no IPI, it looks behind the letter only if the letter says so.
    pub(crate) fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        let link = self.link(links);
        let rang = self.rang.load(Relaxed);
        if rang != 0 {
            self.rang.store(0, Relaxed);
            let behind = if rang & MORE != 0 { self.empty_queue(links) } else { None };
            return Some(self.letter_before(behind, links));
        }
        let taken = take(link);
        let behind = self.empty_queue(links);
        if taken != 0 {
            return Some(self.letter_before(behind, links));
        }
        let older = self.take_older(link);
        if older == 0 {
            return behind;
        }
        // The calls behind it were perhaps not yet there.
        let last = if older & MORE != 0 { self.empty_queue(links) } else { None };
        Some(self.letter_before(append(behind, last, links), links))
    }

    /// Takes a letter that came while the queue was being emptied, if it is older than the calls that were taken: that
    /// is, if it was claimed before. (A letter that was claimed later is taken later.)
    fn take_older(&self, link: &AtomicU32) -> u32 {
        let is_older = || self.callers.turn.load(Relaxed) != self.callers.emptied.load(Relaxed);
        if is_posted(link.load(Acquire)) && is_older() { take(link) } else { 0 }
    }

    fn empty_queue(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        let Callers { emptied, queue, .. } = &*self.callers;
        let turn = emptied.load(Relaxed);
        emptied.store(turn.wrapping_add(1), Relaxed);
        fence(Release);
        let oldest = queue.take_all(links);
        emptied.store(turn.wrapping_add(2), Release);
        oldest
    }

    /// The letter, which was taken, with its link leading to `behind`. Without anything behind the letter, its link is
    /// right already: a store would let the caller, which looks for its answer, take the line away once more.
    fn letter_before(&self, behind: Option<CsdId>, links: &(impl Links + ?Sized)) -> CsdId {
        if behind.is_some() {
            links.link(self.letter).set(behind);
        }
        self.letter
    }

    fn link<'a>(&self, links: &'a (impl Links + ?Sized)) -> &'a AtomicU32 {
        links.link(self.letter).word()
    }
}

fn is_posted(link: u32) -> bool {
    link & POSTED != 0
}

/// Takes the letter out of its link. Returns what the link was; 0 if there is no letter.
fn take(link: &AtomicU32) -> u32 {
    link.fetch_update(Acquire, Relaxed, |link| is_posted(link).then_some(0)).unwrap_or(0)
}

/// One list after another.
fn append(
    first: Option<CsdId>,
    second: Option<CsdId>,
    links: &(impl Links + ?Sized),
) -> Option<CsdId> {
    let Some(last) = std::iter::successors(first, |csd| links.link(*csd).get()).last() else {
        return second;
    };
    links.link(last).set(second);
    first
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::parts::call_queue::Link;
    use crate::parts::contract;

    const LETTER: CsdId = CsdId(1000);

    /// The mailbox in front of the queue must not show: the same rules hold.
    struct WithoutLetters(Mailbox, Link);

    impl Default for WithoutLetters {
        fn default() -> Self {
            WithoutLetters(Mailbox::new(LETTER), Link::new())
        }
    }

    /// The links of the calls, and the letter's.
    struct AndTheLetters<'a, L: ?Sized>(&'a L, &'a Link);

    impl<L: Links + ?Sized> Links for AndTheLetters<'_, L> {
        fn link(&self, csd: CsdId) -> &Link {
            if csd == LETTER { self.1 } else { self.0.link(csd) }
        }
    }

    impl CallQueue for WithoutLetters {
        fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
            self.0.push(csd, &AndTheLetters(links, &self.1))
        }

        fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
            self.0.take_all(&AndTheLetters(links, &self.1))
        }
    }

    #[test]
    fn without_letters_the_rules_of_a_call_queue_are_kept() {
        assert_eq!(contract::call_queue::all(WithoutLetters::default), Ok(()));
    }

    /// What a reader finds, in order.
    fn taken(mailbox: &Mailbox, links: &[Link]) -> Vec<u32> {
        let first = mailbox.take_all(links);
        std::iter::successors(first, |csd| links.link(*csd).get()).map(|csd| csd.0).collect()
    }

    #[test]
    fn a_letter_comes_before_the_calls_that_were_pushed_behind_it() {
        let links: Vec<Link> = (0..4).map(|_| Link::new()).collect();
        for rings in [false, true] {
            let mailbox = Mailbox::new(CsdId(3));
            assert!(mailbox.claim());
            assert!(!mailbox.claim(), "it is claimed");
            mailbox.post(rings, &links[..]);
            assert!(!mailbox.push(CsdId(1), &links[..]), "the letter says that there is more");
            assert!(!mailbox.push(CsdId(0), &links[..]));
            assert_eq!(mailbox.rings(&links[..]), rings);
            assert_eq!(mailbox.take_ringing(&links[..]), rings);
            assert_eq!(taken(&mailbox, &links), [3, 1, 0]);
            assert!(taken(&mailbox, &links).is_empty());
            mailbox.release();
            assert!(mailbox.claim(), "it is free again");
        }
    }

    #[test]
    fn a_ringing_letter_that_an_ipi_overtakes_is_taken_once() {
        let links: Vec<Link> = (0..4).map(|_| Link::new()).collect();
        let mailbox = Mailbox::new(CsdId(3));
        assert!(mailbox.claim());
        mailbox.post(true, &links[..]);
        assert_eq!(taken(&mailbox, &links), [3]);
        assert!(!mailbox.take_ringing(&links[..]));
        assert!(mailbox.push(CsdId(2), &links[..]), "no letter waits: this call needs an IPI");
        assert!(!mailbox.claim() && taken(&mailbox, &links) == [2]);
    }
}

#[cfg(all(test, loom))]
mod loom_models {
    use std::rc::Rc;

    use loom::cell::Cell;
    use loom::thread;

    use super::*;
    use crate::hardware::clock::sleeper::Sleeper;
    use crate::parts::call_queue::Link;
    use crate::parts::csd_lock::CSD_FLAG_LOCK;

    /// The csd that is the letter; the others are the three calls'.
    const LETTER: CsdId = CsdId(3);

    /// A CPU that is called: what `smp.rs` and `entry.rs` do, without the machine.
    struct Target {
        mailbox: Mailbox,
        links: [Link; 4],
        /// Which call the letter carries, and its csd's flags.
        letter: (Cell<u32>, AtomicU32),
        requests: [Cell<u32>; 3],
        answers: [Cell<u32>; 3],
        ipi: AtomicBool,
    }

    impl Default for Target {
        fn default() -> Self {
            Target {
                mailbox: Mailbox::new(LETTER),
                links: Default::default(),
                letter: (Cell::new(0), AtomicU32::new(0)),
                requests: Default::default(),
                answers: Default::default(),
                ipi: AtomicBool::new(false),
            }
        }
    }

    impl Target {
        fn post_letter(&self, n: u32, rings: bool) {
            self.letter.1.store(CSD_FLAG_LOCK, Relaxed);
            self.letter.0.set(n);
            self.mailbox.post(rings, &self.links[..]);
            if !rings {
                self.ipi.swap(true, SeqCst);
            }
        }

        /// Posts call `n` and, if the letter carried it, waits for the answer. `rings` as in `post`.
        fn call(&self, n: usize, rings: bool) {
            self.requests[n].set(10 + n as u32);
            if !self.mailbox.claim() {
                if self.mailbox.push(CsdId(n as u32), &self.links[..]) {
                    self.ipi.swap(true, SeqCst);
                }
                return;
            }
            self.post_letter(n as u32, rings);
            while self.letter.1.load(Acquire) & CSD_FLAG_LOCK != 0 {
                thread::yield_now();
            }
            assert_eq!(self.answers[n].get(), 20 + n as u32, "call {n} came back unanswered");
            self.mailbox.release();
        }

        fn interruption_point(&self, ran: &mut Vec<usize>) {
            if !self.ipi.swap(false, SeqCst) && !self.mailbox.take_ringing(&self.links[..]) {
                return;
            }
            let mut next = self.mailbox.take_all(&self.links[..]);
            while let Some(csd) = next {
                next = self.links[csd.0 as usize].get();
                if csd == LETTER {
                    self.run(self.letter.0.get() as usize, ran);
                    self.letter.1.store(0, Release);
                } else {
                    self.run(csd.0 as usize, ran);
                }
            }
        }

        fn run(&self, n: usize, ran: &mut Vec<usize>) {
            assert!(!ran.contains(&n), "call {n} ran twice");
            assert_eq!(self.requests[n].get(), 10 + n as u32);
            self.answers[n].set(20 + n as u32);
            ran.push(n);
        }
    }

    /// One CPU makes calls 0 and 1, another call 2: each runs once, in its caller's order, and none is stranded.
    fn every_call_is_answered(rings: bool) {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(2);
        model.check(move || {
            let target = Rc::new(Target::default());
            let callers = [&[0, 1][..], &[2]].map(|calls| {
                let target = Rc::clone(&target);
                thread::spawn(move || calls.iter().for_each(|&n| target.call(n, rings)))
            });
            let mut ran = Vec::new();
            while ran.len() < 3 {
                target.interruption_point(&mut ran);
                thread::yield_now();
            }
            callers.into_iter().for_each(|caller| caller.join().unwrap());
            let place = |n| ran.iter().position(|&ran| ran == n);
            assert!(place(0) < place(1), "call 1 overtook call 0");
            assert!(target.mailbox.claim(), "the letter is not free, or the queue not empty");
        });
    }

    #[test]
    fn letters_that_ring_are_answered() {
        every_call_is_answered(true);
    }

    #[test]
    fn letters_with_an_ipi_are_answered() {
        every_call_is_answered(false);
    }

    /// A CPU makes call 0 and then call 1, one by letter if it can and one without waiting, while the other CPU takes an
    /// IPI that was meant for something else.
    fn calls_stay_in_order(letter: u32) {
        loom::model(move || {
            let target = Rc::new(Target::default());
            target.ipi.swap(true, SeqCst);
            let caller = Rc::clone(&target);
            let caller = thread::spawn(move || {
                for n in [0, 1] {
                    caller.requests[n as usize].set(10 + n);
                    if n == letter && caller.mailbox.claim() {
                        caller.post_letter(n, true);
                    } else if caller.mailbox.push(CsdId(n), &caller.links[..]) {
                        caller.ipi.swap(true, SeqCst);
                    }
                }
            });
            let mut ran = Vec::new();
            target.interruption_point(&mut ran);
            caller.join().unwrap();
            (0..3).for_each(|_| target.interruption_point(&mut ran));
            assert_eq!(ran, [0, 1]);
        });
    }

    #[test]
    fn nothing_overtakes_a_letter() {
        calls_stay_in_order(0);
    }

    #[test]
    fn a_letter_overtakes_nothing() {
        calls_stay_in_order(1);
    }

    /// A letter comes while its reader goes to sleep: one of the two sees the other.
    #[test]
    fn a_letter_wakes_its_reader() {
        loom::model(|| {
            let shared = Rc::new((Target::default(), Sleeper::default()));
            let caller = Rc::clone(&shared);
            let caller = thread::spawn(move || {
                let (target, reader) = &*caller;
                target.post_letter(0, true);
                reader.must_be_woken()
            });
            let (target, reader) = &*shared;
            reader.lies_down();
            let seen = target.mailbox.rings(&target.links[..]);
            assert!(caller.join().unwrap() || seen, "it sleeps, and no CPU wakes it");
        });
    }
}
