//! A part that is plugged in is the one that the machine uses: for each seam, in the whole incident.
//!
//! A part that counts and does what the stock part does changes no record. One that is wrong changes what happens.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use softlockup::incident::report::Outcome;
use softlockup::kernel::csd::CallFunction;
use softlockup::kernel::smp::smp_call_function_single;
use softlockup::parts::call_many::Wait;
use softlockup::parts::call_queue::{CallQueue, CsdId, KernelCallQueue, Links};
use softlockup::parts::csd_lock::{CSD_FLAG_LOCK, CsdLock, KernelCsdLock};
use softlockup::parts::die_lock::{Arm64DieLock, DieLock};
use softlockup::parts::softlockup::{
    Heartbeat, SampleContext, SoftlockupDetector, SoftlockupVerdict, WarnOnceDetector,
};
use softlockup::scenario::nested_oops::{Arrivals, NestedOops, Notifier};
use softlockup::sync::AtomicU32;
use softlockup::sync::Ordering::*;
use softlockup::{
    Config, Cpu, CpuId, Event, Incident, KernelTime, Machine, Parts, Scenario, Task, ThisCpu,
};

fn incident(parts: Parts) -> Incident {
    NestedOops::default().machine_with(parts).unwrap().run().unwrap().incident
}

/// `parts` have a part that counts its calls in `calls`, and is otherwise the stock one.
fn is_used_and_changes_nothing(parts: Parts, calls: &AtomicU64) {
    assert!(incident(parts) == incident(Parts::stock()), "the records differ");
    assert!(calls.load(Relaxed) > 0, "the machine never called it");
}

#[derive(Clone, Default)]
struct Calls(Arc<AtomicU64>);

impl Calls {
    fn count(&self) {
        self.0.fetch_add(1, Relaxed);
    }
}

struct CountingDieLock(Arm64DieLock, Calls);

impl DieLock for CountingDieLock {
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        self.1.count();
        self.0.lock(cpu)
    }

    fn unlock(&self, cpu: &impl ThisCpu) -> u32 {
        self.0.unlock(cpu)
    }
}

#[test]
fn a_die_lock() {
    let calls = Calls::default();
    let lock = CountingDieLock(Arm64DieLock::new(), calls.clone());
    is_used_and_changes_nothing(Parts::stock().with_die_lock(lock), &calls.0);
}

/// Lets every CPU in.
struct OpenDieLock;

impl DieLock for OpenDieLock {
    fn lock(&self, _cpu: &impl ThisCpu) -> u32 {
        1
    }

    fn unlock(&self, _cpu: &impl ThisCpu) -> u32 {
        0
    }
}

#[test]
fn a_die_lock_that_never_waits_lets_cpu0_go_on() {
    let report = incident(Parts::stock().with_die_lock(OpenDieLock)).report();
    assert_eq!(report.outcome, Outcome::Recovered);
}

struct CountingCsdLock(Calls);

impl CsdLock for CountingCsdLock {
    fn lock(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        self.0.count();
        KernelCsdLock.lock(flags, cpu);
    }

    fn unlock(&self, flags: &AtomicU32) {
        self.0.count();
        KernelCsdLock.unlock(flags);
    }

    fn wait(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        self.0.count();
        KernelCsdLock.wait(flags, cpu);
    }
}

#[test]
fn a_csd_lock() {
    let calls = Calls::default();
    let lock = CountingCsdLock(calls.clone());
    is_used_and_changes_nothing(Parts::stock().with_csd_lock(lock), &calls.0);
}

/// CPU 0 calls CPU 1 twice and waits each time: with mailboxes, by letter. Returns how many calls CPU 1 ran.
fn single_calls(parts: Parts) -> usize {
    static COUNT: CallFunction = CallFunction { name: "count", func: |_, _| {} };
    let until = KernelTime::from_secs(100);
    let mut machine =
        Machine::new(Config { nr_cpus: 2, until, ..Config::default() }, parts).unwrap();
    let calls = |cpu: &Cpu| {
        let call = || smp_call_function_single(cpu, CpuId(1), &COUNT, 0, Wait::Sync);
        (0..2).for_each(|_| call());
    };
    machine.spawn(CpuId(0), Task::new("caller", 1, KernelTime::from_secs(10), calls));
    let records = machine.run().unwrap().incident.records;
    let runs = |event: &Event| matches!(event, Event::Enter { func } if func == "count");
    records.iter().filter(|record| record.cpu == CpuId(1) && runs(&record.event)).count()
}

#[test]
fn a_csd_lock_unlocks_a_letter_and_waits_for_it() {
    let calls = Calls::default();
    let parts = Parts::stock().with_mailboxes().with_csd_lock(CountingCsdLock(calls.clone()));
    assert_eq!(single_calls(parts), 2);
    // Each call: a wait before the letter is posted is not asked for, one after it is, and one unlock.
    assert_eq!(calls.0.load(Relaxed), 4);
}

#[test]
fn a_csd_lock_that_does_not_wait_loses_no_letter() {
    assert_eq!(single_calls(Parts::stock().with_mailboxes().with_csd_lock(EqualsCsdLock)), 2);
}

/// Compares all flags with one of them: a csd whose caller waits has two, and never looks locked.
struct EqualsCsdLock;

impl CsdLock for EqualsCsdLock {
    fn lock(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        KernelCsdLock.lock(flags, cpu);
    }

    fn unlock(&self, flags: &AtomicU32) {
        KernelCsdLock.unlock(flags);
    }

    fn wait(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        while flags.load(Acquire) == CSD_FLAG_LOCK {
            cpu.relax();
        }
    }
}

#[test]
fn a_csd_lock_that_does_not_wait_leaves_no_victims() {
    let report = incident(Parts::stock().with_csd_lock(EqualsCsdLock)).report();
    assert!(report.soft_lockups.is_empty(), "{report}");
}

#[derive(Default)]
struct CountingCallQueue(KernelCallQueue);

/// A queue is made by the machine, so that its count is the program's. (This test alone uses it.)
static PUSHED: AtomicU64 = AtomicU64::new(0);

impl CallQueue for CountingCallQueue {
    fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
        PUSHED.fetch_add(1, Relaxed);
        self.0.push(csd, links)
    }

    fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        self.0.take_all(links)
    }
}

#[test]
fn a_call_queue() {
    is_used_and_changes_nothing(Parts::stock().with_call_queue::<CountingCallQueue>(), &PUSHED);
}

/// Says that there was a call before: no CPU ever sends an IPI.
#[derive(Default)]
struct SilentCallQueue(KernelCallQueue);

impl CallQueue for SilentCallQueue {
    fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
        self.0.push(csd, links);
        false
    }

    fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        self.0.take_all(links)
    }
}

#[test]
fn a_call_queue_that_asks_for_no_ipi_hangs_its_callers_on_a_healthy_machine() {
    // The article's incident cannot tell: there the first CPU that is waited for is deaf anyway.
    let notifier = Notifier::Harmless;
    let healthy = NestedOops { notifier, arrivals: Arrivals::Seed(1), ..NestedOops::default() };
    let outcome =
        |parts| healthy.machine_with(parts).unwrap().run().unwrap().incident.report().outcome;
    assert_eq!(outcome(Parts::stock()), Outcome::Recovered);
    assert_eq!(outcome(Parts::stock().with_call_queue::<SilentCallQueue>()), Outcome::Hung);
}

struct CountingDetector(Calls);

impl SoftlockupDetector for CountingDetector {
    fn feed(&self, heartbeat: Heartbeat, now: u64) -> Heartbeat {
        WarnOnceDetector.feed(heartbeat, now)
    }

    fn touch(&self, heartbeat: Heartbeat) -> Heartbeat {
        WarnOnceDetector.touch(heartbeat)
    }

    fn sample(
        &self,
        heartbeat: Heartbeat,
        context: SampleContext,
    ) -> (Heartbeat, SoftlockupVerdict) {
        self.0.count();
        WarnOnceDetector.sample(heartbeat, context)
    }
}

#[test]
fn a_softlockup_detector() {
    let calls = Calls::default();
    let detector = CountingDetector(calls.clone());
    is_used_and_changes_nothing(Parts::stock().with_softlockup_detector(detector), &calls.0);
}

/// Never remembers that it has warned.
struct WarnAlwaysDetector;

impl SoftlockupDetector for WarnAlwaysDetector {
    fn feed(&self, heartbeat: Heartbeat, now: u64) -> Heartbeat {
        WarnOnceDetector.feed(heartbeat, now)
    }

    fn touch(&self, heartbeat: Heartbeat) -> Heartbeat {
        WarnOnceDetector.touch(heartbeat)
    }

    fn sample(
        &self,
        heartbeat: Heartbeat,
        context: SampleContext,
    ) -> (Heartbeat, SoftlockupVerdict) {
        let (next, verdict) = WarnOnceDetector.sample(heartbeat, context);
        (Heartbeat { warned: None, ..next }, verdict)
    }
}

#[test]
fn a_softlockup_detector_that_forgets_its_warnings_floods_the_console() {
    let report = incident(Parts::stock().with_softlockup_detector(WarnAlwaysDetector)).report();
    assert!(report.soft_lockups.len() > 100, "{} reports", report.soft_lockups.len());
}
