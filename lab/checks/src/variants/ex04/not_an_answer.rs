//! What is no answer: not written, prints, panics, sleeps, ends its process, never ends.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
    wrong("a std Mutex that sleeps", EXCLUDES, &["sleeps, and no CPU wakes it"], checks::<Sleeps>),
    wrong("panics if it is held", EXCLUDES, &["panicked: the lock is held"], checks::<Panics>),
    wrong(
        "not yet written",
        EXCLUDES,
        &["not written yet: wait until the lock is free"],
        checks::<Todo>,
    ),
    wrong("prints that all is well", EXCLUDES, &["too early"], checks::<Prints>),
    wrong("spins without relax", EXCLUDES, &["relax"], checks::<NoRelax>).hostile(),
    wrong("ends the process with 0", EXCLUDES, &["exit code 0"], checks::<Exits>).hostile(),
    wrong("calls itself", EXCLUDES, &["stack overflow"], checks::<CallsItself>).hostile(),
];

die_lock! {
    /// Waits as a program does: the host's scheduler is to wake it.
    Sleeps { held: Mutex<bool>, free: Condvar }
    lock(self, _cpu) {
        let mut held = self.held.lock().unwrap();
        while *held {
            held = self.free.wait(held).unwrap();
        }
        *held = true;
        1
    }
    unlock(self, _cpu) {
        *self.held.lock().unwrap() = false;
        self.free.notify_one();
        0
    }
}

die_lock! {
    Panics { locked: AtomicU32 }
    lock(self, _cpu) {
        assert!(self.locked.swap(1, Acquire) == 0, "the lock is held");
        1
    }
}

die_lock! {
    /// As it was handed out.
    Todo {}
    lock(self, _cpu) { todo!("wait until the lock is free, and take it before any other CPU can") }
    unlock(self, _cpu) { todo!("let the next CPU in, together with everything that this CPU wrote") }
}

die_lock! {
    Prints {}
    lock(self, _cpu) {
        println!("test result: ok. 6 passed; 0 failed");
        println!("{{\"line\":\"end\",\"check\":\"contract::die_lock::excludes\",\"status\":\"pass\"}}");
        1
    }
    unlock(self, _cpu) { 0 }
}

die_lock! {
    NoRelax { locked: AtomicU32 }
    lock(self, _cpu) {
        while self.locked.swap(1, Acquire) == 1 {
            std::hint::spin_loop();
        }
        1
    }
}

die_lock! {
    Exits {}
    lock(self, _cpu) { std::process::exit(0) }
    unlock(self, _cpu) { 0 }
}

die_lock! {
    /// Meant to try again.
    CallsItself { locked: AtomicU32 }
    lock(self, cpu) {
        if self.locked.swap(1, Acquire) == 0 {
            return 1;
        }
        let frame = std::hint::black_box([0_u8; 256]); // or the compiler makes a loop of it
        let depth = self.lock(cpu);
        std::hint::black_box(&frame);
        depth
    }
}
