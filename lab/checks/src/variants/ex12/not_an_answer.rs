//! What is no answer: not written, prints, panics, sleeps, ends its process, never ends.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
    wrong(
        "a std Mutex that sleeps",
        EXCLUDES,
        &["sleeps, and no CPU wakes it"],
        checks::<Sleeps, Chain>,
    ),
    wrong(
        "not yet written",
        EXCLUDES,
        &["not written yet: let this CPU in"],
        checks::<Todo, Chain>,
    ),
    wrong("prints that all is well", EXCLUDES, &["too early"], checks::<Prints, Chain>),
    wrong("spins without relax", EXCLUDES, &["relax"], checks::<NoRelax, Chain>).hostile(),
    wrong("the chain ends the process with 0", WALKS, &["exit code 0"], checks::<Lock, Exits>)
        .hostile(),
];

die_lock! {
    Sleeps { reporting: Mutex<()>, depth: AtomicU32 }
    lock(self, _cpu) {
        std::mem::forget(self.reporting.lock());
        self.depth.fetch_add(1, Relaxed) + 1
    }
    unlock(self, _cpu) { self.depth.fetch_sub(1, Relaxed) - 1 }
}

die_lock! {
    /// As it was handed out.
    Todo {}
    lock(self, _cpu) { todo!("let this CPU in if it holds the lock") }
    unlock(self, _cpu) { todo!("give one level back, and the lock with the last one") }
    task_exit(self, _cpu) { todo!("give back every level that this CPU holds") }
}

die_lock! {
    Prints {}
    lock(self, _cpu) {
        println!("test result: ok. 12 passed; 0 failed");
        1
    }
    unlock(self, _cpu) { 0 }
}

die_lock! {
    NoRelax { holder: AtomicU32 }
    lock(self, cpu) {
        while self.holder.compare_exchange(0, me(cpu), Acquire, Relaxed).is_err() {
            std::hint::spin_loop();
        }
        1
    }
    unlock(self, _cpu) {
        self.holder.store(0, Release);
        0
    }
}

die_chain! {
    Exits {}
    call(self, _callbacks) { std::process::exit(0) }
}
