//! Wrong chains.

use super::*;

const FAULTS: &str = "contract::die_chain::survives_a_faulting_callback";

pub(super) const VARIANTS: &[Variant] = &[
    wrong(
        "the kernel's chain",
        FAULTS,
        &["inside callbacks [1]", "called [0, 1"],
        checks::<Lock, KernelDieChain>,
    ),
    wrong(
        "no callback inside a fault",
        FAULTS,
        &["inside callbacks [1]", "called []"],
        checks::<Lock, NoneInside>,
    ),
    wrong(
        "one memory for all CPUs",
        WALKS,
        &["while CPU#0 was in callback 0"],
        checks::<Lock, OneMemory>,
    ),
    wrong(
        "is never over",
        FAULTS,
        &["the next oops on CPU#0 called []"],
        checks::<Lock, NeverOver>,
    ),
    wrong(
        "skips only the last fault",
        FAULTS,
        &["inside callbacks [0, 2]"],
        checks::<Lock, LastFaultOnly>,
    ),
    wrong("notes it after the call", FAULTS, &["inside callbacks [1]"], checks::<Lock, NotesAfter>),
    wrong("catches the fault", FAULTS, &["inside callbacks [1]"], checks::<Lock, Catches>),
    wrong("each callback once in a lifetime", WALKS, &["walk 2"], checks::<Lock, OnceInALifetime>),
    wrong("does not hear Stop", WALKS, &["Stop", "called [0, 1"], checks::<Lock, DeafToStop>),
    wrong(
        "always answers Done",
        WALKS,
        &["gave Some(Done) and not Some(Ok)"],
        checks::<Lock, AnswersDone>,
    ),
    wrong(
        "from the last to the first",
        WALKS,
        &["in the order of the chain"],
        checks::<Lock, Backwards>,
    ),
    wrong("leaves out the last one", WALKS, &["gave [] and not [0]"], checks::<Lock, OffByOne>),
    wrong(
        "remembers for 32 CPUs",
        WALKS,
        &["while CPU#32 was in callback 0"],
        checks::<Lock, For32Cpus>,
    ),
    wrong(
        "remembers 16 callbacks",
        FAULTS,
        &["inside callbacks [0]"],
        checks::<Lock, For16Callbacks>,
    ),
];

die_chain! {
    NoneInside { walks: PerCpu }
    call(self, callbacks) {
        let walks = self.walks.of(callbacks.cpu());
        if walks.swap(1, Relaxed) == 1 {
            walks.store(0, Relaxed);
            return Notify::Done;
        }
        let answer = walk(callbacks, |n| Some(callbacks.call(n)));
        walks.store(0, Relaxed);
        answer
    }
}

die_chain! {
    OneMemory { inside: AtomicU32 }
    call(self, callbacks) {
        walk(callbacks, |n| {
            if self.inside.fetch_or(1 << n, AcqRel) >> n & 1 == 1 {
                return None;
            }
            let answer = callbacks.call(n);
            self.inside.fetch_and(!(1 << n), AcqRel);
            Some(answer)
        })
    }
}

die_chain! {
    /// Goes on where the last walk of this CPU was; only a walk that began at the first callback begins anew.
    NeverOver { entered: PerCpu }
    call(self, callbacks) {
        let entered = self.entered.of(callbacks.cpu());
        let first = entered.load(Relaxed) as usize;
        let answer = walk(callbacks, |n| {
            if n < first {
                return None;
            }
            entered.store(n as u32 + 1, Relaxed);
            Some(callbacks.call(n))
        });
        if first == 0 {
            entered.store(0, Relaxed);
        }
        answer
    }
}

die_chain! {
    /// Remembers one callback, and a second one makes it forget the first.
    LastFaultOnly { inside: PerCpu }
    call(self, callbacks) {
        let inside = self.inside.of(callbacks.cpu());
        walk(callbacks, |n| {
            if inside.load(Relaxed) == n as u32 + 1 {
                return None;
            }
            let before = inside.swap(n as u32 + 1, Relaxed);
            let answer = callbacks.call(n);
            inside.store(before, Relaxed);
            Some(answer)
        })
    }
}

die_chain! {
    NotesAfter { called: PerCpu }
    call(self, callbacks) {
        let called = self.called.of(callbacks.cpu());
        let answer = walk(callbacks, |n| {
            if called.load(Relaxed) >> n & 1 == 1 {
                return None;
            }
            let answer = callbacks.call(n);
            called.fetch_or(1 << n, Relaxed);
            Some(answer)
        });
        called.store(0, Relaxed);
        answer
    }
}

die_chain! {
    /// As a program would.
    Catches {}
    call(self, callbacks) {
        walk(callbacks, |n| {
            Some(catch_unwind(AssertUnwindSafe(|| callbacks.call(n))).unwrap_or(Notify::Done))
        })
    }
}

die_chain! {
    OnceInALifetime { called: PerCpu }
    call(self, callbacks) {
        let called = self.called.of(callbacks.cpu());
        walk(callbacks, |n| (called.fetch_or(1 << n, Relaxed) >> n & 1 == 0).then(|| callbacks.call(n)))
    }
}

/// The solution's, but for what `answer` makes of a callback's answer.
fn right_walk(
    inside: &AtomicU32,
    callbacks: &impl Callbacks,
    ends: impl Fn(Notify) -> bool,
) -> Notify {
    let mut answer = Notify::Done;
    for n in 0..callbacks.count() {
        if inside.fetch_or(1 << n, Relaxed) >> n & 1 == 1 {
            continue;
        }
        answer = callbacks.call(n);
        inside.fetch_and(!(1 << n), Relaxed);
        if ends(answer) {
            break;
        }
    }
    answer
}

die_chain! {
    DeafToStop { inside: PerCpu }
    call(self, callbacks) {
        right_walk(self.inside.of(callbacks.cpu()), callbacks, |answer| answer == Notify::Bad)
    }
}

die_chain! {
    AnswersDone { inside: PerCpu }
    call(self, callbacks) {
        right_walk(self.inside.of(callbacks.cpu()), callbacks, Notify::ends_the_chain);
        Notify::Done
    }
}

die_chain! {
    Backwards {}
    call(self, callbacks) {
        let last = callbacks.count();
        walk(callbacks, |n| Some(callbacks.call(last - 1 - n)))
    }
}

die_chain! {
    OffByOne {}
    call(self, callbacks) {
        let last = callbacks.count();
        walk(callbacks, |n| (n + 1 < last).then(|| callbacks.call(n)))
    }
}

die_chain! {
    /// CPU 32 shares a word with CPU 0.
    For32Cpus { inside: PerCpu }
    call(self, callbacks) {
        let inside = self.inside.of(CpuId(callbacks.cpu().0 % 32));
        right_walk(inside, callbacks, Notify::ends_the_chain)
    }
}

die_chain! {
    For16Callbacks { inside: PerCpu }
    call(self, callbacks) {
        let inside = self.inside.of(callbacks.cpu());
        walk(callbacks, |n| {
            let bit = 1 << (n % 16);
            if inside.fetch_or(bit, Relaxed) & bit != 0 {
                return None;
            }
            let answer = callbacks.call(n);
            inside.fetch_and(!bit, Relaxed);
            Some(answer)
        })
    }
}
