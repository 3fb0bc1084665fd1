use std::sync::Mutex;

use softlockup::parts::call_queue::{CallQueue, CsdId, KernelCallQueue, Links};
use softlockup::parts::contract::call_queue;
use softlockup::sync::AtomicU32;
use softlockup::sync::Ordering::*;

/// The rules that a queue breaks.
fn broken<Q: CallQueue + Default>() -> Vec<&'static str> {
    let broken = broken!(call_queue(Q::default): is_empty_at_first, takes_in_order, asks_for_one_ipi, loses_nothing,
        is_empty_after_it_was_taken, can_be_used_again, holds_a_call_of_each_cpu);
    assert_eq!(call_queue::all(Q::default).is_ok(), broken.is_empty());
    broken
}

#[test]
fn the_kernels_call_queue_keeps_the_rules() {
    assert!(broken::<KernelCallQueue>().is_empty());
}

/// A queue that keeps its calls in a list of its own, and changes what comes in and what goes out.
#[derive(Default)]
struct List<T>(Mutex<Vec<u32>>, T);

/// What a [`List`] does.
trait Does: Default + Send + Sync + 'static {
    /// Puts `csd` in, and says whether the queue was empty.
    fn put(&self, list: &mut Vec<u32>, csd: u32) -> bool {
        list.push(csd);
        list.len() == 1
    }

    /// Takes out what is to be run.
    fn take(&self, list: &mut Vec<u32>) -> Vec<u32> {
        std::mem::take(list)
    }

    /// What the last link leads to.
    fn tail(&self, _taken: &[u32]) -> Option<u32> {
        None
    }
}

impl<T: Does> CallQueue for List<T> {
    fn push(&self, csd: CsdId, _: &(impl Links + ?Sized)) -> bool {
        self.1.put(&mut self.0.lock().unwrap(), csd.0)
    }

    fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        let taken = self.1.take(&mut self.0.lock().unwrap());
        let follows = taken.iter().skip(1).copied().map(Some).chain([self.1.tail(&taken)]);
        for (&csd, next) in taken.iter().zip(follows) {
            links.link(CsdId(csd)).set(next.map(CsdId));
        }
        taken.first().copied().map(CsdId)
    }
}

/// Makes a [`List`] with other methods.
macro_rules! does {
    ($name:ident { $($method:item)* }) => {
        #[derive(Default)]
        struct $name;
        impl Does for $name { $($method)* }
    };
}

does!(Right {});
does!(LastInFirstOut {
    fn take(&self, list: &mut Vec<u32>) -> Vec<u32> {
        list.drain(..).rev().collect()
    }
});
does!(ByNumber {
    fn take(&self, list: &mut Vec<u32>) -> Vec<u32> {
        list.sort_unstable();
        std::mem::take(list)
    }
});
does!(AlwaysAsks {
    fn put(&self, list: &mut Vec<u32>, csd: u32) -> bool {
        list.push(csd);
        true
    }
});
does!(NeverAsks {
    fn put(&self, list: &mut Vec<u32>, csd: u32) -> bool {
        list.push(csd);
        false
    }
});
does!(HoldsEight {
    fn put(&self, list: &mut Vec<u32>, csd: u32) -> bool {
        if list.len() < 8 {
            list.push(csd);
        }
        list.len() == 1
    }
});
does!(LosesTheLast {
    fn take(&self, list: &mut Vec<u32>) -> Vec<u32> {
        let mut taken = std::mem::take(list);
        taken.truncate(taken.len().max(2) - 1);
        taken
    }
});
does!(RunsTwice {
    fn take(&self, list: &mut Vec<u32>) -> Vec<u32> {
        list.clone()
    }
});
does!(TakesOne {
    fn take(&self, list: &mut Vec<u32>) -> Vec<u32> {
        list.drain(..list.len().min(1)).collect()
    }
});
does!(BitesItsTail {
    fn tail(&self, taken: &[u32]) -> Option<u32> {
        taken.first().copied()
    }
});
does!(LeadsNowhere {
    fn tail(&self, _taken: &[u32]) -> Option<u32> {
        Some(4_000)
    }
});

/// Says only once that it was empty: never again after it was emptied.
#[derive(Default)]
struct AsksOnce(AtomicU32);

impl Does for AsksOnce {
    fn put(&self, list: &mut Vec<u32>, csd: u32) -> bool {
        list.push(csd);
        self.0.swap(1, Relaxed) == 0
    }
}

/// The kernel's, but `take_all` leaves the first csd's link as it was: the tail is not cut.
#[derive(Default)]
struct TailNotCut(AtomicU32);

impl CallQueue for TailNotCut {
    fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
        let first = self.0.swap(csd.0 + 1, AcqRel);
        if first != 0 {
            links.link(csd).set(Some(CsdId(first - 1)));
        }
        first == 0
    }

    fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        let mut newest = self.0.swap(0, AcqRel).checked_sub(1).map(CsdId);
        let mut oldest = None;
        while let Some(csd) = newest {
            let link = links.link(csd);
            newest = link.get();
            link.set(oldest);
            oldest = Some(csd);
        }
        oldest
    }
}

#[test]
fn every_right_queue_is_accepted() {
    assert!(broken::<List<Right>>().is_empty());
}

#[test]
fn wrong_call_queues_are_refused() {
    assert_eq!(broken::<List<LastInFirstOut>>(), ["takes_in_order"]);
    assert_eq!(broken::<List<ByNumber>>(), ["takes_in_order"]);
    assert_eq!(broken::<List<AlwaysAsks>>(), ["asks_for_one_ipi"]);
    assert_eq!(broken::<List<NeverAsks>>(), ["asks_for_one_ipi"]);
    assert_eq!(broken::<List<AsksOnce>>(), ["asks_for_one_ipi"]);
    assert_eq!(broken::<List<HoldsEight>>(), ["holds_a_call_of_each_cpu"]);
    assert!(broken::<List<LosesTheLast>>().contains(&"loses_nothing"));
    assert!(broken::<List<RunsTwice>>().contains(&"is_empty_after_it_was_taken"));
    assert!(broken::<List<TakesOne>>().contains(&"loses_nothing"));
    assert!(broken::<TailNotCut>().contains(&"can_be_used_again"));
}

#[test]
fn a_list_that_does_not_end_hangs_no_rule() {
    let circle = call_queue::all(List::<BitesItsTail>::default).unwrap_err();
    assert_eq!(circle.rule, "the list of the taken calls ends, and leads to csds only");
    assert!(circle.happened.starts_with("it goes on after all 64 csds: [5, 5, "), "{circle}");
    let nowhere = call_queue::all(List::<LeadsNowhere>::default).unwrap_err();
    assert_eq!(nowhere.happened, "the list asked for a csd 4000");
}

/// Walks its list for ever, in `push`.
#[derive(Default)]
struct Walks;

impl CallQueue for Walks {
    fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
        links.link(csd).set(Some(csd));
        let mut next = Some(csd);
        while let Some(csd) = next {
            next = links.link(csd).get();
        }
        true
    }

    fn take_all(&self, _: &(impl Links + ?Sized)) -> Option<CsdId> {
        None
    }
}

#[test]
fn a_queue_that_walks_in_a_circle_hangs_no_rule() {
    let walks = call_queue::takes_in_order(Walks::default).unwrap_err();
    assert_eq!(walks.happened, "`push` went round in a circle");
}
