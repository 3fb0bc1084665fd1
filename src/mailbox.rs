//! A call queue in which a call that somebody waits for, and the answer to it, travel in one cache line.
//!
//! The kernel's queue moves three lines for a call: the queue's head, the pending interrupt, the csd. Here each CPU has
//! a *letter*: a csd of its own, into which one caller at a time writes its call. Its `flags` are everything at once:
//! they publish the call, ring for the interrupt, and say that the call was answered. Whoever finds the letter claimed,
//! or other calls before it, uses a csd of its own and the kernel's queue; so a letter overtakes nothing. And if its owner
//! empties the queue just then, it finds out whether the letter is older than what it took: so nothing overtakes a letter.
//!
//! | `flags` of the letter | means | next |
//! |---|---|---|
//! | 0 | nothing in it | the caller that claimed it posts |
//! | LOCK | posted; an IPI follows, or was sent | the owner takes it |
//! | LOCK, RINGS | posted; the owner sees it by itself, without an IPI | likewise |
//! | either, and MORE | others have pushed calls behind it, and sent no IPI | likewise, and then takes the queue |
//! | LOCK, TAKEN | the function runs | the owner answers: 0 |
//!
//! | atomic | written by | read by | order |
//! |---|---|---|---|
//! | `claimed` | a caller, in `claim` and `release` | the next | Acquire (compare-exchange), Release: who claims it comes after the answer that the last one saw |
//! | `flags`, LOCK | the caller, in `post` | the owner, in `take` | Release, Acquire: the request is complete |
//! | RINGS | the same | the owner, before it sleeps | fences on both sides, see `clock/sleeper.rs` |
//! | `turn` of the letter | the caller, in `claim` | the owner, in `take_older` | carried by LOCK |
//! | `emptied` | the owner, around each emptying of the queue: odd meanwhile | a caller, in `claim`, before and after it looks whether the queue is empty | fences and the queue's own order: who sees the queue emptied sees it odd, or greater |
//! | MORE | another caller, in `leave_word`, after it pushed | the owner, in `take` | Release, Acquire: what was pushed is there |
//! | 0 | the owner, in `answer` | the caller, in `csd_lock_wait` | Release, Acquire: the function has run |
//!
//! Two things make it as fast as the line itself. The caller's stores (the request, then the flags) are plain ones, so
//! the processor commits them together as soon as it has the line; a compare-exchange among them would give a polling
//! owner time to take it away. And the owner polls with a compare-exchange: what it gets is the line to write to, and
//! not a copy that it must turn into one before it can answer.
//!
//! In Linux: nothing. The closest is the csd on the caller's stack in `smp_call_function_single`; Linux keeps the queue's
//! head and the csd apart, because a csd is the caller's.
//!
//! A caller that is killed while it waits (`panic_on_ipistall` does that) leaves the letter claimed: every later call to
//! that CPU takes the kernel's queue, and none is lost.

use crossbeam_utils::CachePadded;

use crate::CSD_FLAG_LOCK;
use crate::call_queue::{CallQueue, CsdId, KernelCallQueue, Links};
use crate::csd_table::CallSingleData;
use crate::sync::{AtomicBool, AtomicU32, Ordering::*, fence};

const LOCK: u32 = CSD_FLAG_LOCK;
const RINGS: u32 = 1 << 8;
const MORE: u32 = 1 << 9;
const TAKEN: u32 = 1 << 10;

/// The fastest queue for calls that somebody waits for; see the module's head. `Parts::stock().with_call_queue` takes
/// it, and the whole incident comes out the same.
#[derive(Debug)]
pub struct MailboxCallQueue {
    /// The line that moves between caller and owner.
    letter: CachePadded<Letter>,
    /// What a lone caller keeps in its own cache.
    callers: CachePadded<Callers>,
}

#[derive(Debug)]
struct Letter {
    csd: CallSingleData,
    /// What `emptied` was when the letter was claimed.
    turn: AtomicU32,
}

#[derive(Debug)]
struct Callers {
    claimed: AtomicBool,
    /// Twice the number of times that the queue was emptied, and one more while it is.
    emptied: AtomicU32,
    /// Everything that does not fit into the letter.
    queue: KernelCallQueue,
}

impl Default for MailboxCallQueue {
    fn default() -> Self {
        MailboxCallQueue {
            letter: CachePadded::new(Letter {
                csd: CallSingleData::new(),
                turn: AtomicU32::new(0),
            }),
            callers: CachePadded::new(Callers {
                claimed: AtomicBool::new(false),
                emptied: AtomicU32::new(0),
                queue: KernelCallQueue::default(),
            }),
        }
    }
}

impl CallQueue for MailboxCallQueue {
    fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
        self.callers.queue.push(csd, links) && !self.leave_word()
    }

    fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        let Callers { emptied, queue, .. } = &*self.callers;
        let turn = emptied.load(Relaxed);
        emptied.store(turn.wrapping_add(1), Relaxed);
        fence(Release);
        let oldest = queue.take_all(links);
        emptied.store(turn.wrapping_add(2), Release);
        oldest
    }

    fn mailbox(&self) -> Option<&MailboxCallQueue> {
        Some(self)
    }
}

impl MailboxCallQueue {
    /// Gives the letter to the caller, unless somebody else has it or other calls wait already: then it would overtake
    /// them. It is the caller's until [`release`](Self::release).
    pub(crate) fn claim(&self) -> bool {
        let Callers { claimed, emptied, queue } = &*self.callers;
        if claimed.compare_exchange(false, true, Acquire, Relaxed).is_err() {
            return false;
        }
        let turn = emptied.load(Acquire);
        let first = turn.is_multiple_of(2) && queue.is_empty() && emptied.load(Relaxed) == turn;
        if first {
            self.letter.turn.store(turn, Relaxed);
        } else {
            self.release();
        }
        first
    }

    /// Lets others have the letter. Called by whoever claimed it, after the answer.
    pub(crate) fn release(&self) {
        self.callers.claimed.store(false, Release);
    }

    /// Publishes the letter. `rings`: no IPI follows.
    pub(crate) fn post(&self, rings: bool) {
        self.letter.csd.flags().store(if rings { LOCK | RINGS } else { LOCK }, Release);
    }

    /// Whether there is a letter that rings. Called by the owner before it sleeps.
    pub(crate) fn rings(&self) -> bool {
        let flags = self.letter.csd.flags().load(Relaxed);
        flags & RINGS != 0
    }

    /// Takes a letter that rings. Called by the owner at its interruption points.
    pub(crate) fn take_ringing(&self) -> Option<Taken> {
        let flags = self.letter.csd.flags();
        match flags.compare_exchange(LOCK | RINGS, LOCK | TAKEN, Acquire, Relaxed) {
            Ok(_) => Some(Taken { more: false }),
            Err(seen) if seen & RINGS != 0 => self.take(),
            Err(_) => None,
        }
    }

    /// Takes the letter, if there is one. Called by the owner in an IPI.
    pub(crate) fn take(&self) -> Option<Taken> {
        let taken = |flags| is_waiting(flags).then_some(LOCK | TAKEN);
        let flags = self.letter.csd.flags().fetch_update(Acquire, Relaxed, taken).ok()?;
        Some(Taken { more: flags & MORE != 0 })
    }

    /// Takes a letter that came while the queue was being emptied, if it is older than what was taken: it was claimed
    /// before. (One that was claimed later is taken later.) Called by the owner, after `take_all`.
    pub(crate) fn take_older(&self) -> Option<Taken> {
        if !is_waiting(self.letter.csd.flags().load(Acquire)) {
            return None;
        }
        let turn = self.letter.turn.load(Relaxed);
        (turn != self.callers.emptied.load(Relaxed)).then(|| self.take()).flatten()
    }

    /// The letter: for the caller that claimed it to write, for the owner that took it to read.
    pub(crate) fn letter(&self) -> &CallSingleData {
        &self.letter.csd
    }

    /// Unlocks the letter that was taken: its caller goes on.
    pub(crate) fn answer(&self) {
        self.letter.csd.flags().store(0, Release);
    }

    /// Tells the owner, if a letter waits for it, that there is more. Returns whether it will look.
    fn leave_word(&self) -> bool {
        let more = |flags| is_waiting(flags).then_some(flags | MORE);
        self.letter.csd.flags().fetch_update(Release, Relaxed, more).is_ok()
    }
}

/// The owner took the letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// There are calls behind it, for which no IPI was sent.
    pub(crate) more: bool,
}

fn is_waiting(flags: u32) -> bool {
    flags & LOCK != 0 && flags & TAKEN == 0
}

#[cfg(all(test, loom))]
mod loom_models {
    use std::rc::Rc;

    use loom::cell::Cell;
    use loom::thread;

    use super::*;
    use crate::call_queue::Link;
    use crate::clock::sleeper::Sleeper;
    use crate::sync::AtomicBool;
    use crate::{CallFunction, CpuId};

    static FUNC: CallFunction = CallFunction { name: "func", func: |_, _| {} };

    /// A CPU that is called: what `smp.rs` and `irq.rs` do, without the machine.
    #[derive(Default)]
    struct Target {
        mailbox: MailboxCallQueue,
        links: [Link; 3],
        requests: [Cell<u32>; 3],
        answers: [Cell<u32>; 3],
        ipi: AtomicBool,
    }

    impl Target {
        /// Posts call `n` and, if the letter carried it, waits for the answer. `rings` as in `post`.
        fn call(&self, n: usize, rings: bool) {
            self.requests[n].set(10 + n as u32);
            if !self.mailbox.claim() {
                if self.mailbox.push(CsdId(n as u32), &self.links[..]) {
                    self.ipi.swap(true, SeqCst);
                }
                return;
            }
            self.mailbox.letter().fill(CpuId(1), &FUNC, n as u64);
            self.mailbox.post(rings);
            if !rings {
                self.ipi.swap(true, SeqCst);
            }
            while self.mailbox.letter().flags().load(Acquire) & LOCK != 0 {
                thread::yield_now();
            }
            assert_eq!(self.answers[n].get(), 20 + n as u32, "call {n} came back unanswered");
            self.mailbox.release();
        }

        fn interruption_point(&self, ran: &mut Vec<usize>) {
            let ipi = self.ipi.swap(false, SeqCst);
            let rang = if ipi { None } else { self.mailbox.take_ringing() };
            let taken = if ipi { self.mailbox.take() } else { rang };
            let mut next = match rang {
                Some(Taken { more: true }) => self.mailbox.take_all(&self.links[..]),
                _ if ipi => self.mailbox.take_all(&self.links[..]),
                _ => None,
            };
            let taken = taken.or_else(|| if ipi { self.mailbox.take_older() } else { None });
            if ipi && rang.is_none() && taken.is_some_and(|taken| taken.more) {
                self.ipi.swap(true, SeqCst);
            }
            if taken.is_some() {
                let (_, n) = self.mailbox.letter().request();
                self.run(n as usize, ran);
                self.mailbox.answer();
            }
            while let Some(CsdId(n)) = next {
                next = self.links[n as usize].get();
                self.run(n as usize, ran);
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

    /// A CPU makes call 0 and then call 1, one by letter if it can and one that nobody waits for, while the other CPU takes
    /// an IPI that was meant for something else.
    fn calls_stay_in_order(letter: u32) {
        loom::model(move || {
            let target = Rc::new(Target::default());
            target.ipi.swap(true, SeqCst);
            let caller = Rc::clone(&target);
            let caller = thread::spawn(move || {
                for n in [0, 1] {
                    caller.requests[n as usize].set(10 + n);
                    if n == letter && caller.mailbox.claim() {
                        caller.mailbox.letter().fill(CpuId(1), &FUNC, n.into());
                        caller.mailbox.post(true);
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
            let shared = Rc::new((MailboxCallQueue::default(), Sleeper::default()));
            let caller = Rc::clone(&shared);
            let caller = thread::spawn(move || {
                let (mailbox, reader) = &*caller;
                mailbox.post(true);
                reader.must_be_woken()
            });
            let (mailbox, reader) = &*shared;
            reader.lies_down();
            let seen = mailbox.rings();
            assert!(caller.join().unwrap() || seen, "it sleeps, and nobody wakes it");
        });
    }
}
