//! Right die locks of other shapes.

use checks::models::die_lock;
use softlockup::ThisCpu;
use softlockup::parts::die_lock::DieLock;
use softlockup::sync::{AtomicBool, AtomicU32, AtomicU64, Ordering::*, fence};

use crate::verdicts::right;

die_lock!(Swap, [locked: AtomicBool], |me, cpu|
lock {
    while me.locked.swap(true, Acquire) {
        cpu.relax();
    }
    1
}
unlock {
    me.locked.store(false, Release);
    0
});

#[test]
fn a_swap() {
    right(|| die_lock(Swap::default, false));
}

die_lock!(FetchOr, [locked: AtomicU32], |me, cpu|
lock {
    while me.locked.fetch_or(1, Acquire) & 1 != 0 {
        cpu.relax();
    }
    1
}
unlock {
    me.locked.fetch_and(!1, Release);
    0
});

#[test]
fn a_fetch_or() {
    right(|| die_lock(FetchOr::default, false));
}

die_lock!(Ticket, [next: AtomicU32, serving: AtomicU32], |me, cpu|
lock {
    let mine = me.next.fetch_add(1, Relaxed);
    while me.serving.load(Acquire) != mine {
        cpu.relax();
    }
    1
}
unlock {
    me.serving.fetch_add(1, Release);
    0
});

#[test]
fn a_ticket_lock() {
    right(|| die_lock(Ticket::default, false));
}

die_lock!(Strong, [locked: AtomicU32], |me, cpu|
lock {
    while me.locked.compare_exchange(0, 1, SeqCst, SeqCst).is_err() {
        cpu.relax();
    }
    1
}
unlock {
    me.locked.store(0, SeqCst);
    0
});

#[test]
fn orderings_stronger_than_needed() {
    right(|| die_lock(Strong::default, false));
}

die_lock!(Fences, [locked: AtomicU32], |me, cpu|
lock {
    while me.locked.compare_exchange(0, 1, Relaxed, Relaxed).is_err() {
        cpu.relax();
    }
    fence(Acquire);
    1
}
unlock {
    fence(Release);
    me.locked.store(0, Relaxed);
    0
});

#[test]
fn fences_around_relaxed_accesses() {
    right(|| die_lock(Fences::default, false));
}

die_lock!(LooksFirst, [locked: AtomicU32], |me, cpu|
lock {
    loop {
        if me.locked.load(Relaxed) == 0
            && me.locked.compare_exchange_weak(0, 1, Acquire, Relaxed).is_ok()
        {
            return 1;
        }
        cpu.relax();
    }
}
unlock {
    me.locked.store(0, Release);
    0
});

#[test]
fn a_look_before_the_exchange() {
    right(|| die_lock(LooksFirst::default, false));
}

/// An MCS lock: each CPU waits at a word of its own. The words hold CPU numbers plus 1.
#[derive(Default)]
struct Mcs {
    tail: AtomicU32,
    next: [AtomicU32; 4],
    waits: [AtomicU32; 4],
}

impl DieLock for Mcs {
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        let me = cpu.id().index();
        self.next[me].store(0, Relaxed);
        self.waits[me].store(1, Relaxed);
        let before = self.tail.swap(me as u32 + 1, AcqRel);
        if before != 0 {
            self.next[before as usize - 1].store(me as u32 + 1, Release);
            while self.waits[me].load(Acquire) != 0 {
                cpu.relax();
            }
        }
        1
    }

    fn unlock(&self, cpu: &impl ThisCpu) -> u32 {
        let me = cpu.id().index();
        if self.tail.compare_exchange(me as u32 + 1, 0, Release, Relaxed).is_err() {
            let mut next = self.next[me].load(Acquire);
            while next == 0 {
                cpu.relax();
                next = self.next[me].load(Acquire);
            }
            self.waits[next as usize - 1].store(0, Release);
        }
        0
    }
}

#[test]
fn an_mcs_lock() {
    right(|| die_lock(Mcs::default, false));
}

die_lock!(OneWord, [word: AtomicU64], |me, cpu| // the holder's number plus 1, and above it the depth
lock {
    let mine = u64::from(cpu.id().0) + 1;
    if me.word.load(Relaxed) & 0xff == mine {
        return (me.word.fetch_add(0x100, Relaxed) >> 8) as u32 + 1;
    }
    while me.word.compare_exchange(0, 0x100 | mine, Acquire, Relaxed).is_err() {
        cpu.relax();
    }
    1
}
unlock {
    let left = (me.word.load(Relaxed) >> 8) - 1;
    if left == 0 {
        me.word.store(0, Release);
    } else {
        me.word.fetch_sub(0x100, Relaxed);
    }
    left as u32
}
exit {
    if me.word.load(Relaxed) & 0xff == u64::from(cpu.id().0) + 1 {
        me.word.store(0, Release);
    }
});

#[test]
fn holder_and_depth_in_one_word() {
    right(|| die_lock(OneWord::default, true));
}
