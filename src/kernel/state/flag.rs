//! A flag by which one CPU tells another CPU something. The other CPU then also sees what the first did before.
//!
//! | CPU | does | order |
//! |---|---|---|
//! | the CPU that changes it | `set` or `clear` | Release: what it did before comes first |
//! | the CPU that waits for it | `is_set` | Acquire, pairs with that |
//!
//! In Linux: `smp_store_release` and `smp_load_acquire` on a bit of a mask (`backtrace_mask`, `cpu_online_mask`).

use crate::sync::{AtomicBool, Ordering::*};

/// See the table above.
#[derive(Debug)]
pub(crate) struct Flag(AtomicBool);

impl Default for Flag {
    fn default() -> Self {
        Flag(AtomicBool::new(false))
    }
}

impl Flag {
    /// Sets the flag.
    pub(crate) fn set(&self) {
        self.0.store(true, Release);
    }

    /// Clears the flag.
    pub(crate) fn clear(&self) {
        self.0.store(false, Release);
    }

    /// Whether the flag is set. A CPU that sees it changed also sees what the other CPU did before it changed the flag.
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Acquire)
    }
}

#[cfg(all(test, loom))]
mod loom_models {
    use std::rc::Rc;

    use loom::cell::Cell;
    use loom::thread;

    use super::*;

    /// A backtrace request: the CPU that asks sees what was printed; the CPU that prints sees the question.
    #[test]
    fn an_answer_comes_with_what_it_is_about() {
        loom::model(|| {
            let shared = Rc::new((Flag::default(), Cell::new(0), Cell::new(0)));
            let asked = Rc::clone(&shared);
            let target = thread::spawn(move || {
                let (wanted, question, answer) = &*asked;
                if wanted.is_set() {
                    answer.set(question.get() + 1);
                    wanted.clear();
                    return true;
                }
                false
            });
            let (wanted, question, answer) = &*shared;
            question.set(41);
            wanted.set();
            let answered = target.join().unwrap();
            assert_eq!(answered, !wanted.is_set());
            if answered {
                assert_eq!(answer.get(), 42);
            }
        });
    }

    /// A stop request: when the panicking CPU sees the other one go offline, it is done with everything.
    #[test]
    fn a_cpu_that_is_seen_offline_is_done() {
        loom::model(|| {
            let shared = Rc::new((Flag::default(), Cell::new(0)));
            let (online, _) = &*shared;
            online.set();
            let stops = Rc::clone(&shared);
            let target = thread::spawn(move || {
                let (online, work) = &*stops;
                work.set(7);
                online.clear();
            });
            let (online, work) = &*shared;
            while online.is_set() {
                thread::yield_now();
            }
            assert_eq!(work.get(), 7);
            target.join().unwrap();
        });
    }
}
