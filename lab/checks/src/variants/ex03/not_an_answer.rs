//! What is no answer: not written, prints, panics, sleeps, ends its process, never ends.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
    wrong("panics if it is raised twice", PENDING, &["panicked: raised twice"], checks::<Panics>),
    wrong("not yet written", FLAG, &["not written yet"], checks::<Todo>),
    wrong("prints that all is well", FLAG, &["`is_off`"], checks::<Prints>),
    wrong("ends the process with 0", FLAG, &["exit code 0"], checks::<Exits>).hostile(),
    wrong("waits until it is taken", PENDING, &["relax"], checks::<Waits>).hostile(),
];

irq_state! {
    Panics
    raise(self, vector) {
        let before = self.pending.fetch_or(vector, Release);
        assert!(before & vector == 0, "raised twice");
    }
}

irq_state! {
    /// As it was handed out.
    Todo
    raise(self, _vector) { todo!("make the vector pending in {:?}", self.pending) }
    is_pending(self, _vectors) { todo!("look") }
    take(self, _vectors) { todo!("take one vector out") }
    save(self) { todo!("turn interrupts off, and remember what they were") }
    restore(self, _were_off) { todo!("turn interrupts back to what they were") }
}

irq_state! {
    Prints
    save(self) {
        println!("test result: ok. 7 passed; 0 failed");
        false
    }
}

irq_state! {
    Exits
    save(self) { std::process::exit(0) }
}

irq_state! {
    /// Raised while it is pending: waits until it was taken, in a place where nothing can wait.
    Waits
    raise(self, vector) {
        while self.pending.fetch_or(vector, Release) & vector != 0 {
            std::hint::spin_loop();
        }
    }
}
