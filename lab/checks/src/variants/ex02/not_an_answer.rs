//! What is no answer: not written, prints, panics, sleeps, ends its process, never ends.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
    wrong("not yet written", STARVED, &["not written yet"], checks::<Todo>),
    wrong("prints that all is well", STARVED, &["gave Healthy and not Lockup"], checks::<Prints>),
    wrong("a std Mutex that sleeps", STARVED, &["sleeps, and no CPU wakes it"], checks::<Sleeps>),
    wrong("ends the process with 0", STARVED, &["0"], checks::<Exits>).hostile(),
    wrong("loops until it is fed", STARVED, &["relax"], checks::<Loops>).hostile(),
];

detector! {
    Todo {}
    sample(self, _it, _now, _thresh, _current) {
        todo!("say whether this CPU is locked up")
    }
}

detector! {
    Prints {}
    sample(self, it, _now, _thresh, _current) {
        println!("test result: ok. 8 passed; 0 failed");
        (it, Healthy)
    }
}

detector! {
    Sleeps { lock: Mutex<()>, }
    sample(self, it, _now, _thresh, _current) {
        let _held = self.lock.lock();
        let _again = self.lock.lock();
        (it, Healthy)
    }
}

detector! {
    Exits {}
    sample(self, _it, _now, _thresh, _current) {
        std::process::exit(0)
    }
}

detector! {
    Loops {}
    sample(self, it, now, thresh, _current) {
        while now.wrapping_sub(std::hint::black_box(it.touch_ts)) <= thresh {}
        (it, Lockup { units: 22 })
    }
}
