//! What is no answer: not written, prints, panics, sleeps, ends its process, never ends.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
    wrong("not yet written", FLAGS, &["not written yet"], checks::<Todo>),
    wrong("a std Mutex that sleeps", FLAGS, &["sleeps, and no CPU wakes it"], checks::<Sleeps>),
    wrong("prints that all is well", WAIT, &["too early"], checks::<Prints>),
    wrong("panics if it is in use", WAIT, &["panicked: the csd is in use"], checks::<Panics>),
    wrong("spins without relax", WAIT, &["relax"], checks::<NoRelax>).hostile(),
    wrong("ends the process with 0", FLAGS, &["0"], checks::<Exits>).hostile(),
    wrong("calls itself", WAIT, &["stack"], checks::<CallsItself>).hostile(),
];

csd_lock! {
    Todo {}
    lock(self, _flags, _cpu) {
        todo!("wait until the csd is free, and mark it as in use")
    }
}

csd_lock! {
    Sleeps { lock: Mutex<()>, }
    lock(self, _flags, _cpu) {
        let _held = self.lock.lock();
        let _again = self.lock.lock();
    }
}

csd_lock! {
    Prints {}
    wait(self, _flags, _cpu) {
        println!("test result: ok. 5 passed; 0 failed");
    }
}

csd_lock! {
    Panics {}
    wait(self, flags, _cpu) {
        assert!(flags.load(Acquire) & CSD_FLAG_LOCK == 0, "the csd is in use");
    }
}

csd_lock! {
    NoRelax {}
    wait(self, flags, _cpu) {
        while flags.load(Acquire) & CSD_FLAG_LOCK != 0 {
            std::hint::black_box(());
        }
    }
}

csd_lock! {
    Exits {}
    lock(self, _flags, _cpu) {
        std::process::exit(0)
    }
}

csd_lock! {
    CallsItself {}
    wait(self, flags, cpu) {
        if flags.load(Acquire) & CSD_FLAG_LOCK != 0 {
            cpu.relax();
            self.wait(flags, cpu);
            std::hint::black_box(flags);
        }
    }
}
