//! The order, and when an IPI is owed.

use super::*;

const ORDER: &str = "contract::call_queue::takes_in_order";
const IPI: &str = "contract::call_queue::asks_for_one_ipi";

pub(super) const VARIANTS: &[Variant] = &[
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
];

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
