//! The section that a lock is to guard, which notices if the lock does not.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use softlockup::CpuId;

/// What a lock guards: a count that is kept twice, and which CPU is inside. Nothing of it holds together without the
/// lock.
///
/// All fields are written and read by the holder, Relaxed, and carried from holder to holder by the lock. `broken` is
/// written by the thread that finds the section broken: a count.
#[derive(Debug, Default)]
pub struct Section {
    inside: AtomicU32,
    count: AtomicU64,
    again: AtomicU64,
    broken: AtomicU64,
}

/// One visit to a [`Section`].
#[derive(Debug)]
#[must_use = "a visitor that enters must leave"]
pub struct Visit<'a> {
    section: &'a Section,
    visitor: u32,
    counts: (u64, u64),
    alone: bool,
}

impl Section {
    /// Enters it. What is found broken is kept for [`check`](Section::check), so that the lock is given back meanwhile.
    pub fn enter(&self, cpu: CpuId) -> Visit<'_> {
        let visitor = cpu.0 + 1;
        let alone = self.inside.load(Relaxed) == 0;
        self.inside.store(visitor, Relaxed);
        let counts = (self.count.load(Relaxed), self.again.load(Relaxed));
        Visit { section: self, visitor, counts, alone }
    }

    /// How many visits there were.
    pub fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }

    /// # Panics
    /// If not all of `visits` were counted, or a visitor was not alone in here.
    pub fn check(&self, visits: u64) {
        let counts = (self.count.load(Relaxed), self.again.load(Relaxed));
        assert_eq!(counts, (visits, visits), "the lock lets visits get lost");
        assert_eq!(self.broken.load(Relaxed), 0, "the lock lets several threads in at once");
    }
}

impl Visit<'_> {
    /// Counts the visit and leaves.
    pub fn leave(self) {
        let Visit { section, visitor, counts: (count, again), alone } = self;
        section.count.store(count + 1, Relaxed);
        section.again.store(again + 1, Relaxed);
        if !alone || count != again || section.inside.load(Relaxed) != visitor {
            section.broken.fetch_add(1, Relaxed);
        }
        section.inside.store(0, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CPU0: CpuId = CpuId(0);
    const CPU1: CpuId = CpuId(1);

    #[test]
    fn visits_one_after_another_are_in_order() {
        let section = Section::default();
        section.enter(CPU0).leave();
        section.enter(CPU1).leave();
        section.check(2);
    }

    #[test]
    #[should_panic(expected = "visits get lost")]
    fn two_visits_at_once_lose_one() {
        let section = Section::default();
        let (first, second) = (section.enter(CPU0), section.enter(CPU1));
        first.leave();
        second.leave();
        section.check(2);
    }

    #[test]
    #[should_panic(expected = "several threads")]
    fn a_visitor_is_noticed_even_if_no_count_is_lost() {
        let section = Section::default();
        let first = section.enter(CPU0);
        section.inside.store(CPU1.0 + 1, Relaxed);
        first.leave();
        section.check(1);
    }
}
