//! Known answers to ex06.

use std::collections::VecDeque;
use std::sync::Mutex;

use softlockup::parts::call_queue::{CallQueue, CsdId, KernelCallQueue, Links};
use softlockup::sync::{AtomicU32, AtomicU64, Ordering::*, fence};

use crate::check::Check;
use crate::ex06::{ID, checks};
use crate::variants::{Kind, Variant};

const fn right(name: &'static str, checks: fn() -> Vec<Check>) -> Variant {
    Variant::new(ID, name, Kind::Alternative, checks)
}

const fn wrong(
    name: &'static str,
    by: &'static str,
    words: &'static [&'static str],
    checks: fn() -> Vec<Check>,
) -> Variant {
    Variant::new(ID, name, Kind::Mutant { by, words }, checks)
}

const LOSES: &str = "contract::call_queue::loses_nothing";
const ORDER: &str = "contract::call_queue::takes_in_order";
const IPI: &str = "contract::call_queue::asks_for_one_ipi";
const HOLDS: &str = "contract::call_queue::holds_a_call_of_each_cpu";
const MODEL: &str = "model::call_queue";

/// Solution, alternatives, mutants.
pub const VARIANTS: &[Variant] = &[
    Variant::new(ID, "solution", Kind::Solution, checks::<ex06_call_queue_solution::MyCallQueue>),
    right("the kernel's own", checks::<KernelCallQueue>),
    right("fetch_update", checks::<FetchUpdate>),
    right("SeqCst everywhere", checks::<AllSeqCst>),
    right("fences and Relaxed", checks::<Fences>),
    right("looks before it exchanges, and takes nothing from an empty queue", checks::<LooksFirst>),
    right("collects what it takes", checks::<Collects>),
    right("counts its calls beside the newest", checks::<Counts>),
    right("an exchange in take_all", checks::<ExchangeInTake>),
    // What one CPU sees.
    wrong(
        "0 is no csd's number",
        LOSES,
        &["taking [0, 1], sorted, gave [1] and not [0, 1]"],
        checks::<ZeroIsEmpty>,
    ),
    wrong("takes one", LOSES, &["taking [0, 1], sorted, gave [0]"], checks::<TakesOne>),
    wrong(
        "leaves what it took",
        LOSES,
        &["taking again after [5] gave [5] and not []"],
        checks::<Leaves>,
    ),
    wrong("the tail is not cut", LOSES, &[], checks::<UncutTail>),
    wrong(
        "the link of the newest only",
        LOSES,
        &["taking [0, 1], sorted, gave [1]"],
        checks::<NoLink>,
    ),
    wrong("holds one call", LOSES, &["taking [0, 1], sorted, gave [1]"], checks::<HoldsOne>),
    wrong("always the same call", LOSES, &["taking from a new queue"], checks::<Constant>),
    wrong(
        "takes nothing",
        LOSES,
        &["taking [5], sorted, gave [] and not [5]"],
        checks::<TakesNothing>,
    ),
    wrong("not yet written", LOSES, &["not written yet"], checks::<Todo>),
    wrong(
        "panics if it is empty",
        LOSES,
        &["panicked: the queue is empty"],
        checks::<PanicsIfEmpty>,
    ),
    wrong(
        "last in, first out",
        ORDER,
        &["after [5, 0, 7] were posted, taking gave [7, 0, 5]"],
        checks::<Lifo>,
    ),
    wrong("the newest, then the others in order", ORDER, &["[7, 5, 0]"], checks::<NewestFirst>),
    wrong("in the order of their numbers", ORDER, &["[0, 5, 7]"], checks::<Sorted>),
    wrong(
        "an IPI for each call",
        IPI,
        &["[true, true, true, true] and not [true, false, false, false]"],
        checks::<AlwaysIpi>,
    ),
    wrong("never an IPI", IPI, &["[false, false, false, false]"], checks::<NeverIpi>),
    wrong("an IPI if it was not empty", IPI, &["[false, true, true, true]"], checks::<InvertedIpi>),
    wrong(
        "an IPI for the first call ever",
        IPI,
        &["a queue that was emptied", "[false, false, false, false]"],
        checks::<FirstEver>,
    ),
    wrong("holds eight calls", HOLDS, &["of 64 posted calls 56 were lost"], checks::<HoldsEight>),
    wrong("prints that all is well", LOSES, &["gave [] and not [5]"], checks::<Prints>),
    // What only a model sees.
    wrong("push is Relaxed", MODEL, &["RACE", "Release"], checks::<PushRelaxed>),
    wrong("take_all is Relaxed", MODEL, &["RACE", "Acquire"], checks::<TakeRelaxed>),
    wrong("push with an Acquire", MODEL, &["RACE", "Release"], checks::<PushAcquire>),
    wrong("check, then act", MODEL, &["call"], checks::<CheckThenAct>),
    wrong("publishes, then links", MODEL, &["call"], checks::<PublishesFirst>),
    wrong("links once", MODEL, &["call"], checks::<LinksOnce>),
    wrong(
        "asks for the IPI before it pushes",
        MODEL,
        &["no IPI is on its way"],
        checks::<AsksBefore>,
    ),
    wrong(
        "asks for the IPI after it pushed",
        MODEL,
        &["no IPI is on its way"],
        checks::<AsksAfter>,
    ),
    wrong("take_all loads, then stores", MODEL, &["call"], checks::<LoadThenStore>),
    wrong("a std Mutex around it", MODEL, &[], checks::<StdMutex>),
    // What ends the process, or never ends.
    wrong("a spin lock around it", MODEL, &["SPINS"], checks::<SpinLock>),
    wrong("a std Mutex that sleeps", LOSES, &["sleeps, and no CPU wakes it"], checks::<Sleeps>),
    wrong("ends the process with 0", LOSES, &["0"], checks::<Exits>).hostile(),
    wrong("waits until it is empty", LOSES, &["relax"], checks::<WaitsForEmpty>).hostile(),
];

/// A queue, with its fields and what it does. What it does not say is the solution's.
macro_rules! call_queue {
    ($(#[$doc:meta])* $name:ident { $($fields:tt)* }
     $(push($me:ident, $csd:ident, $links:ident) $push:block)?
     $(take_all($me2:ident, $links2:ident) $take:block)?) => {
        $(#[$doc])*
        #[derive(Default)]
        struct $name { $($fields)* }

        impl CallQueue for $name {
            call_queue!(@push $($me, $csd, $links, $push)?);
            call_queue!(@take $($me2, $links2, $take)?);
        }
    };
    (@push) => {
        fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
            push(&self.first, csd, links)
        }
    };
    (@push $me:ident, $csd:ident, $links:ident, $body:block) => {
        fn push(&$me, $csd: CsdId, $links: &(impl Links + ?Sized)) -> bool $body
    };
    (@take) => {
        fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
            turn_over(decode(self.first.swap(0, Acquire)), links)
        }
    };
    (@take $me:ident, $links:ident, $body:block) => {
        fn take_all(&$me, $links: &(impl Links + ?Sized)) -> Option<CsdId> $body
    };
}

fn encode(csd: CsdId) -> u32 {
    csd.0 + 1
}

fn decode(word: u32) -> Option<CsdId> {
    word.checked_sub(1).map(CsdId)
}

/// Right.
fn push(first: &AtomicU32, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
    let mut seen = first.load(Relaxed);
    loop {
        links.link(csd).set(decode(seen));
        match first.compare_exchange(seen, encode(csd), Release, Relaxed) {
            Ok(_) => return seen == 0,
            Err(changed) => seen = changed,
        }
    }
}

/// Right.
fn turn_over(mut newest: Option<CsdId>, links: &(impl Links + ?Sized)) -> Option<CsdId> {
    let mut oldest = None;
    while let Some(csd) = newest {
        newest = links.link(csd).get();
        links.link(csd).set(oldest);
        oldest = Some(csd);
    }
    oldest
}

call_queue! {
    FetchUpdate { first: AtomicU32, }
    push(self, csd, links) {
        let link = |seen| {
            links.link(csd).set(decode(seen));
            Some(encode(csd))
        };
        self.first.fetch_update(Release, Relaxed, link) == Ok(0)
    }
}

call_queue! {
    AllSeqCst { first: AtomicU32, }
    push(self, csd, links) {
        let mut seen = self.first.load(SeqCst);
        loop {
            links.link(csd).set(decode(seen));
            match self.first.compare_exchange(seen, encode(csd), SeqCst, SeqCst) {
                Ok(_) => return seen == 0,
                Err(changed) => seen = changed,
            }
        }
    }
    take_all(self, links) {
        turn_over(decode(self.first.swap(0, SeqCst)), links)
    }
}

call_queue! {
    Fences { first: AtomicU32, }
    push(self, csd, links) {
        let mut seen = 0;
        loop {
            links.link(csd).set(decode(seen));
            fence(Release);
            match self.first.compare_exchange(seen, encode(csd), Relaxed, Relaxed) {
                Ok(_) => return seen == 0,
                Err(changed) => seen = changed,
            }
        }
    }
    take_all(self, links) {
        let newest = self.first.swap(0, Relaxed);
        fence(Acquire);
        turn_over(decode(newest), links)
    }
}

call_queue! {
    LooksFirst { first: AtomicU32, }
    push(self, csd, links) {
        loop {
            let seen = self.first.load(Acquire);
            links.link(csd).set(decode(seen));
            if self.first.compare_exchange(seen, encode(csd), AcqRel, Relaxed).is_ok() {
                return seen == 0;
            }
        }
    }
    take_all(self, links) {
        if self.first.load(Acquire) == 0 {
            return None;
        }
        turn_over(decode(self.first.swap(0, AcqRel)), links)
    }
}

call_queue! {
    Collects { first: AtomicU32, }
    take_all(self, links) {
        let newest = decode(self.first.fetch_and(0, Acquire));
        let calls: Vec<CsdId> = std::iter::successors(newest, |&csd| links.link(csd).get()).collect();
        for pair in calls.windows(2) {
            links.link(pair[1]).set(Some(pair[0]));
        }
        links.link(*calls.first()?).set(None);
        calls.last().copied()
    }
}

call_queue! {
    /// How many calls there are in the upper half, the newest in the lower half.
    Counts { calls: AtomicU64, }
    push(self, csd, links) {
        let mut seen = self.calls.load(Relaxed);
        loop {
            let count = seen >> 32;
            links.link(csd).set((count != 0).then_some(CsdId(seen as u32)));
            let next = (count + 1) << 32 | u64::from(csd.0);
            match self.calls.compare_exchange_weak(seen, next, Release, Relaxed) {
                Ok(_) => return count == 0,
                Err(changed) => seen = changed,
            }
        }
    }
    take_all(self, links) {
        let calls = self.calls.swap(0, Acquire);
        let mut newest = CsdId(calls as u32);
        let mut oldest = None;
        for _ in 0..calls >> 32 {
            let next = links.link(newest).get();
            links.link(newest).set(oldest);
            oldest = Some(newest);
            let Some(csd) = next else { break };
            newest = csd;
        }
        oldest
    }
}

call_queue! {
    ExchangeInTake { first: AtomicU32, }
    take_all(self, links) {
        let mut seen = self.first.load(Relaxed);
        while let Err(changed) = self.first.compare_exchange(seen, 0, Acquire, Relaxed) {
            seen = changed;
        }
        turn_over(decode(seen), links)
    }
}

call_queue! {
    ZeroIsEmpty { first: AtomicU32, }
    push(self, csd, links) {
        let mut seen = self.first.load(Relaxed);
        loop {
            links.link(csd).set((seen != 0).then_some(CsdId(seen)));
            match self.first.compare_exchange(seen, csd.0, Release, Relaxed) {
                Ok(_) => return seen == 0,
                Err(changed) => seen = changed,
            }
        }
    }
    take_all(self, links) {
        let newest = self.first.swap(0, Acquire);
        turn_over((newest != 0).then_some(CsdId(newest)), links)
    }
}

call_queue! {
    /// The oldest, and leaves the others.
    TakesOne { first: AtomicU32, }
    take_all(self, links) {
        let oldest = turn_over(decode(self.first.swap(0, Acquire)), links)?;
        links.link(oldest).set(None);
        Some(oldest)
    }
}

call_queue! {
    Leaves { first: AtomicU32, }
    take_all(self, links) {
        let newest = self.first.load(Acquire);
        let calls: Vec<CsdId> = std::iter::successors(decode(newest), |&csd| links.link(csd).get()).collect();
        if calls.len() == 1 {
            return decode(newest);
        }
        self.first.store(0, Release);
        turn_over(decode(newest), links)
    }
}

call_queue! {
    /// The first call of a queue keeps the link of its last list.
    UncutTail { first: AtomicU32, }
    push(self, csd, links) {
        let mut seen = self.first.load(Relaxed);
        loop {
            if seen != 0 {
                links.link(csd).set(decode(seen));
            }
            match self.first.compare_exchange(seen, encode(csd), Release, Relaxed) {
                Ok(_) => return seen == 0,
                Err(changed) => seen = changed,
            }
        }
    }
}

call_queue! {
    NoLink { first: AtomicU32, }
    push(self, csd, _links) {
        self.first.swap(encode(csd), Release) == 0
    }
}

call_queue! {
    HoldsOne { first: AtomicU32, }
    push(self, csd, links) {
        links.link(csd).set(None);
        self.first.swap(encode(csd), Release) == 0
    }
    take_all(self, _links) {
        decode(self.first.swap(0, Acquire))
    }
}

call_queue! {
    Constant { first: AtomicU32, }
    take_all(self, _links) {
        Some(CsdId(5))
    }
}

call_queue! {
    TakesNothing { first: AtomicU32, }
    take_all(self, _links) {
        self.first.store(0, Release);
        None
    }
}

call_queue! {
    Todo { first: AtomicU32, }
    take_all(self, _links) {
        todo!("empty the queue in one step")
    }
}

call_queue! {
    PanicsIfEmpty { first: AtomicU32, }
    take_all(self, links) {
        let newest = decode(self.first.swap(0, Acquire)).expect("the queue is empty");
        turn_over(Some(newest), links)
    }
}

call_queue! {
    Lifo { first: AtomicU32, }
    take_all(self, _links) {
        decode(self.first.swap(0, Acquire))
    }
}

call_queue! {
    NewestFirst { first: AtomicU32, }
    take_all(self, links) {
        let newest = decode(self.first.swap(0, Acquire))?;
        let others = turn_over(links.link(newest).get(), links);
        links.link(newest).set(others);
        Some(newest)
    }
}

call_queue! {
    Sorted { first: AtomicU32, }
    take_all(self, links) {
        let newest = decode(self.first.swap(0, Acquire));
        let mut calls: Vec<CsdId> = std::iter::successors(newest, |&csd| links.link(csd).get()).collect();
        calls.sort_by_key(|csd| csd.0);
        let mut next = None;
        for &csd in calls.iter().rev() {
            links.link(csd).set(next);
            next = Some(csd);
        }
        next
    }
}

call_queue! {
    AlwaysIpi { first: AtomicU32, }
    push(self, csd, links) {
        push(&self.first, csd, links);
        true
    }
}

call_queue! {
    NeverIpi { first: AtomicU32, }
    push(self, csd, links) {
        push(&self.first, csd, links);
        false
    }
}

call_queue! {
    InvertedIpi { first: AtomicU32, }
    push(self, csd, links) {
        !push(&self.first, csd, links)
    }
}

call_queue! {
    FirstEver { first: AtomicU32, pushed: AtomicU32, }
    push(self, csd, links) {
        push(&self.first, csd, links);
        self.pushed.swap(1, AcqRel) == 0
    }
}

call_queue! {
    /// A slot for each of eight calls.
    HoldsEight { slots: [AtomicU32; 8], pushed: AtomicU32, }
    push(self, csd, _links) {
        let n = self.pushed.fetch_add(1, AcqRel);
        if let Some(slot) = self.slots.get(n as usize) {
            slot.store(encode(csd), Release);
        }
        n == 0
    }
    take_all(self, links) {
        let count = self.pushed.swap(0, AcqRel) as usize;
        let slots = self.slots.iter().take(count).rev();
        let mut next = None;
        for csd in slots.filter_map(|slot| decode(slot.swap(0, Acquire))) {
            links.link(csd).set(next);
            next = Some(csd);
        }
        next
    }
}

call_queue! {
    Prints { first: AtomicU32, }
    take_all(self, _links) {
        println!("test result: ok. 7 passed; 0 failed");
        None
    }
}

call_queue! {
    PushRelaxed { first: AtomicU32, }
    push(self, csd, links) {
        let mut seen = self.first.load(Relaxed);
        loop {
            links.link(csd).set(decode(seen));
            match self.first.compare_exchange(seen, encode(csd), Relaxed, Relaxed) {
                Ok(_) => return seen == 0,
                Err(changed) => seen = changed,
            }
        }
    }
}

call_queue! {
    TakeRelaxed { first: AtomicU32, }
    take_all(self, links) {
        turn_over(decode(self.first.swap(0, Relaxed)), links)
    }
}

call_queue! {
    /// The orderings the wrong way round.
    PushAcquire { first: AtomicU32, }
    push(self, csd, links) {
        let mut seen = self.first.load(Acquire);
        loop {
            links.link(csd).set(decode(seen));
            match self.first.compare_exchange(seen, encode(csd), Acquire, Acquire) {
                Ok(_) => return seen == 0,
                Err(changed) => seen = changed,
            }
        }
    }
    take_all(self, links) {
        turn_over(decode(self.first.swap(0, AcqRel)), links)
    }
}

call_queue! {
    CheckThenAct { first: AtomicU32, }
    push(self, csd, links) {
        let seen = self.first.load(Acquire);
        links.link(csd).set(decode(seen));
        self.first.store(encode(csd), Release);
        seen == 0
    }
}

call_queue! {
    PublishesFirst { first: AtomicU32, }
    push(self, csd, links) {
        let seen = self.first.swap(encode(csd), AcqRel);
        links.link(csd).set(decode(seen));
        seen == 0
    }
}

call_queue! {
    LinksOnce { first: AtomicU32, }
    push(self, csd, links) {
        let mut seen = self.first.load(Relaxed);
        links.link(csd).set(decode(seen));
        loop {
            match self.first.compare_exchange(seen, encode(csd), Release, Relaxed) {
                Ok(_) => return seen == 0,
                Err(changed) => seen = changed,
            }
        }
    }
}

call_queue! {
    AsksBefore { first: AtomicU32, }
    push(self, csd, links) {
        let was_empty = self.first.load(Acquire) == 0;
        push(&self.first, csd, links);
        was_empty
    }
}

call_queue! {
    /// It is the only call in the queue, is it not?
    AsksAfter { first: AtomicU32, }
    push(self, csd, links) {
        push(&self.first, csd, links);
        self.first.load(Acquire) == encode(csd) && links.link(csd).get().is_none()
    }
}

call_queue! {
    LoadThenStore { first: AtomicU32, }
    take_all(self, links) {
        let newest = self.first.load(Acquire);
        self.first.store(0, Release);
        turn_over(decode(newest), links)
    }
}

call_queue! {
    StdMutex { calls: Mutex<VecDeque<CsdId>>, }
    push(self, csd, _links) {
        let mut calls = self.calls.lock().expect("no CPU panics with it");
        calls.push_back(csd);
        calls.len() == 1
    }
    take_all(self, links) {
        let calls = std::mem::take(&mut *self.calls.lock().expect("no CPU panics with it"));
        let mut next = None;
        for csd in calls.into_iter().rev() {
            links.link(csd).set(next);
            next = Some(csd);
        }
        next
    }
}

call_queue! {
    SpinLock { locked: AtomicU32, first: AtomicU32, }
    push(self, csd, links) {
        while self.locked.swap(1, Acquire) == 1 {}
        let was_empty = push(&self.first, csd, links);
        self.locked.store(0, Release);
        was_empty
    }
    take_all(self, links) {
        while self.locked.swap(1, Acquire) == 1 {}
        let oldest = turn_over(decode(self.first.swap(0, Acquire)), links);
        self.locked.store(0, Release);
        oldest
    }
}

call_queue! {
    Sleeps { lock: Mutex<()>, }
    push(self, _csd, _links) {
        let _held = self.lock.lock();
        let _again = self.lock.lock();
        true
    }
    take_all(self, _links) {
        None
    }
}

call_queue! {
    Exits { first: AtomicU32, }
    take_all(self, _links) {
        std::process::exit(0)
    }
}

call_queue! {
    WaitsForEmpty { first: AtomicU32, }
    push(self, csd, links) {
        while self.first.load(Acquire) != 0 {
            std::hint::black_box(());
        }
        push(&self.first, csd, links)
    }
}
