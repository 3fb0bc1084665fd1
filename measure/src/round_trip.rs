//! Calls from one host core to another, and how long they take next to the floor.
//!
//! What carries the call is a [`Caller`] and a [`Server`], each on a thread of its own. All go through the same
//! loop: a slice of the floor, a slice of calls, a slice of the floor, and so on, between the same two threads. A
//! hypervisor moves its virtual cores around, and with them the distance between two of them, several times a second;
//! so a ratio is taken only between slices that touch each other.

#![allow(clippy::disallowed_methods, reason = "times the host's cores: no simulated CPU runs here")]

use std::sync::atomic::{AtomicBool, Ordering::*};
use std::time::{Duration, Instant};

use crate::call::{Caller, Server};
use crate::floor::Floor;
use crate::quantiles::median;

/// What is to be measured.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many calls.
    pub calls: u64,
    /// Time each call by itself, and let this much time pass before it: enough for a server that sleeps to fall asleep.
    pub each_after: Option<Duration>,
}

impl Plan {
    /// Calls one after another.
    pub fn calls(calls: u64) -> Self {
        Plan { calls, each_after: None }
    }
}

/// What was measured.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// How long all calls took together.
    pub elapsed: Duration,
    /// Slice by slice.
    pub slices: Vec<Slice>,
    /// How long each call took, in ns; empty unless each was timed by itself.
    pub latencies_ns: Vec<u64>,
}

/// Some calls, and the floor before and after them; all in ns for one round trip.
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    /// How many calls.
    pub calls: u64,
    /// The floor, just before.
    pub floor_before_ns: f64,
    /// One call, on the average.
    pub call_ns: f64,
    /// The floor, just after.
    pub floor_after_ns: f64,
}

impl Slice {
    /// The call in units of the floor; `None` if the cores moved apart or together meanwhile.
    pub fn ratio(&self) -> Option<f64> {
        let (before, after) = (self.floor_before_ns, self.floor_after_ns);
        let steady = before.max(after) / before.min(after) < 1.2;
        steady.then(|| self.over_floor())
    }

    fn over_floor(&self) -> f64 {
        2.0 * self.call_ns / (self.floor_before_ns + self.floor_after_ns)
    }
}

impl Measured {
    /// Adds what was measured later.
    pub fn extend(&mut self, later: Measured) {
        self.elapsed += later.elapsed;
        self.slices.extend(later.slices);
        self.latencies_ns.extend(later.latencies_ns);
    }

    /// The median ratio to the floor: of the slices in which the cores stayed where they were, or of all if they never
    /// did.
    pub fn ratio(&self) -> Option<f64> {
        self.median(Slice::ratio).or_else(|| self.median(|slice| Some(slice.over_floor())))
    }

    /// The median of a quantity over all slices that have one; if there are slices of many calls, over those.
    pub fn median(&self, of: impl Fn(&Slice) -> Option<f64>) -> Option<f64> {
        let few = self.slices.iter().all(|slice| slice.calls < BATCH);
        let enough = |slice: &&Slice| few || slice.calls >= BATCH;
        let mut values: Vec<f64> = self.slices.iter().filter(enough).filter_map(of).collect();
        (!values.is_empty()).then(|| median(&mut values))
    }
}

/// The calling thread's whole work: measures `caller` by `plan`, next to `floor`.
pub fn measure(floor: &Floor, caller: &impl Caller, plan: Plan, over: &AtomicBool) -> Measured {
    let mut measured = Measured::default();
    let mut left = plan.calls;
    let mut floor_before_ns = floor_slice(floor);
    while left > 0 {
        floor.stop();
        let (calls, took) = match plan.each_after {
            None => calls_slice(caller, left),
            Some(pause) => timed_slice(caller, left, pause, &mut measured.latencies_ns),
        };
        caller.stop();
        let floor_after_ns = floor_slice(floor);
        let call_ns = took.as_nanos() as f64 / calls as f64;
        measured.slices.push(Slice { calls, floor_before_ns, call_ns, floor_after_ns });
        measured.elapsed += took;
        left -= calls;
        floor_before_ns = floor_after_ns;
    }
    over.store(true, Relaxed); // `stop` hands it over
    floor.stop();
    measured
}

/// The called thread's whole work.
pub fn serve(floor: &Floor, server: &impl Server, over: &AtomicBool) {
    loop {
        floor.serve();
        if over.load(Relaxed) {
            return;
        }
        server.serve();
    }
}

/// The clock is looked at once in so many calls: it takes as long as a fast one.
const BATCH: u64 = 64;
const FLOOR_SLICE: Duration = Duration::from_micros(50);
const CALLS_SLICE: Duration = Duration::from_micros(200);

fn floor_slice(floor: &Floor) -> f64 {
    (0..BATCH).for_each(|n| floor.call(n)); // the first ones find the lines elsewhere
    let (start, mut n) = (Instant::now(), BATCH);
    loop {
        (0..BATCH).for_each(|call| floor.call(n + call));
        n += BATCH;
        let took = start.elapsed();
        if took > FLOOR_SLICE {
            return took.as_nanos() as f64 / (n - BATCH) as f64;
        }
    }
}

/// Returns how many calls it made, and how long they took.
fn calls_slice(caller: &impl Caller, left: u64) -> (u64, Duration) {
    let first = BATCH.min(left);
    (0..first).for_each(|n| caller.call(n));
    let (start, mut calls) = (Instant::now(), 0);
    loop {
        let batch = BATCH.min(left - calls);
        (0..batch).for_each(|n| caller.call(first + calls + n));
        calls += batch;
        let took = start.elapsed();
        if took > CALLS_SLICE || calls == left {
            return (calls, took);
        }
    }
}

fn timed_slice(
    caller: &impl Caller,
    left: u64,
    pause: Duration,
    latencies_ns: &mut Vec<u64>,
) -> (u64, Duration) {
    let warm_up = if pause.is_zero() { 2 } else { 0 }; // the first calls find the lines elsewhere
    (0..warm_up).for_each(|n| caller.call(n));
    let (start, mut calls, mut took) = (Instant::now(), 0, Duration::ZERO);
    let mut answered = start;
    while calls < left && answered - start < CALLS_SLICE {
        while answered.elapsed() < pause {
            std::hint::spin_loop();
        }
        let before = Instant::now();
        caller.call(warm_up + calls);
        answered = Instant::now();
        let latency = answered - before;
        latencies_ns.push(latency.as_nanos() as u64);
        took += latency;
        calls += 1;
    }
    (calls, took)
}
