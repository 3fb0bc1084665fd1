//! The models of a [`CsdLock`]: CPU 0 calls CPU 1, through one csd.

use std::sync::Arc;

use softlockup::ThisCpu;
use softlockup::parts::csd_lock::{CSD_FLAG_LOCK, CsdLock};
use softlockup::sync::{AtomicBool, AtomicU32, Ordering::*};
use softlockup::version::CSD_FLAG_SYNCHRONOUS;

use super::cpu::ModelCpu;
use super::csd_ring;
use crate::execution::cpus::on_cpus;
use crate::execution::data::Data;
use crate::execution::steps::{call, expect, note};
use crate::search::Model;

const CPUS: &[&str] = &["CPU#0 (calls)", "CPU#1 (is called)"];
const ONE: &str = "the called CPU sees the request, and who waits sees the answer";
const TWO: &str = "a csd that is in use is not used again before its request is answered";

/// The models, the smallest first.
pub(crate) fn models<C: CsdLock>(new: fn() -> C) -> Vec<Model> {
    vec![
        Model::new("csd_lock/one-call", ONE, CPUS, move || calls(new, 1)),
        Model::new("csd_lock/two-calls", TWO, CPUS, move || calls(new, 2)),
        csd_ring::model(new),
    ]
}

/// A csd, and what goes with it.
pub(super) struct Call {
    pub(super) flags: AtomicU32,
    /// Stands for queue and IPI. They are right: Release and Acquire.
    posted: AtomicBool,
    request: Data<u32>,
    answer: Data<u32>,
}

impl Call {
    pub(super) fn new() -> Self {
        Call {
            flags: AtomicU32::new(0),
            posted: AtomicBool::new(false),
            request: Data::new("the request", 0),
            answer: Data::new("the answer", 0),
        }
    }

    /// Calls, with a csd that is locked. A caller that will wait says so in the flags, beside the lock.
    pub(super) fn post(&self, request: u32, wait: bool) {
        if wait {
            self.flags.store(CSD_FLAG_LOCK | CSD_FLAG_SYNCHRONOUS, Relaxed);
            note("sets CSD_FLAG_SYNCHRONOUS beside the lock: flags = 3");
        }
        self.request.set(request);
        self.posted.store(true, Release);
        note("posts the csd, sends the IPI");
    }

    /// An interruption point of the called CPU. Returns whether a call was there.
    pub(super) fn answer(&self, csd_lock: &impl CsdLock) -> bool {
        if self.posted.compare_exchange(true, false, Acquire, Relaxed).is_err() {
            return false;
        }
        note("takes the IPI, finds the csd");
        self.answer.set(self.request.get() * 10);
        call("csd_unlock()", || csd_lock.unlock(&self.flags));
        true
    }

    /// The answer to `request` is there.
    pub(super) fn expect_answer(&self, request: u32) {
        let answer = self.answer.get();
        let want = request * 10;
        expect(answer == want, || format!("the answer is {answer}, not {want}: it is too early"));
    }
}

/// All but the last call are asynchronous: the next `lock` waits for their answers.
fn calls<C: CsdLock>(new: fn() -> C, calls: u32) {
    let caller = Arc::new((new(), Call::new()));
    let called = Arc::clone(&caller);
    on_cpus(vec![
        Box::new(move || {
            let (csd_lock, csd) = &*caller;
            let cpu = ModelCpu::new(0);
            for request in 1..=calls {
                call("csd_lock()", || csd_lock.lock(&csd.flags, &cpu));
                csd.expect_answer(request - 1);
                csd.post(request, request == calls);
            }
            call("csd_lock_wait()", || csd_lock.wait(&csd.flags, &cpu));
            csd.expect_answer(calls);
        }),
        Box::new(move || {
            let (csd_lock, csd) = &*called;
            let cpu = ModelCpu::new(1);
            for _ in 0..calls {
                while !csd.answer(csd_lock) {
                    cpu.relax();
                }
            }
        }),
    ]);
}
