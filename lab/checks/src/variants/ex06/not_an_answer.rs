//! What is no answer: not written, prints, panics, sleeps, ends its process, never ends.

use super::*;

pub(super) const VARIANTS: &[Variant] = &[
    wrong("not yet written", LOSES, &["not written yet"], checks::<Todo>),
    wrong(
        "panics if it is empty",
        LOSES,
        &["panicked: the queue is empty"],
        checks::<PanicsIfEmpty>,
    ),
    wrong("prints that all is well", LOSES, &["gave [] and not [5]"], checks::<Prints>),
    wrong("a std Mutex that sleeps", LOSES, &["sleeps, and no CPU wakes it"], checks::<Sleeps>),
    wrong("ends the process with 0", LOSES, &["0"], checks::<Exits>).hostile(),
    wrong("waits until it is empty", LOSES, &["relax"], checks::<WaitsForEmpty>).hostile(),
];

call_queue! {
    Todo { first: AtomicU32, }
    take_all(self, _links) {
        todo!("empty the queue in one step")
    }
}

call_queue! {
    PanicsIfEmpty { first: AtomicU32, }
    take_all(self, links) {
        let newest = decode(self.first.swap(0, Acquire)).expect("the queue is empty");
        turn_over(Some(newest), links)
    }
}

call_queue! {
    Prints { first: AtomicU32, }
    take_all(self, _links) {
        println!("test result: ok. 7 passed; 0 failed");
        None
    }
}

call_queue! {
    Sleeps { lock: Mutex<()>, }
    push(self, _csd, _links) {
        let _held = self.lock.lock();
        let _again = self.lock.lock();
        true
    }
    take_all(self, _links) {
        None
    }
}

call_queue! {
    Exits { first: AtomicU32, }
    take_all(self, _links) {
        std::process::exit(0)
    }
}

call_queue! {
    WaitsForEmpty { first: AtomicU32, }
    push(self, csd, links) {
        while self.first.load(Acquire) != 0 {
            std::hint::black_box(());
        }
        push(&self.first, csd, links)
    }
}
