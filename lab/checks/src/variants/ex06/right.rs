//! Right ones.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
    solution(checks::<ex06_call_queue_solution::MyCallQueue>),
    right("the kernel's own", checks::<KernelCallQueue>),
    right("fetch_update", checks::<FetchUpdate>),
    right("SeqCst everywhere", checks::<AllSeqCst>),
    right("fences and Relaxed", checks::<Fences>),
    right("looks before it exchanges, and takes nothing from an empty queue", checks::<LooksFirst>),
    right("collects what it takes", checks::<Collects>),
    right("counts its calls beside the newest", checks::<Counts>),
    right("an exchange in take_all", checks::<ExchangeInTake>),
];

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
