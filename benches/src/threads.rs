//! Callers and servers that are plain threads.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use softlockup_measure::call::{Caller, Server};
use softlockup_measure::cores;
use softlockup_measure::floor::Floor;
use softlockup_measure::host::Fate;
use softlockup_measure::round_trip::{Measured, Plan, measure, serve};

/// Measures two sides on two threads, each pinned to its core; and what happened to the threads meanwhile.
///
/// # Errors
/// If a thread cannot be pinned.
pub fn on_threads(
    cores: [usize; 2],
    plan: Plan,
    caller: impl Caller + Send,
    server: impl Server + Send,
) -> Result<(Measured, [Fate; 2]), String> {
    let (floor, over) = (Floor::default(), AtomicBool::new(false));
    let (pinned, both) = ([const { AtomicBool::new(false) }; 2], Barrier::new(2));
    let ready = |side: usize| {
        pinned[side].store(cores::pin(cores[side]), Relaxed);
        both.wait();
        pinned.iter().all(|pinned| pinned.load(Relaxed)).then(Fate::now)
    };
    let (floor, over, ready) = (&floor, &over, &ready);
    thread::scope(|scope| {
        let server = scope.spawn(move || {
            let _abort = AbortOnPanic;
            ready(1).map(|before| {
                serve(floor, &server, over);
                Fate::now().since(before)
            })
        });
        let caller = scope.spawn(move || {
            let _abort = AbortOnPanic;
            ready(0).map(|before| {
                let measured = measure(floor, &caller, plan, over);
                (measured, Fate::now().since(before))
            })
        });
        let ends = (caller.join(), server.join());
        let (Ok(caller), Ok(server)) = ends else { unreachable!("a panic ends the process") };
        match (caller, server) {
            (Some((measured, fate)), Some(other)) => Ok((measured, [fate, other])),
            _ => Err(format!("no thread can be pinned to core {} or {}", cores[0], cores[1])),
        }
    })
}

/// A thread of several that panics would leave the others waiting for it: it ends the process instead.
pub(crate) struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("a measuring thread panicked, and others wait for it: the end");
            std::process::abort();
        }
    }
}
