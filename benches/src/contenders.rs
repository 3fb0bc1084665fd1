//! Other ways to make another thread do something and to know when it did.
//!
//! Each is used as it is meant to be: the channels and the condition variable wait as their libraries do, which is to
//! sleep after a while. The called side of `park_unpark` parks and its caller spins, which is what the machine does
//! when its called CPU is idle. The last two go through the host's kernel: a signal, and a real IPI.

mod blocking;
#[cfg(target_os = "linux")]
mod kernel;

pub use blocking::{Condvar, CrossbeamChannel, ParkUnpark, StdMpsc, TwoLines};
#[cfg(target_os = "linux")]
pub use kernel::{Interrupting, Membarrier, Signal};

use std::cell::Cell;

/// What a server has answered, so that it finds out if a call is missing, comes twice or out of turn.
#[derive(Debug, Default)]
struct Order {
    next: Cell<u64>,
}

impl Order {
    fn answer(&self, n: u64) {
        let next = self.next.replace(n + 1);
        if n != next {
            eprintln!("call {n} came where {next} was due: what is measured is wrong");
            std::process::abort(); // the caller would wait for ever
        }
    }
}

/// In the place of a call's number: the server is to stop.
const STOP: u64 = u64::MAX;
