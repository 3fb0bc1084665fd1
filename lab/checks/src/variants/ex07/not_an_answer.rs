//! What is no answer: not written, prints, panics, sleeps, ends its process, never ends.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
    wrong("prints that all is well", POSTS, &["posted 0 times"], checks::<Prints>),
    wrong("not yet written", POSTS, &["not written yet"], checks::<Todo>),
    wrong("panics if a CPU is offline", POSTS, &["panicked: CPU#5 is offline"], checks::<Panics>),
    wrong("a std Mutex that sleeps", POSTS, &["sleeps, and no CPU wakes it"], checks::<Sleeps>),
    wrong("ends the process with 0", POSTS, &["0"], checks::<Exits>).hostile(),
    wrong("waits by the clock", POSTS, &["relax"], checks::<PollsTheClock>).hostile(),
];

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
