//! Calls that get lost, or that were never made.

use super::*;

const HOLDS: &str = "contract::call_queue::holds_a_call_of_each_cpu";

pub(super) const VARIANTS: &[Variant] = &[
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
    wrong("holds eight calls", HOLDS, &["of 64 posted calls 56 were lost"], checks::<HoldsEight>),
    wrong("links for 64 csds", "replay", &["`take_all`"], checks::<LinksFor64>),
];

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
    /// Its own links, by the csd's number. The machine has 64 × 64 csds.
    LinksFor64 { first: AtomicU32, next: Places, }
    push(self, csd, _links) {
        let mut seen = self.first.load(Relaxed);
        loop {
            self.next.0[csd.0 as usize % 64].store(seen, Relaxed);
            match self.first.compare_exchange(seen, encode(csd), Release, Relaxed) {
                Ok(_) => return seen == 0,
                Err(changed) => seen = changed,
            }
        }
    }
    take_all(self, links) {
        let next = |csd: &CsdId| decode(self.next.0[csd.0 as usize % 64].load(Relaxed));
        let newest = decode(self.first.swap(0, Acquire));
        let mut oldest = None;
        for csd in std::iter::successors(newest, next).take(64) {
            links.link(csd).set(oldest);
            oldest = Some(csd);
        }
        oldest
    }
}

struct Places([AtomicU32; 64]);

impl Default for Places {
    fn default() -> Self {
        Places(std::array::from_fn(|_| AtomicU32::new(0)))
    }
}
