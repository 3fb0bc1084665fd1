//! Contenders that go through the host's kernel.

#![expect(clippy::disallowed_methods, reason = "threads of the host, and no simulated CPUs")]

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::*};
use std::sync::{Arc, OnceLock};

use crossbeam_utils::CachePadded;
use nix::sys::pthread::{Pthread, pthread_kill, pthread_self};
use nix::sys::signal;
use rustix::thread::{MembarrierCommand, membarrier};

use signal_hook::SigId;

use softlockup_measure::call::{Caller, Server};

/// A signal to the thread, whose handler says that it ran. A caller waits for one signal before it sends the next, so
/// that none can be lost; that one comes twice is not found out.
#[derive(Debug)]
pub struct Signal {
    /// Set by the handler, cleared by the caller.
    handled: Arc<AtomicUsize>,
    handler: SigId,
    server: OnceLock<Pthread>,
    /// Set by the caller, cleared by the server (Release, Acquire).
    stop: AtomicBool,
}

/// What the handler writes.
const HANDLED: usize = 1;

impl Signal {
    /// Installs the handler.
    ///
    /// # Errors
    /// If the host refuses.
    pub fn new() -> Result<Self, String> {
        let handled = Arc::default();
        let shared = Arc::clone(&handled);
        let handler = signal_hook::flag::register_usize(signal::SIGUSR1 as i32, shared, HANDLED)
            .map_err(|error| format!("no signal handler: {error}"))?;
        Ok(Signal { handled, handler, server: OnceLock::new(), stop: AtomicBool::new(false) })
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        signal_hook::low_level::unregister(self.handler); // or the next one's signals would run this one, too
    }
}

impl Caller for &Signal {
    fn call(&self, _n: u64) {
        self.handled.store(0, Relaxed);
        pthread_kill(*self.server.wait(), signal::SIGUSR1).expect("the server lives");
        while self.handled.load(Acquire) != HANDLED {
            std::hint::spin_loop();
        }
    }

    fn stop(&self) {
        self.stop.store(true, Release);
        while self.stop.load(Acquire) {
            std::hint::spin_loop();
        }
    }
}

impl Server for &Signal {
    fn serve(&self) {
        self.server.get_or_init(pthread_self);
        while !self.stop.load(Acquire) {
            std::hint::spin_loop();
        }
        self.stop.store(false, Release);
    }
}

/// `membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED)`: the kernel interrupts every core on which a thread of this process
/// runs, and waits until all have taken the interrupt.
///
/// If none runs, it interrupts no core and comes back at once: a trap, because that looks like a very fast IPI. So the
/// server counts while it spins, and the caller checks that it never stopped counting.
#[derive(Debug, Default)]
pub struct Membarrier {
    /// Written by the server (Relaxed: a count).
    counted: CachePadded<AtomicU64>,
    /// The server turned too seldom. Written by the caller when it stops, read when both threads are gone (Relaxed: the
    /// end of the threads orders it).
    unserved: AtomicBool,
    /// Set by the caller, cleared by the server (Release, Acquire).
    stop: CachePadded<AtomicBool>,
}

/// The server's turns per call, at the least, if it runs nearly all the time: a turn takes a few ns, an interrupt
/// thousands. Asked of all calls between two stops together: the host may not run it for a moment.
const TURNS_PER_CALL: u64 = 50;

impl Membarrier {
    /// Registers this process with the kernel.
    ///
    /// # Errors
    /// If the kernel has no expedited membarrier.
    pub fn new() -> Result<Self, String> {
        membarrier(MembarrierCommand::RegisterPrivateExpedited)
            .map_err(|error| format!("no expedited membarrier: {error}"))?;
        Ok(Membarrier::default())
    }

    /// Whether every call can have interrupted the server.
    ///
    /// # Errors
    /// The host did not run the server meanwhile: what was measured is no call.
    pub fn was_served(&self) -> Result<(), String> {
        match self.unserved.load(Relaxed) {
            true => Err("the host did not run the called side".to_owned()),
            false => Ok(()),
        }
    }

    /// One call, whichever threads run.
    pub fn interrupt(&self) {
        membarrier(MembarrierCommand::PrivateExpedited).expect("it was registered");
    }
}

/// The caller's side: it knows how far the server had counted when it began.
#[derive(Debug)]
pub struct Interrupting<'a> {
    membarrier: &'a Membarrier,
    calls: std::cell::Cell<u64>,
    counted_before: std::cell::Cell<u64>,
}

impl<'a> Interrupting<'a> {
    /// A caller that has made no call yet.
    pub fn new(membarrier: &'a Membarrier) -> Self {
        Interrupting { membarrier, calls: Default::default(), counted_before: Default::default() }
    }
}

impl Caller for Interrupting<'_> {
    fn call(&self, _n: u64) {
        self.membarrier.interrupt();
        self.calls.set(self.calls.get() + 1);
    }

    fn stop(&self) {
        let counted = self.membarrier.counted.load(Relaxed);
        let turns = counted - self.counted_before.replace(counted);
        let calls = self.calls.take();
        if turns < TURNS_PER_CALL * calls {
            self.membarrier.unserved.store(true, Relaxed);
        }
        self.membarrier.stop.store(true, Release);
        while self.membarrier.stop.load(Acquire) {
            std::hint::spin_loop();
        }
    }
}

impl Server for &Membarrier {
    fn serve(&self) {
        let mut counted = self.counted.load(Relaxed);
        while !self.stop.load(Acquire) {
            counted += 1;
            self.counted.store(counted, Relaxed);
        }
        self.stop.store(false, Release);
    }
}
