//! The rules of each part, run against the shipped parts; and against wrong ones, which must break them.

use softlockup::ThisCpu;
use softlockup::parts::call_queue::{CallQueue, CsdId, KernelCallQueue, Links};
use softlockup::parts::contract::{self, call_queue, csd_lock, die_lock};
use softlockup::parts::csd_lock::{CSD_FLAG_LOCK, CsdLock, KernelCsdLock};
use softlockup::parts::die_lock::{Arm64DieLock, DieLock, NestingDieLock, X86DieLock};
use softlockup::parts::softlockup::{
    CumulativeDetector, Heartbeat, SampleContext, SoftlockupDetector, SoftlockupVerdict,
    WarnOnceDetector,
};
use softlockup::sync::AtomicU32;
use softlockup::sync::Ordering::*;

#[test]
fn every_shipped_die_lock_excludes_other_cpus() {
    assert_eq!(die_lock::excludes(Arm64DieLock::new), Ok(()));
    assert_eq!(die_lock::excludes(X86DieLock::new), Ok(()));
    assert_eq!(die_lock::excludes(NestingDieLock::new), Ok(()));
}

#[test]
fn only_the_nesting_die_lock_nests_whatever_happens() {
    let arm64 = die_lock::nests(Arm64DieLock::new).unwrap_err();
    assert_eq!(arm64.happened, "the nested lock: CPU#0 still waits after 1000 looks");
    let x86 = die_lock::nests(X86DieLock::new).unwrap_err();
    assert_eq!(x86.happened, "the next nested lock: CPU#0 still waits after 1000 looks");
    assert_eq!(die_lock::nests(NestingDieLock::new), Ok(()));
}

#[test]
fn only_the_nesting_die_lock_survives_a_task_that_dies_in_it() {
    assert!(die_lock::survives_the_task(Arm64DieLock::new).is_err());
    let x86 = die_lock::survives_the_task(X86DieLock::new).unwrap_err();
    assert_eq!(x86.happened, "a later oops: CPU#0 still waits after 1000 looks");
    assert_eq!(die_lock::survives_the_task(NestingDieLock::new), Ok(()));
}

/// Lets every CPU in.
struct NoLock;

impl DieLock for NoLock {
    fn lock(&self, _: &impl ThisCpu) -> u32 {
        1
    }
    fn unlock(&self, _: &impl ThisCpu) -> u32 {
        0
    }
}

/// Is taken once and never free again.
#[derive(Default)]
struct Leaky(AtomicU32);

impl DieLock for Leaky {
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        while self.0.swap(1, Acquire) == 1 {
            cpu.relax();
        }
        1
    }
    fn unlock(&self, _: &impl ThisCpu) -> u32 {
        0
    }
}

#[test]
fn wrong_die_locks_are_refused() {
    let none = die_lock::excludes(|| NoLock).unwrap_err();
    assert_eq!(none.happened, "CPU#1's lock did not wait (it gave 1)");
    let leaky = die_lock::excludes(Leaky::default).unwrap_err();
    assert_eq!(leaky.happened, "CPU#1's lock after it: CPU#1 still waits after 1000 looks");
}

#[test]
fn the_kernels_csd_lock_serves_one_request_at_a_time() {
    assert_eq!(csd_lock::one_request_at_a_time(|| KernelCsdLock), Ok(()));
}

/// The kernel's csd lock, with one thing wrong.
struct WrongCsdLock {
    waits_before_locking: bool,
    clears_all_flags: bool,
    waits: bool,
}

const RIGHT: WrongCsdLock =
    WrongCsdLock { waits_before_locking: true, clears_all_flags: true, waits: true };

impl CsdLock for WrongCsdLock {
    fn lock(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        if self.waits_before_locking {
            self.wait(flags, cpu);
        }
        flags.store(CSD_FLAG_LOCK, Relaxed);
    }
    fn unlock(&self, flags: &AtomicU32) {
        if self.clears_all_flags {
            flags.store(0, Release);
        } else {
            flags.fetch_and(!CSD_FLAG_LOCK, Release);
        }
    }
    fn wait(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        while self.waits && flags.load(Acquire) & CSD_FLAG_LOCK != 0 {
            cpu.relax();
        }
    }
}

#[test]
fn wrong_csd_locks_are_refused() {
    assert_eq!(csd_lock::one_request_at_a_time(|| RIGHT), Ok(()));
    let happened =
        |new: fn() -> WrongCsdLock| csd_lock::one_request_at_a_time(new).unwrap_err().happened;
    assert_eq!(
        happened(|| WrongCsdLock { waits_before_locking: false, ..RIGHT }),
        "locking it again did not wait (it gave ())"
    );
    assert_eq!(
        happened(|| WrongCsdLock { clears_all_flags: false, ..RIGHT }),
        "the flags after `unlock` gave 2 and not 0"
    );
    assert_eq!(
        happened(|| WrongCsdLock { waits: false, ..RIGHT }),
        "waiting for the answer did not wait (it gave ())"
    );
}

#[test]
fn the_kernels_call_queue_is_first_in_first_out() {
    assert_eq!(call_queue::first_in_first_out::<KernelCallQueue>(), Ok(()));
}

/// The kernel's stack, not turned over.
#[derive(Default)]
struct LastInFirstOut(KernelCallQueue);

impl CallQueue for LastInFirstOut {
    fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
        self.0.push(csd, links)
    }
    fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        let mut next = self.0.take_all(links);
        let mut newest = None;
        while let Some(csd) = next {
            next = links.link(csd).get();
            links.link(csd).set(newest);
            newest = Some(csd);
        }
        newest
    }
}

/// Sends an IPI for every call.
#[derive(Default)]
struct AlwaysInterrupts(KernelCallQueue);

impl CallQueue for AlwaysInterrupts {
    fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
        self.0.push(csd, links);
        true
    }
    fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        self.0.take_all(links)
    }
}

#[test]
fn wrong_call_queues_are_refused() {
    let lifo = call_queue::first_in_first_out::<LastInFirstOut>().unwrap_err();
    assert_eq!(lifo.happened, "taking three gave [7, 0, 5] and not [5, 0, 7]");
    let always = call_queue::first_in_first_out::<AlwaysInterrupts>().unwrap_err();
    assert_eq!(always.happened, "`push` on a queue of one gave true and not false");
}

#[test]
fn both_kernels_detectors_keep_the_rules() {
    assert_eq!(contract::softlockup::reports_a_starved_cpu(&WarnOnceDetector), Ok(()));
    assert_eq!(contract::softlockup::reports_a_starved_cpu(&CumulativeDetector), Ok(()));
    assert_eq!(contract::softlockup::a_touch_buys_time(&WarnOnceDetector), Ok(()));
    assert_eq!(contract::softlockup::a_touch_buys_time(&CumulativeDetector), Ok(()));
}

/// Reports at the threshold, compares without wrapping, or ignores touches.
struct WrongDetector {
    early: bool,
    wraps: bool,
    hears_touches: bool,
}

impl SoftlockupDetector for WrongDetector {
    fn feed(&self, heartbeat: Heartbeat, now: u64) -> Heartbeat {
        CumulativeDetector.feed(heartbeat, now)
    }
    fn touch(&self, heartbeat: Heartbeat) -> Heartbeat {
        if self.hears_touches { CumulativeDetector.touch(heartbeat) } else { heartbeat }
    }
    fn sample(
        &self,
        heartbeat: Heartbeat,
        context: SampleContext,
    ) -> (Heartbeat, SoftlockupVerdict) {
        if !self.wraps && heartbeat.touch_ts.checked_add(context.softlockup_thresh).is_none() {
            return (heartbeat, SoftlockupVerdict::Lockup { units: u64::MAX });
        }
        let softlockup_thresh = context.softlockup_thresh - u64::from(self.early);
        CumulativeDetector.sample(heartbeat, SampleContext { softlockup_thresh, ..context })
    }
}

#[test]
fn wrong_detectors_are_refused() {
    let right = WrongDetector { early: false, wraps: true, hears_touches: true };
    assert_eq!(contract::softlockup::reports_a_starved_cpu(&right), Ok(()));
    let early = WrongDetector { early: true, ..right };
    assert!(contract::softlockup::reports_a_starved_cpu(&early).is_err());
    let wrong_at_the_wrap = WrongDetector { wraps: false, ..right };
    assert!(contract::softlockup::reports_a_starved_cpu(&wrong_at_the_wrap).is_err());
    let deaf = WrongDetector { hears_touches: false, ..right };
    assert!(contract::softlockup::a_touch_buys_time(&deaf).is_err());
}
