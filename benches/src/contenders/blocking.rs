//! Contenders of user space.

#![expect(clippy::disallowed_methods, reason = "threads of the host, and no simulated CPUs")]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::sync::mpsc;
use std::thread::{self, Thread};

use crossbeam_utils::CachePadded;
use parking_lot::Mutex;

use super::{Order, STOP};
use softlockup_measure::call::{Caller, Server};

/// The call in one line, its answer in another; both sides spin.
///
/// `asked` and `answered` are the number of calls: Release by the side that writes, Acquire by the side that waits.
#[derive(Debug, Default)]
pub struct TwoLines {
    asked: CachePadded<AtomicU64>,
    answered: CachePadded<AtomicU64>,
}

impl Caller for &TwoLines {
    fn call(&self, n: u64) {
        self.asked.store(n + 1, Release);
        while self.answered.load(Acquire) != n + 1 {
            std::hint::spin_loop();
        }
    }

    fn stop(&self) {
        self.asked.store(STOP, Release);
        while self.asked.load(Acquire) == STOP {
            std::hint::spin_loop();
        }
    }
}

impl Server for &TwoLines {
    fn serve(&self) {
        let order = Order::default();
        let mut last = 0;
        loop {
            match self.asked.load(Acquire) {
                STOP => {
                    self.answered.store(0, Relaxed);
                    return self.asked.store(0, Release);
                }
                same if same == last => std::hint::spin_loop(),
                asked => {
                    last = asked;
                    order.answer(asked - 1);
                    self.answered.store(asked, Release);
                }
            }
        }
    }
}

/// A pair of bounded channels of crossbeam.
#[derive(Debug)]
pub struct CrossbeamChannel {
    calls: (crossbeam_channel::Sender<u64>, crossbeam_channel::Receiver<u64>),
    answers: (crossbeam_channel::Sender<u64>, crossbeam_channel::Receiver<u64>),
}

impl Default for CrossbeamChannel {
    fn default() -> Self {
        CrossbeamChannel {
            calls: crossbeam_channel::bounded(1),
            answers: crossbeam_channel::bounded(1),
        }
    }
}

impl Caller for &CrossbeamChannel {
    fn call(&self, n: u64) {
        self.calls.0.send(n).expect("both ends live");
        assert_eq!(self.answers.1.recv(), Ok(n));
    }

    fn stop(&self) {
        self.call(STOP);
    }
}

impl Server for &CrossbeamChannel {
    fn serve(&self) {
        let order = Order::default();
        for n in &self.calls.1 {
            if n != STOP {
                order.answer(n);
            }
            self.answers.0.send(n).expect("both ends live");
            if n == STOP {
                return;
            }
        }
    }
}

/// A pair of `std`'s bounded channels. Made as two ends: a receiver stays on its thread.
#[derive(Debug)]
pub struct StdMpsc {
    to: mpsc::SyncSender<u64>,
    from: mpsc::Receiver<u64>,
}

impl StdMpsc {
    /// The caller's end, and the server's.
    pub fn ends() -> (Self, Self) {
        let (to, calls) = mpsc::sync_channel(1);
        let (answers, from) = mpsc::sync_channel(1);
        (StdMpsc { to, from }, StdMpsc { to: answers, from: calls })
    }
}

impl Caller for StdMpsc {
    fn call(&self, n: u64) {
        self.to.send(n).expect("both ends live");
        assert_eq!(self.from.recv(), Ok(n));
    }

    fn stop(&self) {
        self.call(STOP);
    }
}

impl Server for StdMpsc {
    fn serve(&self) {
        let order = Order::default();
        while let Ok(n) = self.from.recv() {
            if n != STOP {
                order.answer(n);
            }
            self.to.send(n).expect("both ends live");
            if n == STOP {
                return;
            }
        }
    }
}

/// A mutex and two condition variables of parking_lot, one for each direction.
#[derive(Debug, Default)]
pub struct Condvar {
    call: Mutex<Option<u64>>,
    called: parking_lot::Condvar,
    answered: parking_lot::Condvar,
}

impl Caller for &Condvar {
    fn call(&self, n: u64) {
        let mut call = self.call.lock();
        *call = Some(n);
        self.called.notify_one();
        self.answered.wait_while(&mut call, |call| call.is_some());
    }

    fn stop(&self) {
        self.call(STOP);
    }
}

impl Server for &Condvar {
    fn serve(&self) {
        let order = Order::default();
        let mut call = self.call.lock();
        loop {
            self.called.wait_while(&mut call, |call| call.is_none());
            let n = call.take();
            self.answered.notify_one();
            match n {
                None => {}
                Some(STOP) => return,
                Some(n) => order.answer(n),
            }
        }
    }
}

/// The called thread parks between two calls; its caller spins, as a CPU does that waits for another.
///
/// `asked` and `answered` as in [`TwoLines`].
#[derive(Debug, Default)]
pub struct ParkUnpark {
    asked: CachePadded<AtomicU64>,
    answered: CachePadded<AtomicU64>,
    server: OnceLock<Thread>,
}

impl ParkUnpark {
    fn ask(&self, n: u64, answer: u64) {
        self.asked.store(n, Release);
        self.server.wait().unpark();
        while self.answered.load(Acquire) != answer {
            std::hint::spin_loop();
        }
    }
}

impl Caller for &ParkUnpark {
    fn call(&self, n: u64) {
        self.ask(n + 1, n + 1);
    }

    fn stop(&self) {
        self.ask(STOP, 0);
    }
}

impl Server for &ParkUnpark {
    fn serve(&self) {
        self.server.get_or_init(thread::current);
        let order = Order::default();
        let mut last = 0;
        loop {
            match self.asked.load(Acquire) {
                STOP => {
                    self.asked.store(0, Relaxed);
                    return self.answered.store(0, Release);
                }
                same if same == last => thread::park(),
                asked => {
                    last = asked;
                    order.answer(asked - 1);
                    self.answered.store(asked, Release);
                }
            }
        }
    }
}
