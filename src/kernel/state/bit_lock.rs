//! A lock that is one bit: for what one CPU at a time may do. A CPU that does not get it goes on without, or tries again.
//!
//! | CPU | does | order |
//! |---|---|---|
//! | a CPU that wants it | `try_lock` | Acquire: what the last holder did is seen |
//! | the CPU that has it | `unlock` | Release, pairs with that |
//!
//! In Linux: `include/asm-generic/bitops/lock.h`, `test_and_set_bit_lock`, `clear_bit_unlock`.
//! Here it differs: `watchdog_mutex`, a mutex there, is one of these: a task that waits for it spins.

use crate::sync::{AtomicBool, Ordering::*};

/// See the table above.
#[derive(Debug)]
pub(crate) struct BitLock(AtomicBool);

impl Default for BitLock {
    fn default() -> Self {
        BitLock(AtomicBool::new(false))
    }
}

impl BitLock {
    /// Returns whether the calling CPU has it now. In Linux: `!test_and_set_bit_lock`.
    pub(crate) fn try_lock(&self) -> bool {
        self.0.compare_exchange(false, true, Acquire, Relaxed).is_ok()
    }

    /// The CPU that has it gives it back. In Linux: `clear_bit_unlock`.
    pub(crate) fn unlock(&self) {
        self.0.store(false, Release);
    }
}

#[cfg(all(test, loom))]
mod loom_models {
    use std::rc::Rc;

    use loom::cell::Cell;
    use loom::thread;

    use super::*;

    /// Two CPUs that count under the lock lose no count; each gets it at most once here, so neither waits.
    #[test]
    fn one_cpu_at_a_time_and_it_sees_what_the_last_one_did() {
        loom::model(|| {
            let shared = Rc::new((BitLock::default(), Cell::new(0)));
            let counts = |shared: &(BitLock, Cell<u32>)| {
                let (lock, count) = shared;
                let got = lock.try_lock();
                if got {
                    count.set(count.get() + 1);
                    lock.unlock();
                }
                u32::from(got)
            };
            let other = Rc::clone(&shared);
            let thread = thread::spawn(move || counts(&other));
            let got = counts(&shared);
            let got = got + thread.join().unwrap();
            assert!(got > 0 && shared.0.try_lock());
            assert_eq!(shared.1.get(), got);
        });
    }
}
