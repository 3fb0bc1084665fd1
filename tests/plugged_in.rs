//! A part that is plugged in is the one that the machine uses: for each seam, in the whole incident.
//!
//! A part that counts and does what the stock part does changes no record. One that is wrong changes what happens.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use softlockup::config::Detectors;
use softlockup::cpumask::CpuMask;
use softlockup::incident::report::Outcome;
use softlockup::incident::report::diagnosis::Cause;
use softlockup::kernel::csd::CallFunction;
use softlockup::kernel::smp::smp_call_function_single;
use softlockup::parts::call_many::{CallMany, CrossCalls, KernelCallMany, Wait};
use softlockup::parts::call_queue::{CallQueue, CsdId, KernelCallQueue, Links};
use softlockup::parts::csd_lock::{CSD_FLAG_LOCK, CsdLock, KernelCsdLock};
use softlockup::parts::csd_stall::{CsdStall, KernelStallDetector, StallDetector};
use softlockup::parts::die_chain::{Callbacks, DieChain, KernelDieChain, Notify};
use softlockup::parts::die_lock::{Arm64DieLock, DieLock};
use softlockup::parts::hardlockup::{
    BuddyDetector, HardlockupDetector, HardlockupVerdict, HardlockupWatch,
};
use softlockup::parts::irq_state::{IrqState, KernelIrqState};
use softlockup::parts::softlockup::{
    Heartbeat, SampleContext, SoftlockupDetector, SoftlockupVerdict, WarnOnceDetector,
};
use softlockup::scenario::nested_oops::{Arrivals, NestedOops, Notifier};
use softlockup::scenario::slow_console::SlowConsole;
use softlockup::sync::AtomicU32;
use softlockup::sync::Ordering::*;
use softlockup::{
    Config, Cpu, CpuId, Event, Incident, Kernel, KernelTime, Machine, Parts, Scenario, Task,
    ThisCpu,
};

fn incident(parts: Parts) -> Incident {
    incident_of(&NestedOops::default(), parts)
}

fn incident_of(scenario: &NestedOops, parts: Parts) -> Incident {
    scenario.machine_with(parts).unwrap().run().unwrap().incident
}

/// `parts` have a part that counts its calls in `calls`, and is otherwise the stock one.
fn is_used_and_changes_nothing(parts: Parts, calls: &AtomicU64) {
    is_used_and_changes_nothing_in(&NestedOops::default(), parts, calls);
}

fn is_used_and_changes_nothing_in(scenario: &NestedOops, parts: Parts, calls: &AtomicU64) {
    let stock = incident_of(scenario, Parts::stock());
    assert!(incident_of(scenario, parts) == stock, "the records differ");
    assert!(calls.load(Relaxed) > 0, "the machine never called it");
}

/// How many records of `incident` are such events.
fn count(incident: &Incident, is_such: impl Fn(&Event) -> bool) -> usize {
    incident.records.iter().filter(|record| is_such(&record.event)).count()
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

/// Declares an [`IrqState`] that is the kernel's, except for what these methods do.
macro_rules! irq_state {
    ($name:ident { $($method:item)* } else { $($other:ident($($arg:ident: $type:ty),*) $(-> $gives:ty)?;)* }) => {
        #[derive(Debug, Default)]
        struct $name(KernelIrqState);

        impl IrqState for $name {
            $($method)*
            $(fn $other(&self $(, $arg: $type)*) $(-> $gives)? {
                self.0.$other($($arg),*)
            })*
        }
    };
}

/// Interrupts are made by the machine, so that their count is the program's. (One test alone uses it.)
static TAKEN: AtomicU64 = AtomicU64::new(0);

irq_state!(CountingIrqState {
    fn take(&self, vectors: u32) -> Option<u32> {
        TAKEN.fetch_add(1, Relaxed);
        self.0.take(vectors)
    }
} else {
    raise(vector: u32);
    is_pending(vectors: u32) -> bool;
    save() -> bool;
    restore(were_off: bool) -> bool;
    is_off() -> bool;
});

#[test]
fn an_irq_state() {
    is_used_and_changes_nothing(Parts::stock().with_irq_state::<CountingIrqState>(), &TAKEN);
}

/// Counts the saves that are open, in place of a flag.
#[derive(Debug, Default)]
struct CountedDepth(KernelIrqState, AtomicU32);

impl IrqState for CountedDepth {
    fn raise(&self, vector: u32) {
        self.0.raise(vector);
    }

    fn is_pending(&self, vectors: u32) -> bool {
        self.0.is_pending(vectors)
    }

    fn take(&self, vectors: u32) -> Option<u32> {
        self.0.take(vectors)
    }

    fn save(&self) -> bool {
        self.1.fetch_add(1, Relaxed) > 0
    }

    fn restore(&self, _were_off: bool) -> bool {
        self.1.fetch_sub(1, Relaxed) == 1
    }

    fn is_off(&self) -> bool {
        self.1.load(Relaxed) > 0
    }
}

#[test]
fn a_counted_depth_is_as_good_as_a_flag() {
    assert!(incident(Parts::stock().with_irq_state::<CountedDepth>()) == incident(Parts::stock()));
}

irq_state!(NeverMasks {
    fn save(&self) -> bool {
        false
    }
    fn restore(&self, _were_off: bool) -> bool {
        true
    }
    fn is_off(&self) -> bool {
        false
    }
} else {
    raise(vector: u32);
    is_pending(vectors: u32) -> bool;
    take(vectors: u32) -> Option<u32>;
});

#[test]
fn an_irq_state_that_does_not_mask_lets_cpu0_answer_and_report_itself() {
    let report = incident(Parts::stock().with_irq_state::<NeverMasks>()).report();
    let reported: Vec<_> = report.soft_lockups.iter().map(|lockup| lockup.cpu).collect();
    assert_eq!(reported, [CpuId(0)]);
}

irq_state!(DropsWhatComesWhileOff {
    fn raise(&self, vector: u32) {
        if !self.0.is_off() {
            self.0.raise(vector);
        }
    }
} else {
    is_pending(vectors: u32) -> bool;
    take(vectors: u32) -> Option<u32>;
    save() -> bool;
    restore(were_off: bool) -> bool;
    is_off() -> bool;
});

#[test]
fn an_irq_state_that_drops_what_comes_while_off_looks_like_a_lost_ipi() {
    let parts = || Parts::stock().with_irq_state::<DropsWhatComesWhileOff>();
    let cause = |parts| {
        let run = SlowConsole::default().machine_with(parts).unwrap().run().unwrap();
        run.incident.report().diagnosis.cause
    };
    assert_eq!(cause(Parts::stock()), SlowConsole::default().conclusion().cause);
    assert_eq!(cause(parts()), Cause::LostIpi);
}

struct CountingCallMany(Calls);

impl CallMany for CountingCallMany {
    fn call_many(&self, cpu: &impl CrossCalls, mask: &CpuMask, wait: Wait) {
        self.0.count();
        KernelCallMany.call_many(cpu, mask, wait);
    }
}

#[test]
fn a_call_many() {
    let calls = Calls::default();
    let call_many = CountingCallMany(calls.clone());
    is_used_and_changes_nothing(Parts::stock().with_call_many(call_many), &calls.0);
}

/// Calls one CPU, waits for it, and only then calls the next.
struct OneByOne;

impl CallMany for OneByOne {
    fn call_many(&self, cpu: &impl CrossCalls, mask: &CpuMask, wait: Wait) {
        for target in mask.iter().filter(|&target| target != cpu.id() && cpu.is_online(target)) {
            if cpu.post(target) {
                cpu.send_ipi(target);
            }
            if wait == Wait::Sync {
                cpu.csd_lock_wait(target);
            }
        }
    }
}

#[test]
fn a_call_many_that_calls_one_by_one_posts_to_the_deaf_cpu_only() {
    let posts = |parts| count(&incident(parts), |it| matches!(it, Event::CsdQueue { .. }));
    assert_eq!(posts(Parts::stock()), 5 * 63);
    assert_eq!(posts(Parts::stock().with_call_many(OneByOne)), 5);
}

/// The incident with CSD-lock debugging.
fn with_csd_debugging() -> NestedOops {
    let mut scenario = NestedOops::default();
    scenario.config.detectors.csd = true;
    scenario
}

struct CountingStallDetector(Calls);

impl StallDetector for CountingStallDetector {
    fn due(&self, stall: &CsdStall) -> KernelTime {
        self.0.count();
        KernelStallDetector.due(stall)
    }
}

#[test]
fn a_stall_detector() {
    let calls = Calls::default();
    let parts = Parts::stock().with_stall_detector(CountingStallDetector(calls.clone()));
    is_used_and_changes_nothing_in(&with_csd_debugging(), parts, &calls.0);
}

/// Never puts off the next report.
struct StandsStill;

impl StallDetector for StandsStill {
    fn due(&self, stall: &CsdStall) -> KernelTime {
        KernelStallDetector.due(&CsdStall { reported: None, reports: 0, ..*stall })
    }
}

#[test]
fn a_stall_detector_whose_due_does_not_move_floods_the_console() {
    let mut scenario = with_csd_debugging();
    scenario.set_until(KernelTime::from_secs(350)); // 6.5 s after the first report
    let reports =
        |parts| count(&incident_of(&scenario, parts), |it| matches!(it, Event::CsdStall { .. }));
    assert_eq!(reports(Parts::stock()), 2);
    let flood = reports(Parts::stock().with_stall_detector(StandsStill));
    assert!(flood > 20, "{flood} reports");
}

/// The incident on 6.12, which has the buddy detector.
fn on_6_12() -> NestedOops {
    let mut scenario = NestedOops::default();
    scenario.config.kernel = Kernel::Arm64V6_12;
    scenario.config.detectors = Detectors::of(Kernel::Arm64V6_12);
    scenario
}

struct CountingBuddy(Calls);

impl HardlockupDetector for CountingBuddy {
    fn watches(&self, cpu: CpuId, online: &CpuMask) -> Option<CpuId> {
        self.0.count();
        BuddyDetector.watches(cpu, online)
    }

    fn check(
        &self,
        watch: HardlockupWatch,
        interrupts: u64,
        miss_thresh: u32,
    ) -> (HardlockupWatch, HardlockupVerdict) {
        BuddyDetector.check(watch, interrupts, miss_thresh)
    }
}

#[test]
fn a_hardlockup_detector() {
    let calls = Calls::default();
    let parts = Parts::stock().with_hardlockup_detector(CountingBuddy(calls.clone()));
    is_used_and_changes_nothing_in(&on_6_12(), parts, &calls.0);
}

/// Lets the last CPU watch none.
struct DoesNotGoRound;

impl HardlockupDetector for DoesNotGoRound {
    fn watches(&self, cpu: CpuId, online: &CpuMask) -> Option<CpuId> {
        online.next_after(cpu).filter(|&next| next > cpu)
    }

    fn check(
        &self,
        watch: HardlockupWatch,
        interrupts: u64,
        miss_thresh: u32,
    ) -> (HardlockupWatch, HardlockupVerdict) {
        BuddyDetector.check(watch, interrupts, miss_thresh)
    }
}

#[test]
fn a_hardlockup_detector_that_does_not_go_round_never_names_cpu0() {
    let names_cpu0 = |parts| {
        let is_cpu0 = |it: &Event| matches!(it, Event::HardLockup { cpu: CpuId(0) });
        count(&incident_of(&on_6_12(), parts), is_cpu0)
    };
    assert_eq!(names_cpu0(Parts::stock()), 1);
    assert_eq!(names_cpu0(Parts::stock().with_hardlockup_detector(DoesNotGoRound)), 0);
}

struct CountingDieChain(Calls);

impl DieChain for CountingDieChain {
    fn call(&self, callbacks: &impl Callbacks) -> Notify {
        self.0.count();
        KernelDieChain.call(callbacks)
    }
}

#[test]
fn a_die_chain() {
    let calls = Calls::default();
    let chain = CountingDieChain(calls.clone());
    is_used_and_changes_nothing(Parts::stock().with_die_chain(chain), &calls.0);
}

/// Leaves out the last callback: here the only one, the kernel box that faults.
struct OneTooFew;

impl DieChain for OneTooFew {
    fn call(&self, callbacks: &impl Callbacks) -> Notify {
        (1..callbacks.count()).fold(Notify::Done, |_, n| callbacks.call(n - 1))
    }
}

#[test]
fn a_die_chain_that_leaves_out_the_last_callback_does_not_oops_again() {
    let incident = incident(Parts::stock().with_die_chain(OneTooFew));
    assert_eq!(incident.report().outcome, Outcome::Recovered);
    assert!(!incident.console().contains("die event detected"));
}
