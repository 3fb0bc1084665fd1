//! Parts that panic: once, or from some call on at every call.

use std::cell::RefCell;
use std::sync::Arc;

use softlockup::config::{BuddyRule, Detectors};
use softlockup::cpumask::CpuMask;
use softlockup::machine::RunError;
use softlockup::parts::call_many::{CallMany, CrossCalls, KernelCallMany, Wait};
use softlockup::parts::call_queue::{CallQueue, CsdId, KernelCallQueue, Links};
use softlockup::parts::csd_lock::{CsdLock, KernelCsdLock};
use softlockup::parts::csd_stall::{CsdStall, KernelStallDetector, StallDetector};
use softlockup::parts::die_chain::{Callbacks, DieChain, KernelDieChain, Notify};
use softlockup::parts::die_lock::{Arm64DieLock, DieLock};
use softlockup::parts::hardlockup::{
    BuddyDetector, HardlockupDetector, HardlockupVerdict, HardlockupWatch,
};
use softlockup::parts::irq_state::{IrqState, KernelIrqState};
use softlockup::parts::softlockup::{
    CumulativeDetector, Heartbeat, SampleContext, SoftlockupDetector, SoftlockupVerdict,
};
use softlockup::scenario::At;
use softlockup::scenario::nested_oops::{Arrivals, NestedOops};
use softlockup::sync::{AtomicBool, AtomicU32, Ordering::SeqCst};
use softlockup::{Clock, Config, CpuId, Kernel, KernelTime, Parts, Scenario, ThisCpu};

/// When to panic, shared by all CPUs' instances of a part.
#[derive(Debug, Default)]
struct Wire {
    /// Calls until then.
    left: AtomicU32,
    /// Not only once.
    again: bool,
    has_tripped: AtomicBool,
}

/// A part of the kernel's with a trip wire.
#[derive(Debug)]
struct Trips<P>(P, Arc<Wire>);

impl<P> Trips<P> {
    fn part(&self) -> &P {
        let Wire { left, again, has_tripped } = &*self.1;
        let before = left.fetch_update(SeqCst, SeqCst, |left| Some(left.saturating_sub(1)));
        if before == Ok(1) || (before == Ok(0) && *again) {
            has_tripped.store(true, SeqCst);
            panic!("tripped");
        }
        &self.0
    }
}

thread_local! {
    /// Of parts that each CPU has one of: they are made by the thread that makes the machine.
    static WIRE: RefCell<Arc<Wire>> = RefCell::default();
}

impl<P: Default> Default for Trips<P> {
    fn default() -> Self {
        Trips(P::default(), WIRE.with_borrow(Arc::clone))
    }
}

impl<P: DieLock> DieLock for Trips<P> {
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        self.part().lock(cpu)
    }
    fn unlock(&self, cpu: &impl ThisCpu) -> u32 {
        self.part().unlock(cpu)
    }
    fn task_exit(&self, cpu: &impl ThisCpu) {
        self.part().task_exit(cpu);
    }
}

impl<P: CsdLock> CsdLock for Trips<P> {
    fn lock(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        self.part().lock(flags, cpu);
    }
    fn unlock(&self, flags: &AtomicU32) {
        self.part().unlock(flags);
    }
    fn wait(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        self.part().wait(flags, cpu);
    }
}

impl<P: CallQueue> CallQueue for Trips<P> {
    fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
        self.part().push(csd, links)
    }
    fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        self.part().take_all(links)
    }
}

impl<P: CallMany> CallMany for Trips<P> {
    fn call_many(&self, cpu: &impl CrossCalls, mask: &CpuMask, wait: Wait) {
        self.part().call_many(cpu, mask, wait);
    }
}

impl<P: StallDetector> StallDetector for Trips<P> {
    fn due(&self, stall: &CsdStall) -> KernelTime {
        self.part().due(stall)
    }
}

impl<P: DieChain> DieChain for Trips<P> {
    fn call(&self, callbacks: &impl Callbacks) -> Notify {
        self.part().call(callbacks)
    }
}

impl<P: IrqState> IrqState for Trips<P> {
    fn raise(&self, vector: u32) {
        self.part().raise(vector);
    }
    fn is_pending(&self, vectors: u32) -> bool {
        self.part().is_pending(vectors)
    }
    fn take(&self, vectors: u32) -> Option<u32> {
        self.part().take(vectors)
    }
    fn save(&self) -> bool {
        self.part().save()
    }
    fn restore(&self, were_off: bool) -> bool {
        self.part().restore(were_off)
    }
    fn is_off(&self) -> bool {
        self.part().is_off()
    }
}

impl<P: SoftlockupDetector> SoftlockupDetector for Trips<P> {
    fn feed(&self, heartbeat: Heartbeat, now: u64) -> Heartbeat {
        self.part().feed(heartbeat, now)
    }
    fn touch(&self, heartbeat: Heartbeat) -> Heartbeat {
        self.part().touch(heartbeat)
    }
    fn sample(
        &self,
        heartbeat: Heartbeat,
        context: SampleContext,
    ) -> (Heartbeat, SoftlockupVerdict) {
        self.part().sample(heartbeat, context)
    }
}

impl<P: HardlockupDetector> HardlockupDetector for Trips<P> {
    fn watches(&self, cpu: CpuId, online: &CpuMask) -> Option<CpuId> {
        self.part().watches(cpu, online)
    }
    fn check(
        &self,
        watch: HardlockupWatch,
        interrupts: u64,
        miss_thresh: u32,
    ) -> (HardlockupWatch, HardlockupVerdict) {
        self.part().check(watch, interrupts, miss_thresh)
    }
}

type Plug = fn(Parts, Arc<Wire>) -> Parts;

/// Each kind of part, and how it is plugged in.
const KINDS: [(&str, Plug); 9] = [
    ("die lock", |parts, wire| parts.with_die_lock(Trips(Arm64DieLock::new(), wire))),
    ("csd lock", |parts, wire| parts.with_csd_lock(Trips(KernelCsdLock, wire))),
    ("call queue", |parts, _| parts.with_call_queue::<Trips<KernelCallQueue>>()),
    ("call many", |parts, wire| parts.with_call_many(Trips(KernelCallMany, wire))),
    ("stall detector", |parts, wire| parts.with_stall_detector(Trips(KernelStallDetector, wire))),
    ("die chain", |parts, wire| parts.with_die_chain(Trips(KernelDieChain, wire))),
    ("irq state", |parts, _| parts.with_irq_state::<Trips<KernelIrqState>>()),
    ("softlockup detector", |parts, wire| {
        parts.with_softlockup_detector(Trips(CumulativeDetector, wire))
    }),
    ("hardlockup detector", |parts, wire| {
        parts.with_hardlockup_detector(Trips(BuddyDetector, wire))
    }),
];

fn scenario(clock: Clock) -> NestedOops {
    let at = |cpu, secs| At { cpu: CpuId(cpu), time: KernelTime::from_secs(secs) };
    let detectors = Detectors {
        softlockup: true,
        hardlockup_buddy: Some(BuddyRule::EVERY_SAMPLE),
        hardlockup_perf: false,
        csd: true,
    };
    let mut scenario = NestedOops {
        arrivals: Arrivals::Stuck(vec![at(2, 258), at(3, 261)]),
        ..NestedOops::default()
    };
    scenario.config =
        Config { nr_cpus: 4, kernel: Kernel::Arm64V6_12, clock, detectors, ..scenario.config };
    scenario.set_until(KernelTime::from_secs(290));
    scenario
}

#[test]
fn wherever_a_part_panics_the_run_ends_and_says_so() {
    let lockstep = (Clock::default(), &[1, 2, 3, 9, 40, 170, 700][..]);
    let wall = (Clock::Wall { ratio: 20_000.0 }, &[1, 40][..]);
    for (clock, calls) in [lockstep, wall] {
        for (name, plug) in KINDS {
            let mut trips = 0;
            for &calls in calls {
                for again in [false, true] {
                    let left = AtomicU32::new(calls);
                    let wire = Arc::new(Wire { left, again, has_tripped: AtomicBool::default() });
                    WIRE.set(Arc::clone(&wire));
                    let what = format!("{name}, call {calls}, again: {again}, {clock:?}");
                    let parts = plug(Parts::stock(), Arc::clone(&wire));
                    let result = scenario(clock).machine_with(parts).unwrap().run();
                    let tripped = wire.has_tripped.load(SeqCst);
                    trips += u32::from(tripped);
                    match result {
                        Ok(_) => assert!(!tripped, "{what}: nobody heard of the panic"),
                        Err(RunError::Panicked { message, incident, .. }) => {
                            assert_eq!(message, "tripped", "{what}");
                            _ = (incident.console(), incident.report().to_string());
                        }
                        Err(error) => panic!("{what}: {error}"),
                    }
                }
            }
            assert!(trips > 0, "{name}: it was never called");
        }
    }
}
