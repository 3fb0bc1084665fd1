//! Known answers to ex07.

use std::sync::Mutex;

use softlockup::cpumask::{CpuId, CpuMask};
use softlockup::parts::call_many::{CallMany, CrossCalls, KernelCallMany, Wait};

use crate::check::Check;
use crate::ex07::{ID, checks};
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

const POSTS: &str = "contract::call_many::posts";
const IPIS: &str = "contract::call_many::interrupts";
const WAITS: &str = "contract::call_many::waits";

/// Solution, alternatives, mutants.
pub const VARIANTS: &[Variant] = &[
    Variant::new(ID, "solution", Kind::Solution, checks::<ex07_call_many_solution::MyCallMany>),
    right("the kernel's own", checks::<KernelCallMany>),
    right("interrupts right after each post", checks::<AtOnce>),
    right("from the last CPU down", checks::<Descending>),
    right("a mask of targets", checks::<Masks>),
    right("asks every CPU for its answer", checks::<AsksAll>),
    right("asks again which CPUs are meant", checks::<FiltersTwice>),
    // The posts.
    wrong("calls itself", POSTS, &["posted to CPU#2, which is itself"], checks::<CallsItself>),
    wrong("calls offline CPUs", POSTS, &["which is offline"], checks::<CallsOffline>),
    wrong(
        "calls all, whatever the mask says",
        POSTS,
        &["which is not meant"],
        checks::<IgnoresMask>,
    ),
    wrong("leaves out CPU 0", POSTS, &["posted 0 times to CPU#0"], checks::<SkipsZero>),
    wrong("leaves out the last CPU", POSTS, &["posted 0 times to CPU#7"], checks::<SkipsLast>),
    wrong("the first 64 CPUs only", POSTS, &["posted 0 times to CPU#65"], checks::<FirstWord>),
    wrong("posts twice where an IPI is owed", POSTS, &["posted 2 times"], checks::<PostsTwice>),
    wrong("calls the CPUs after it only", POSTS, &["posted 0 times to CPU#0"], checks::<Upwards>),
    wrong("calls one CPU", POSTS, &["posted 0 times"], checks::<CallsOne>),
    wrong("calls no CPU", POSTS, &["posted 0 times"], checks::<CallsNone>),
    wrong("prints that all is well", POSTS, &["posted 0 times"], checks::<Prints>),
    wrong("not yet written", POSTS, &["not written yet"], checks::<Todo>),
    wrong("panics if a CPU is offline", POSTS, &["panicked: CPU#5 is offline"], checks::<Panics>),
    wrong("a std Mutex that sleeps", POSTS, &["sleeps, and no CPU wakes it"], checks::<Sleeps>),
    // The IPIs.
    wrong(
        "an IPI to each",
        IPIS,
        &["whose queue was not empty, was sent 1 IPIs"],
        checks::<AlwaysIpi>,
    ),
    wrong("never an IPI", IPIS, &["whose queue was empty, was sent 0 IPIs"], checks::<NeverIpi>),
    wrong(
        "an IPI where the queue was not empty",
        IPIS,
        &["whose queue was empty, was sent 0 IPIs"],
        checks::<InvertedIpi>,
    ),
    wrong("one IPI for all", IPIS, &["was sent 0 IPIs"], checks::<OneIpi>),
    wrong("interrupts, then posts", IPIS, &["was sent"], checks::<IpiFirst>),
    // The waits.
    wrong(
        "one by one",
        WAITS,
        &["waited for CPU#0, and after that it posted to CPU#1"],
        checks::<OneByOne>,
    ),
    wrong(
        "waits before the IPIs",
        WAITS,
        &["and after that it sent an IPI to"],
        checks::<WaitsBeforeIpis>,
    ),
    wrong("waits for none", WAITS, &["did not wait for CPU#0"], checks::<NeverWaits>),
    wrong("always waits", WAITS, &["Async", "waited for CPU#0"], checks::<AlwaysWaits>),
    wrong("waits if it need not", WAITS, &["did not wait for"], checks::<InvertedWait>),
    wrong(
        "waits for those it interrupted",
        WAITS,
        &["did not wait for"],
        checks::<WaitsForInterrupted>,
    ),
    wrong("waits for the first", WAITS, &["did not wait for CPU#1"], checks::<WaitsForFirst>),
    wrong(
        "waits for all before it posts",
        WAITS,
        &["did not wait for CPU#0 after the post"],
        checks::<WaitsFirst>,
    ),
    // What ends the process, or never ends.
    wrong("ends the process with 0", POSTS, &["0"], checks::<Exits>).hostile(),
    wrong("waits by the clock", POSTS, &["relax"], checks::<PollsTheClock>).hostile(),
];

/// A broadcast.
macro_rules! call_many {
    ($(#[$doc:meta])* $name:ident($cpu:ident, $mask:ident, $wait:ident) $body:block) => {
        $(#[$doc])*
        #[derive(Default)]
        struct $name;

        impl CallMany for $name {
            fn call_many(&self, $cpu: &impl CrossCalls, $mask: &CpuMask, $wait: Wait) $body
        }
    };
}

/// The CPUs that are to be called.
fn targets(cpu: &impl CrossCalls, mask: &CpuMask) -> Vec<CpuId> {
    mask.iter().filter(|&other| other != cpu.id() && cpu.is_online(other)).collect()
}

/// Posts and interrupts.
fn reach(cpu: &impl CrossCalls, targets: &[CpuId]) {
    let owed: Vec<_> = targets.iter().filter(|&&target| cpu.post(target)).collect();
    owed.into_iter().for_each(|&target| cpu.send_ipi(target));
}

/// All of it, for these targets.
fn call(cpu: &impl CrossCalls, targets: &[CpuId], wait: Wait) {
    reach(cpu, targets);
    if wait == Wait::Sync {
        targets.iter().for_each(|&target| cpu.csd_lock_wait(target));
    }
}

call_many! {
    AtOnce(cpu, mask, wait) {
        let targets = targets(cpu, mask);
        for &target in &targets {
            if cpu.post(target) {
                cpu.send_ipi(target);
            }
        }
        if wait == Wait::Sync {
            targets.into_iter().for_each(|target| cpu.csd_lock_wait(target));
        }
    }
}

call_many! {
    Descending(cpu, mask, wait) {
        let mut targets = targets(cpu, mask);
        targets.reverse();
        call(cpu, &targets, wait);
    }
}

call_many! {
    Masks(cpu, mask, wait) {
        let mut targets = mask.clone();
        targets.clear(cpu.id());
        for other in mask.iter().filter(|&other| !cpu.is_online(other)) {
            targets.clear(other);
        }
        let mut owed = targets.clone();
        targets.iter().filter(|&target| !cpu.post(target)).for_each(|target| owed.clear(target));
        owed.iter().for_each(|target| cpu.send_ipi(target));
        match wait {
            Wait::Sync => targets.iter().for_each(|target| cpu.csd_lock_wait(target)),
            Wait::Async => {}
        }
    }
}

call_many! {
    /// A wait for a CPU that was not posted to is over at once.
    AsksAll(cpu, mask, wait) {
        let targets = targets(cpu, mask);
        reach(cpu, &targets);
        if wait == Wait::Sync {
            let others = mask.iter().filter(|&other| other != cpu.id());
            others.for_each(|other| cpu.csd_lock_wait(other));
        }
    }
}

call_many! {
    /// No list: each walk goes over the mask.
    FiltersTwice(cpu, mask, wait) {
        let meant = |other: &CpuId| *other != cpu.id() && cpu.is_online(*other);
        for target in mask.iter().filter(meant) {
            if cpu.post(target) {
                cpu.send_ipi(target);
            }
        }
        if let Wait::Sync = wait {
            for target in mask.iter().filter(meant) {
                cpu.csd_lock_wait(target);
            }
        }
    }
}

call_many! {
    CallsItself(cpu, mask, wait) {
        let targets: Vec<_> = mask.iter().filter(|&other| cpu.is_online(other)).collect();
        call(cpu, &targets, wait);
    }
}

call_many! {
    CallsOffline(cpu, mask, wait) {
        let targets: Vec<_> = mask.iter().filter(|&other| other != cpu.id()).collect();
        call(cpu, &targets, wait);
    }
}

call_many! {
    IgnoresMask(cpu, _mask, wait) {
        let all = (0..128).map(CpuId).filter(|&other| other != cpu.id() && cpu.is_online(other));
        let all: Vec<_> = all.collect();
        call(cpu, &all, wait);
    }
}

call_many! {
    SkipsZero(cpu, mask, wait) {
        let mut targets = targets(cpu, mask);
        targets.retain(|target| target.0 > 0);
        call(cpu, &targets, wait);
    }
}

call_many! {
    SkipsLast(cpu, mask, wait) {
        let mut targets = targets(cpu, mask);
        targets.pop();
        call(cpu, &targets, wait);
    }
}

call_many! {
    /// What fits into the mask's first word.
    FirstWord(cpu, mask, wait) {
        let mut targets = targets(cpu, mask);
        targets.retain(|target| target.0 < 64 && mask.first_word() >> target.0 & 1 == 1);
        call(cpu, &targets, wait);
    }
}

call_many! {
    PostsTwice(cpu, mask, wait) {
        let targets = targets(cpu, mask);
        targets.iter().for_each(|&target| _ = cpu.post(target));
        call(cpu, &targets, wait);
    }
}

call_many! {
    Upwards(cpu, mask, wait) {
        let mut targets = targets(cpu, mask);
        targets.retain(|target| target.0 > cpu.id().0);
        call(cpu, &targets, wait);
    }
}

call_many! {
    CallsOne(cpu, mask, wait) {
        let mut targets = targets(cpu, mask);
        targets.truncate(1);
        call(cpu, &targets, wait);
    }
}

call_many! {
    CallsNone(_cpu, _mask, _wait) {}
}

call_many! {
    Prints(_cpu, _mask, _wait) {
        println!("test result: ok. 9 passed; 0 failed");
    }
}

call_many! {
    Todo(_cpu, _mask, _wait) {
        todo!("post to all, interrupt those whose queue was empty, and wait for all if the caller waits")
    }
}

call_many! {
    Panics(cpu, mask, wait) {
        mask.iter().for_each(|other| assert!(cpu.is_online(other), "CPU#{other} is offline"));
        call(cpu, &targets(cpu, mask), wait);
    }
}

call_many! {
    Sleeps(_cpu, _mask, _wait) {
        let lock = Mutex::new(());
        let _held = lock.lock();
        let _again = lock.lock();
    }
}

call_many! {
    AlwaysIpi(cpu, mask, wait) {
        let targets = targets(cpu, mask);
        targets.iter().for_each(|&target| _ = cpu.post(target));
        targets.iter().for_each(|&target| cpu.send_ipi(target));
        if wait == Wait::Sync {
            targets.iter().for_each(|&target| cpu.csd_lock_wait(target));
        }
    }
}

call_many! {
    NeverIpi(cpu, mask, wait) {
        let targets = targets(cpu, mask);
        targets.iter().for_each(|&target| _ = cpu.post(target));
        if wait == Wait::Sync {
            targets.iter().for_each(|&target| cpu.csd_lock_wait(target));
        }
    }
}

call_many! {
    InvertedIpi(cpu, mask, wait) {
        let targets = targets(cpu, mask);
        for &target in &targets {
            if !cpu.post(target) {
                cpu.send_ipi(target);
            }
        }
        if wait == Wait::Sync {
            targets.iter().for_each(|&target| cpu.csd_lock_wait(target));
        }
    }
}

call_many! {
    OneIpi(cpu, mask, wait) {
        let targets = targets(cpu, mask);
        let owed: Vec<_> = targets.iter().filter(|&&target| cpu.post(target)).collect();
        owed.first().into_iter().for_each(|&&target| cpu.send_ipi(target));
        if wait == Wait::Sync {
            targets.iter().for_each(|&target| cpu.csd_lock_wait(target));
        }
    }
}

call_many! {
    IpiFirst(cpu, mask, wait) {
        let targets = targets(cpu, mask);
        targets.iter().for_each(|&target| cpu.send_ipi(target));
        targets.iter().for_each(|&target| _ = cpu.post(target));
        if wait == Wait::Sync {
            targets.iter().for_each(|&target| cpu.csd_lock_wait(target));
        }
    }
}

call_many! {
    OneByOne(cpu, mask, wait) {
        for target in targets(cpu, mask) {
            if cpu.post(target) {
                cpu.send_ipi(target);
            }
            if wait == Wait::Sync {
                cpu.csd_lock_wait(target);
            }
        }
    }
}

call_many! {
    WaitsBeforeIpis(cpu, mask, wait) {
        let targets = targets(cpu, mask);
        let owed: Vec<_> = targets.iter().filter(|&&target| cpu.post(target)).collect();
        if wait == Wait::Sync {
            targets.iter().for_each(|&target| cpu.csd_lock_wait(target));
        }
        owed.into_iter().for_each(|&target| cpu.send_ipi(target));
    }
}

call_many! {
    NeverWaits(cpu, mask, _wait) {
        reach(cpu, &targets(cpu, mask));
    }
}

call_many! {
    AlwaysWaits(cpu, mask, _wait) {
        call(cpu, &targets(cpu, mask), Wait::Sync);
    }
}

call_many! {
    InvertedWait(cpu, mask, wait) {
        let inverted = if wait == Wait::Sync { Wait::Async } else { Wait::Sync };
        call(cpu, &targets(cpu, mask), inverted);
    }
}

call_many! {
    WaitsForInterrupted(cpu, mask, wait) {
        let mut targets = targets(cpu, mask);
        targets.retain(|&target| cpu.post(target));
        targets.iter().for_each(|&target| cpu.send_ipi(target));
        if wait == Wait::Sync {
            targets.iter().for_each(|&target| cpu.csd_lock_wait(target));
        }
    }
}

call_many! {
    WaitsForFirst(cpu, mask, wait) {
        let targets = targets(cpu, mask);
        reach(cpu, &targets);
        if let (Wait::Sync, Some(&first)) = (wait, targets.first()) {
            cpu.csd_lock_wait(first);
        }
    }
}

call_many! {
    /// For older calls: `post` does that itself.
    WaitsFirst(cpu, mask, wait) {
        let targets = targets(cpu, mask);
        if wait == Wait::Sync {
            targets.iter().for_each(|&target| cpu.csd_lock_wait(target));
        }
        reach(cpu, &targets);
    }
}

call_many! {
    Exits(_cpu, _mask, _wait) {
        std::process::exit(0)
    }
}

call_many! {
    /// Waits a second for its answers.
    PollsTheClock(cpu, mask, wait) {
        let began = cpu.now();
        reach(cpu, &targets(cpu, mask));
        while wait == Wait::Sync && cpu.now().ns_since(began) < 1_000_000_000 {
            std::hint::black_box(());
        }
    }
}
