//! The floor: a number in one cache line that two threads count up in turns, each by compare-exchange.
//!
//! The line has to move twice, and nothing else happens: about the least for anything that goes from one core to
//! another and comes back. It is a yardstick more than a law: a call whose sides poll less eagerly may now and then be
//! a little faster.

#![allow(clippy::disallowed_methods, reason = "times the host's cores: no simulated CPU runs here")]

use std::sync::atomic::{AtomicU64, Ordering::*};

use crossbeam_utils::CachePadded;

use crate::call::{Caller, Server};

/// The line. Call `n` takes it from `2n` to `2n + 1`, the answer to `2n + 2`. Written by both sides in turns; AcqRel,
/// as for anything that is handed over.
#[derive(Debug, Default)]
pub struct Floor {
    turn: CachePadded<AtomicU64>,
}

const STOP: u64 = u64::MAX;

impl Floor {
    fn swap(&self, from: u64, to: u64) {
        while self.turn.compare_exchange(from, to, AcqRel, Relaxed).is_err() {}
    }
}

impl Caller for Floor {
    /// Returns when the *last* call was answered: to look and to go on is one operation, or the line would move more
    /// than twice. Over many calls it is the same.
    fn call(&self, n: u64) {
        self.swap(2 * n, 2 * n + 1);
    }

    fn stop(&self) {
        loop {
            // Its own answer, whichever it is, is the last thing that was written.
            let turn = self.turn.load(Relaxed);
            if turn.is_multiple_of(2)
                && self.turn.compare_exchange(turn, STOP, AcqRel, Relaxed).is_ok()
            {
                break;
            }
        }
        while self.turn.load(Acquire) == STOP {
            std::hint::spin_loop();
        }
    }
}

impl Server for Floor {
    fn serve(&self) {
        for n in 0.. {
            loop {
                match self.turn.compare_exchange(2 * n + 1, 2 * n + 2, AcqRel, Acquire) {
                    Ok(_) => break,
                    Err(STOP) => return self.turn.store(0, Release),
                    Err(_) => {}
                }
            }
        }
    }
}

/// The floor by itself, as if it were a contender.
impl Caller for &Floor {
    fn call(&self, n: u64) {
        Floor::call(self, n);
    }

    fn stop(&self) {
        Floor::stop(self);
    }
}

impl Server for &Floor {
    fn serve(&self) {
        Floor::serve(self);
    }
}
