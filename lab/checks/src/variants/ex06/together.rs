//! Wrong only if several CPUs act at once.

use super::*;

const MODEL: &str = "model::call_queue";

pub(super) const VARIANTS: &[Variant] = &[
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
    wrong("a spin lock around it", MODEL, &["SPINS"], checks::<SpinLock>),
    wrong(
        "clears its count after it took the calls",
        MODEL,
        &["no IPI is on its way"],
        checks::<CountsBeside>,
    ),
];

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
    /// A call that comes between the two finds a count that is about to be cleared.
    CountsBeside { first: AtomicU32, count: AtomicU32, }
    push(self, csd, links) {
        push(&self.first, csd, links);
        self.count.fetch_add(1, AcqRel) == 0
    }
    take_all(self, links) {
        let oldest = turn_over(decode(self.first.swap(0, Acquire)), links);
        self.count.store(0, Release);
        oldest
    }
}
