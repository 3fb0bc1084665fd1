//! Known answers to ex06: queues of calls.

use std::collections::VecDeque;
use std::sync::Mutex;

use softlockup::parts::call_queue::{CallQueue, CsdId, KernelCallQueue, Links};
use softlockup::sync::{AtomicU32, AtomicU64, Ordering::*, fence};

use crate::ex06::checks;
use crate::variants::{Variant, right, solution, wrong};

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

mod loses;
mod not_an_answer;
mod order;
mod right;
mod together;

/// Solution, alternatives, mutants.
pub(super) const VARIANTS: &[&[Variant]] = &[
    right::VARIANTS,
    loses::VARIANTS,
    order::VARIANTS,
    together::VARIANTS,
    not_an_answer::VARIANTS,
];

const LOSES: &str = "contract::call_queue::loses_nothing";

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
