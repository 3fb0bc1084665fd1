//! The scenarios that teach: stock parts pass, and wrong parts, as a learner might write them, are told apart.
//!
//! Each wrong part is plugged in and the whole scenario runs. What tells it apart is the scenario's judge, and what the
//! judge says is tested word by word: it has to be of use to the learner.

use softlockup::config::Detectors;
use softlockup::incident::report::diagnosis::Cause;
use softlockup::incident::report::{Outcome, Report};
use softlockup::machine::RunError;
use softlockup::parts::call_many::Wait;
use softlockup::parts::call_queue::{CallQueue, CsdId, KernelCallQueue, Links};
use softlockup::parts::csd_lock::{CSD_FLAG_LOCK, CsdLock, KernelCsdLock};
use softlockup::parts::die_lock::{Arm64DieLock, DieLock, NestingDieLock, X86DieLock};
use softlockup::parts::softlockup::{
    CumulativeDetector, Heartbeat, SampleContext, SoftlockupDetector, SoftlockupVerdict,
    WarnOnceDetector,
};
use softlockup::scenario::busy::{Busy, Call, MAX_CALLS, Masked, To};
use softlockup::scenario::callback_chain::CallbackChain;
use softlockup::scenario::masked_busy::MaskedBusy;
use softlockup::scenario::nested_irq::NestedIrq;
use softlockup::scenario::slow_report::SlowReport;
use softlockup::scenario::wait_chains::WaitChains;
use softlockup::scenario::{At, ScenarioError, Section};
use softlockup::sync::{AtomicU32, Ordering::*};
use softlockup::time::NSEC_PER_SEC;
use softlockup::vector::Vector;
use softlockup::{
    Clock, Config, CpuId, Event, Incident, Kernel, KernelTime, Machine, Parts, Scenario, ThisCpu,
};

fn run(scenario: &impl Scenario, parts: Parts) -> Incident {
    scenario.machine_with(parts).expect("it can be set up").run().expect("it runs").incident
}

fn at(cpu: u32, ms: u64) -> At {
    At { cpu: CpuId(cpu), time: ms_after_boot(ms) }
}

fn ms_after_boot(ms: u64) -> KernelTime {
    KernelTime::from_ns(ms * 1_000_000)
}

/// The judge's answer has these words.
#[track_caller]
fn blames(judged: Result<(), String>, words: &str) {
    let error = judged.expect_err("the part is wrong");
    assert!(error.contains(words), "{error}\nshould say: {words}");
}

// What holds for each of them.

fn all() -> Vec<(&'static str, Box<dyn Scenario>)> {
    vec![
        ("busy", Box::<Busy>::default()),
        ("masked_busy", Box::<MaskedBusy>::default()),
        ("slow_report", Box::<SlowReport>::default()),
        ("callback_chain", Box::<CallbackChain>::default()),
        ("nested_irq", Box::<NestedIrq>::default()),
        ("wait_chains", Box::<WaitChains>::default()),
    ]
}

#[test]
fn each_is_diagnosed_as_it_says_on_every_kernel_and_in_every_order_of_turns() {
    for kernel in [Kernel::Arm64V4_19, Kernel::Arm64V6_12, Kernel::X86V6_1] {
        for turn_seed in [None, Some(1), Some(2), Some(3)] {
            for (name, mut scenario) in all() {
                scenario.config_mut().kernel = kernel;
                scenario.config_mut().detectors = Detectors::of(kernel);
                scenario.config_mut().clock = Clock::Lockstep { turn_seed };
                let incident = scenario.machine().unwrap().run().unwrap().incident;
                let report = incident.report();
                assert_eq!(report.diagnosis, scenario.conclusion(), "{name}, {kernel:?}: {report}");
            }
        }
    }
}

#[test]
fn each_is_the_same_on_every_run() {
    for (name, scenario) in all() {
        let [first, second] = [(); 2].map(|()| scenario.machine().unwrap().run().unwrap());
        assert!(first.incident == second.incident, "{name}");
        assert_eq!(first.never_started, second.never_started, "{name}");
    }
}

/// Runs it on stock parts, on each kernel and in many orders of turns, and lets `judge` look.
fn stock_passes<S: Scenario + Clone>(
    stock: S,
    judge: impl Fn(&S, &Incident) -> Result<(), String>,
) {
    for kernel in [Kernel::Arm64V4_19, Kernel::Arm64V6_12, Kernel::X86V6_1] {
        for turn_seed in (0..10).map(Some).chain([None]) {
            let mut scenario = stock.clone();
            let clock = Clock::Lockstep { turn_seed };
            let detectors = Detectors { csd: turn_seed == Some(7), ..Detectors::of(kernel) };
            *scenario.config_mut() = Config { kernel, clock, detectors, ..stock.config().clone() };
            let judged = judge(&scenario, &run(&scenario, Parts::stock()));
            assert_eq!(judged, Ok(()), "{kernel:?}, {turn_seed:?}");
        }
    }
}

#[test]
fn stock_parts_pass_every_judge_but_that_of_the_callback_chain() {
    stock_passes(Busy::default(), Busy::judge);
    stock_passes(MaskedBusy::default(), MaskedBusy::judge);
    stock_passes(SlowReport::default(), SlowReport::judge);
    stock_passes(NestedIrq::default(), NestedIrq::judge);
    stock_passes(WaitChains::default(), WaitChains::judge);
    stock_passes(CallbackChain::default(), |chain, incident| match chain.judge(incident) {
        Ok(()) => Err("a callback that faults was survived".to_owned()),
        Err(_) => Ok(()),
    });
}

#[test]
fn an_incident_that_was_loaded_is_judged_alike() {
    let incident = run(&Busy::default(), Parts::stock().with_call_queue::<LastInFirstOut>());
    let mut file = Vec::new();
    incident.save(&mut file).unwrap();
    let loaded = Incident::load(&file[..]).unwrap();
    assert_eq!(Busy::default().judge(&loaded), Busy::default().judge(&incident));
}

#[test]
fn what_cannot_be_set_up_is_refused() {
    let refused = |machine: Result<Machine, ScenarioError>| machine.err().unwrap().to_string();
    let busy = |change: fn(&mut Busy)| {
        let mut busy = Busy::default();
        change(&mut busy);
        refused(busy.machine())
    };
    let no_cpu4 = "there is no CPU#4 on a machine of 4: 0 to 3";
    assert_eq!(busy(|busy| busy.calls[0].to = To::One(CpuId(4))), no_cpu4);
    assert_eq!(busy(|busy| busy.calls[0].from.cpu = CpuId(4)), no_cpu4);
    assert_eq!(busy(|busy| busy.masked[0].at.cpu = CpuId(4)), no_cpu4);
    let itself = busy(|busy| busy.calls[0].to = To::One(CpuId(0)));
    assert_eq!(itself, "CPU#0 cannot wait for itself: it takes two CPUs");
    let call = Call { from: at(0, 1_000), to: To::All, wait: Wait::Async };
    let calls = vec![call; MAX_CALLS + 1];
    let many = Busy { calls, ..Busy::default() };
    assert_eq!(refused(many.machine()), "33 calls are too many: there can be 32");
    let long = Masked { at: at(4, 10_000), ns: 6 * NSEC_PER_SEC };
    assert_eq!(
        refused(MaskedBusy { masked: long, ..MaskedBusy::default() }.machine()),
        "interrupts can be off for 5.000000 s at most, not for 6.000000 s"
    );
    let twice = vec![at(1, 10_000), at(1, 20_000)];
    let words = "CPU#1 is named twice: it can be in one place only";
    let oopses = twice.clone();
    assert_eq!(refused(SlowReport { oopses, ..SlowReport::default() }.machine()), words);
    let oopses = twice.clone();
    assert_eq!(refused(CallbackChain { oopses, ..CallbackChain::default() }.machine()), words);
    let chains = vec![vec![at(1, 61_000)], vec![at(1, 62_000)]];
    assert_eq!(refused(WaitChains { chains, ..WaitChains::default() }.machine()), words);
    let chains = vec![vec![at(1, 61_000), at(2, 61_000)]];
    assert_eq!(
        refused(WaitChains { chains, ..WaitChains::default() }.machine()),
        "CPU#2 cannot begin to wait at 61.000000 s: it must be after 61.000000 s"
    );
    let section = |from, to| Section { from: ms_after_boot(from), to: ms_after_boot(to) };
    let sections = vec![section(10_000, 13_000), section(11_000, 14_000)];
    assert_eq!(
        refused(NestedIrq { sections, ..NestedIrq::default() }.machine()),
        "the section from 11.000000 to 14.000000 s is not inside the one from 10.000000 to 13.000000 s"
    );
    let same = NestedIrq { masked: CpuId(0), ..NestedIrq::default() };
    assert!(refused(same.machine()).contains("it takes two CPUs"));
}

// Call queues.

/// Gives out the newest call first: it leaves the list as the pushes made it.
#[derive(Default)]
struct LastInFirstOut {
    first: AtomicU32,
}

impl CallQueue for LastInFirstOut {
    fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
        let before = self.first.swap(csd.0 + 1, AcqRel);
        links.link(csd).set(before.checked_sub(1).map(CsdId));
        before == 0
    }

    fn take_all(&self, _links: &(impl Links + ?Sized)) -> Option<CsdId> {
        self.first.swap(0, Acquire).checked_sub(1).map(CsdId)
    }
}

/// Takes the oldest call, and leaves the others for the next time.
#[derive(Default)]
struct TakesOne {
    queue: KernelCallQueue,
    rest: AtomicU32,
}

impl CallQueue for TakesOne {
    fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
        self.queue.push(csd, links) && self.rest.load(Acquire) == 0
    }

    fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        let rest = self.rest.load(Acquire).checked_sub(1).map(CsdId);
        let oldest = rest.or_else(|| self.queue.take_all(links))?;
        let next = links.link(oldest).get();
        self.rest.store(next.map_or(0, |csd| csd.0 + 1), Release);
        links.link(oldest).set(None);
        Some(oldest)
    }
}

/// Links a call to the one before it, and leaves the link alone if there is none: but the csd was used before, and its
/// link still leads to where it led then.
#[derive(Default)]
struct UncutTail {
    first: AtomicU32,
}

impl CallQueue for UncutTail {
    fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
        let mut first = self.first.load(Relaxed);
        loop {
            if let Some(before) = first.checked_sub(1) {
                links.link(csd).set(Some(CsdId(before)));
            }
            match self.first.compare_exchange(first, csd.0 + 1, Release, Relaxed) {
                Ok(_) => return first == 0,
                Err(changed) => first = changed,
            }
        }
    }

    fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        let mut newest = self.first.swap(0, Acquire).checked_sub(1).map(CsdId);
        let mut oldest = None;
        while let Some(csd) = newest {
            newest = links.link(csd).get();
            links.link(csd).set(oldest);
            oldest = Some(csd);
        }
        oldest
    }
}

/// Says each time that the queue was empty.
#[derive(Default)]
struct AlwaysEmpty(KernelCallQueue);

impl CallQueue for AlwaysEmpty {
    fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
        self.0.push(csd, links);
        true
    }

    fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        self.0.take_all(links)
    }
}

/// Says each time that there was a call before.
#[derive(Default)]
struct NeverEmpty(KernelCallQueue);

impl CallQueue for NeverEmpty {
    fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
        self.0.push(csd, links);
        false
    }

    fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        self.0.take_all(links)
    }
}

/// Says it the wrong way round.
#[derive(Default)]
struct Inverted(KernelCallQueue);

impl CallQueue for Inverted {
    fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
        !self.0.push(csd, links)
    }

    fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        self.0.take_all(links)
    }
}

/// Has room for eight calls; the ninth is dropped.
#[derive(Default)]
struct HoldsEight {
    queue: KernelCallQueue,
    calls: AtomicU32,
}

impl CallQueue for HoldsEight {
    fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
        if self.calls.fetch_add(1, Relaxed) >= 8 {
            return false;
        }
        self.queue.push(csd, links)
    }

    fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
        self.calls.store(0, Relaxed);
        self.queue.take_all(links)
    }
}

fn busy_with<Q: CallQueue + Default>() -> Result<(), String> {
    let busy = Busy::default();
    busy.judge(&run(&busy, Parts::stock().with_call_queue::<Q>()))
}

fn masked_busy_with<Q: CallQueue + Default>() -> Result<(), String> {
    let masked_busy = MaskedBusy::default();
    masked_busy.judge(&run(&masked_busy, Parts::stock().with_call_queue::<Q>()))
}

#[test]
fn busy_tells_wrong_call_queues_apart() {
    assert_eq!(busy_with::<KernelCallQueue>(), Ok(()));
    blames(
        busy_with::<LastInFirstOut>(),
        "CPU#2 ran call_05 of CPU#3, posted at 10.022000 s, at 10.100000 s. call_02 was to run before it",
    );
    blames(
        busy_with::<TakesOne>(),
        "CPU#2 never ran call_01, which CPU#1 posted at 10.011000 s: CPU#2 took its queue at 10.100000 s",
    );
    blames(
        busy_with::<AlwaysEmpty>(),
        "CPU#1 sent CPU#2 an IPI at 10.011000 s. None was due: CPU#2's queue was not empty, call_00 was in it",
    );
    blames(
        busy_with::<NeverEmpty>(),
        "CPU#2 never ran call_00, which CPU#0 posted at 10.010000 s: CPU#2's queue was empty, and CPU#0 sent no IPI",
    );
    blames(busy_with::<Inverted>(), "CPU#1 sent CPU#2 an IPI at 10.011000 s");
    assert_eq!(busy_with::<HoldsEight>(), Ok(()), "six calls at most: masked_busy has more");
}

#[test]
fn a_list_that_bites_its_tail_stops_the_machine_and_busy_still_tells_what_ran_twice() {
    let busy = Busy::default();
    let machine = busy.machine_with(Parts::stock().with_call_queue::<UncutTail>());
    let Err(RunError::Panicked { message, incident, .. }) = machine.expect("it is set up").run()
    else {
        panic!("the list has an end");
    };
    assert!(message.contains("bites its own tail"), "{message}");
    blames(busy.judge(&incident), "twice");
}

#[test]
fn masked_busy_tells_wrong_call_queues_apart() {
    assert_eq!(masked_busy_with::<KernelCallQueue>(), Ok(()));
    blames(
        masked_busy_with::<HoldsEight>(),
        "CPU#4 never ran call_08, which CPU#9 posted at 10.108000 s: CPU#4 took its queue at 11.000000 s",
    );
    blames(
        masked_busy_with::<TakesOne>(),
        "CPU#4 never ran call_01, which CPU#1 posted at 10.101000 s",
    );
    blames(masked_busy_with::<NeverEmpty>(), "CPU#0 sent no IPI");
    assert_eq!(
        masked_busy_with::<LastInFirstOut>(),
        Ok(()),
        "a call of each caller: busy has more"
    );
}

#[test]
fn a_queue_of_eight_leaves_three_of_eleven_callers_waiting() {
    let parts = Parts::stock().with_call_queue::<HoldsEight>();
    let report = run(&MaskedBusy::default(), parts).report();
    let stuck: Vec<_> = report.stuck.iter().map(|stuck| stuck.cpu.0).collect();
    assert_eq!((report.outcome, &stuck[..]), (Outcome::Hung, &[9, 10, 11][..]), "{report}");
    assert_eq!(report.diagnosis.cause, Cause::Unanswered);
}

#[test]
fn mailboxes_pass_the_judges_of_calls() {
    for turn_seed in (0..20).map(Some).chain([None]) {
        let mut busy = Busy::default();
        busy.config.clock = Clock::Lockstep { turn_seed };
        assert_eq!(
            busy.judge(&run(&busy, Parts::stock().with_mailboxes())),
            Ok(()),
            "{turn_seed:?}"
        );
    }
    let masked_busy = MaskedBusy::default();
    assert_eq!(masked_busy.judge(&run(&masked_busy, Parts::stock().with_mailboxes())), Ok(()));
}

#[test]
fn a_pile_of_calls_comes_with_one_ipi() {
    let incident = run(&MaskedBusy::default(), Parts::stock());
    let ipi = |event: &Event| matches!(event, Event::IpiSend { vector: Vector::CallFunction, .. });
    assert_eq!(incident.records.iter().filter(|record| ipi(&record.event)).count(), 1);
}

/// The incident without the first record that `is` describes.
fn without(incident: &Incident, is: impl Fn(&Event) -> bool) -> Incident {
    let mut incident = incident.clone();
    let first = incident.records.iter().position(|record| is(&record.event)).expect("it is there");
    incident.records.remove(first);
    incident
}

#[test]
fn the_judge_of_busy_misses_each_kind_of_record() {
    let busy = Busy::default();
    let stock = run(&busy, Parts::stock());
    let ipi = |event: &Event| matches!(event, Event::IpiSend { vector: Vector::CallFunction, .. });
    blames(
        busy.judge(&without(&stock, ipi)),
        "CPU#0 posted call_00 to CPU#2 at 10.010000 s and sent no IPI. One was due: CPU#2's queue was empty",
    );
    let post = |event: &Event| matches!(event, Event::CsdQueue { .. });
    blames(
        busy.judge(&without(&stock, post)),
        "CPU#0 sent CPU#2 an IPI at 10.010000 s for no call",
    );
    let begins = |event: &Event| matches!(event, Event::Enter { func } if func == "call_24");
    blames(busy.judge(&without(&stock, begins)), "never ran call_24");
    let ends = |event: &Event| matches!(event, Event::Exit { func } if func == "call_24");
    blames(busy.judge(&without(&stock, ends)), "which had not run call_24 then");
    let mut stranger = stock.clone();
    let call = stranger.records.iter_mut().find(|record| begins(&record.event)).unwrap();
    call.event = Event::Enter { func: "call_00".into() };
    blames(
        busy.judge(&stranger),
        "CPU#3 ran call_00 at 10.900000 s. That call was not in its queue: CPU#0 posts it once, to CPU#2",
    );
    let early = Busy { until: Some(ms_after_boot(10_005)), ..busy.clone() };
    blames(
        busy.judge(&run(&early, Parts::stock())),
        "CPU#0 was to post call_00 to CPU#2 at 10.010000 s, and had not",
    );
    let early = Busy { until: Some(ms_after_boot(10_050)), ..busy.clone() };
    blames(busy.judge(&run(&early, Parts::stock())), "CPU#2 did not take its queue after that");
}

// Csd locks.

/// Waits for nothing.
struct DoesNotWait;

impl CsdLock for DoesNotWait {
    fn lock(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        KernelCsdLock.lock(flags, cpu);
    }

    fn unlock(&self, flags: &AtomicU32) {
        KernelCsdLock.unlock(flags);
    }

    fn wait(&self, _flags: &AtomicU32, _cpu: &impl ThisCpu) {}
}

/// Compares all flags with one of them: a csd whose caller waits has two, and never looks locked.
struct ComparesAllFlags;

impl CsdLock for ComparesAllFlags {
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

/// Clears a flag that is not the lock's.
struct ClearsTheWrongFlag;

impl CsdLock for ClearsTheWrongFlag {
    fn lock(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        KernelCsdLock.lock(flags, cpu);
    }

    fn unlock(&self, flags: &AtomicU32) {
        flags.fetch_and(CSD_FLAG_LOCK, Release);
    }

    fn wait(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
        KernelCsdLock.wait(flags, cpu);
    }
}

#[test]
fn busy_tells_wrong_csd_locks_apart() {
    let busy = Busy::default();
    let judged = |parts| busy.judge(&run(&busy, parts));
    let early =
        "CPU#0 went on at 10.021000 s. It was to wait for CPU#2, which had not run call_04 then";
    blames(judged(Parts::stock().with_csd_lock(DoesNotWait)), early);
    blames(judged(Parts::stock().with_csd_lock(ComparesAllFlags)), early);
    let late = "still waited when the machine was switched off";
    blames(judged(Parts::stock().with_csd_lock(ClearsTheWrongFlag)), late);
}

// Die locks.

/// Lets every CPU in.
struct Open;

impl DieLock for Open {
    fn lock(&self, _cpu: &impl ThisCpu) -> u32 {
        1
    }

    fn unlock(&self, _cpu: &impl ThisCpu) -> u32 {
        0
    }
}

/// Nests, and does not look who comes in.
#[derive(Default)]
struct NestsForAnyCpu {
    depth: AtomicU32,
}

impl DieLock for NestsForAnyCpu {
    fn lock(&self, _cpu: &impl ThisCpu) -> u32 {
        self.depth.fetch_add(1, AcqRel) + 1
    }

    fn unlock(&self, _cpu: &impl ThisCpu) -> u32 {
        self.depth.fetch_sub(1, AcqRel) - 1
    }
}

/// Gives up after a second.
struct Impatient(AtomicU32);

impl DieLock for Impatient {
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        let deadline = cpu.now() + NSEC_PER_SEC;
        while self.0.compare_exchange(0, 1, Acquire, Relaxed).is_err() && cpu.now() < deadline {
            cpu.relax_until(deadline);
        }
        1
    }

    fn unlock(&self, _cpu: &impl ThisCpu) -> u32 {
        self.0.store(0, Release);
        0
    }
}

/// Is never free again.
struct Kept(Arm64DieLock);

impl DieLock for Kept {
    fn lock(&self, cpu: &impl ThisCpu) -> u32 {
        self.0.lock(cpu)
    }

    fn unlock(&self, _cpu: &impl ThisCpu) -> u32 {
        0
    }
}

#[test]
fn slow_report_tells_wrong_die_locks_apart() {
    let slow = SlowReport::default();
    let judged = |parts: Parts| slow.judge(&run(&slow, parts));
    assert_eq!(judged(Parts::stock().with_die_lock(X86DieLock::new())), Ok(()));
    assert_eq!(judged(Parts::stock().with_die_lock(NestingDieLock::new())), Ok(()));
    let let_in = "CPU#2 was let in by die_lock at 10.500000 s. It was to wait: CPU#1 had the lock since 10.000000 s";
    blames(judged(Parts::stock().with_die_lock(Open)), let_in);
    blames(judged(Parts::stock().with_die_lock(NestsForAnyCpu::default())), let_in);
    let impatient = Impatient(AtomicU32::new(0));
    blames(
        judged(Parts::stock().with_die_lock(impatient)),
        "CPU#2 was let in by die_lock at 11.500000 s",
    );
    blames(
        judged(Parts::stock().with_die_lock(Kept(Arm64DieLock::new()))),
        "CPU#2 was to have die_lock as soon as it was free. It has waited since 10.500000 s",
    );
}

#[test]
fn without_the_slow_callback_no_lock_shows() {
    let quick = SlowReport { callback_ns: 0, ..SlowReport::default() };
    assert_eq!(quick.judge(&run(&quick, Parts::stock().with_die_lock(Open))), Ok(()));
}

#[test]
fn no_die_lock_alone_makes_a_faulting_callback_harmless() {
    let chain = CallbackChain::default();
    let stock = run(&chain, Parts::stock());
    blames(
        chain.judge(&stock),
        "save_log_die was to run for the oops on CPU#1 at 10.000000 s. It never did: flaky_die ran there once",
    );
    assert!(!stock.console().contains("the log is saved"));
    let nesting = run(&chain, Parts::stock().with_die_lock(NestingDieLock::new()));
    blames(chain.judge(&nesting), "It never did: flaky_die ran there 31 times");
    assert_eq!(nesting.report().outcome, Outcome::Panicked);
}

#[test]
fn a_callback_that_faults_once_tells_die_locks_apart() {
    let chain = CallbackChain { faults: 1, ..CallbackChain::default() };
    let judged = |parts: Parts| {
        let incident = run(&chain, parts);
        (chain.judge(&incident), incident.report())
    };
    let (passed, report) = judged(Parts::stock().with_die_lock(NestingDieLock::new()));
    assert_eq!((passed, report.outcome), (Ok(()), Outcome::Recovered));
    let (leaks, report) = judged(Parts::stock().with_die_lock(X86DieLock::new()));
    blames(leaks, "for the oops on CPU#2 at 20.000000 s. It never did: no callback ran there");
    assert_eq!(report.diagnosis.cause, Cause::LeakedDieLock);
    let (stock, report) = judged(Parts::stock());
    blames(stock, "for the oops on CPU#1 at 10.000000 s");
    assert_eq!(report.diagnosis, chain.conclusion());
    let harmless = CallbackChain { faults: 0, ..chain.clone() };
    let incident = run(&harmless, Parts::stock());
    assert_eq!(harmless.judge(&incident), Ok(()));
    assert_eq!(incident.report().diagnosis, harmless.conclusion());
}

// Nested sections. The interrupt flag is no part: what a lost level does is shown by a machine whose outer section is
// over that early.

#[test]
fn a_call_inside_nested_sections_is_answered_when_the_outer_one_ends() {
    let nested = NestedIrq::default();
    let incident = run(&nested, Parts::stock());
    let is_answer =
        |event: &Event| matches!(event, Event::Enter { func } if func == "are_you_there");
    let answer = incident.records.iter().find(|record| is_answer(&record.event)).unwrap();
    assert_eq!((answer.cpu, answer.time), (CpuId(1), ms_after_boot(13_000)));
}

#[test]
fn nested_irq_tells_a_lost_level_apart() {
    let nested = NestedIrq::default();
    let mut lost = nested.clone();
    lost.sections[0].to = lost.sections[1].to;
    blames(
        nested.judge(&run(&lost, Parts::stock())),
        "CPU#1 took an interrupt at 12.000000 s (CPU#0's call). It was to take it at 13.000000 s",
    );
    let none = NestedIrq { sections: Vec::new(), ..nested.clone() };
    blames(nested.judge(&run(&none, Parts::stock())), "CPU#1 took an interrupt at 11.500000 s");
    let section = |from, to| Section { from: ms_after_boot(from), to: ms_after_boot(to) };
    let three = vec![section(10_000, 14_000), section(11_000, 13_000), section(11_200, 12_000)];
    let three = NestedIrq { sections: three, ..nested.clone() };
    assert_eq!(three.judge(&run(&three, Parts::stock())), Ok(()));
    assert_eq!(none.judge(&run(&none, Parts::stock())), Ok(()), "answered at once");
}

#[test]
fn nested_irq_tells_wrong_csd_locks_and_call_queues_apart() {
    let nested = NestedIrq::default();
    let judged = |parts| nested.judge(&run(&nested, parts));
    blames(
        judged(Parts::stock().with_csd_lock(DoesNotWait)),
        "CPU#0 went on at 11.500000 s. It was to wait until CPU#1 had answered, at 13.000000 s",
    );
    blames(judged(Parts::stock().with_call_queue::<NeverEmpty>()), "It never did");
    blames(
        judged(Parts::stock().with_csd_lock(ClearsTheWrongFlag)),
        "CPU#0 was to go on at 13.000000 s",
    );
}

// Chains.

/// Never reports.
struct Mute;

impl SoftlockupDetector for Mute {
    fn feed(&self, heartbeat: Heartbeat, now: u64) -> Heartbeat {
        WarnOnceDetector.feed(heartbeat, now)
    }

    fn touch(&self, heartbeat: Heartbeat) -> Heartbeat {
        WarnOnceDetector.touch(heartbeat)
    }

    fn sample(&self, heartbeat: Heartbeat, _: SampleContext) -> (Heartbeat, SoftlockupVerdict) {
        (heartbeat, SoftlockupVerdict::Healthy)
    }
}

/// Takes a touch for a feed at time 0.
struct MistakesTheTouch;

impl SoftlockupDetector for MistakesTheTouch {
    fn feed(&self, heartbeat: Heartbeat, now: u64) -> Heartbeat {
        CumulativeDetector.feed(heartbeat, now)
    }

    fn touch(&self, heartbeat: Heartbeat) -> Heartbeat {
        Heartbeat { touch_ts: 0, report_ts: 0, ..heartbeat }
    }

    fn sample(
        &self,
        heartbeat: Heartbeat,
        context: SampleContext,
    ) -> (Heartbeat, SoftlockupVerdict) {
        CumulativeDetector.sample(heartbeat, context)
    }
}

#[test]
fn wait_chains_tells_wrong_parts_apart() {
    let chains = WaitChains::default();
    let judged = |parts| chains.judge(&run(&chains, parts));
    blames(
        judged(Parts::stock().with_csd_lock(DoesNotWait)),
        "CPU#1 was to wait for CPU#3 for ever, because CPU#3 cannot answer. It went on at 61.000000 s",
    );
    blames(judged(Parts::stock().with_csd_lock(ComparesAllFlags)), "It went on at 61.000000 s");
    blames(
        judged(Parts::stock().with_softlockup_detector(Mute)),
        "CPU#4 has waited since 63.000000 s with its interrupts on. Its watchdog was to report it",
    );
    blames(
        judged(Parts::stock().with_softlockup_detector(MistakesTheTouch)),
        "It was to be left alone then: it waits since 61.000000 s only",
    );
}

/// The CPU that most reported CPUs wait for: one step, as in the article.
fn one_step(report: &Report) -> Vec<CpuId> {
    report.soft_lockups.iter().flat_map(|lockup| lockup.waits_for.clone()).collect()
}

/// From the reported CPU to the one it waits for, and on.
fn every_step(report: &Report) -> Vec<CpuId> {
    let follow = |start: CpuId| {
        let next = |cpu: &CpuId| report.stuck.iter().find(|stuck| stuck.cpu == *cpu)?.waits_for;
        std::iter::successors(Some(start), next).last().unwrap()
    };
    report.soft_lockups.iter().map(|lockup| follow(lockup.cpu)).collect()
}

#[test]
fn one_step_blames_two_wrong_cpus_and_the_way_to_the_end_blames_the_right_one() {
    let incident = run(&WaitChains::default(), Parts::stock());
    let report = incident.report();
    let reported: Vec<_> = report.soft_lockups.iter().map(|lockup| lockup.cpu).collect();
    assert_eq!(reported, [CpuId(4), CpuId(0)]);
    assert_eq!(one_step(&report), [CpuId(2), CpuId(7)]);
    assert_eq!(every_step(&report), [CpuId(3), CpuId(3)]);
    assert_eq!(report.culprit, Some(CpuId(3)));
    let warned: Vec<_> = incident.records.iter().filter(|r| r.event == Event::Warn).collect();
    assert_eq!(warned.iter().map(|record| record.cpu).collect::<Vec<_>>(), [CpuId(1)]);
}

#[test]
fn chains_of_any_length_lead_to_the_culprit() {
    for length in 1..8 {
        let chain = (1..=length).map(|n| at(n, 60_000 + u64::from(n) * 300)).collect();
        let chains =
            WaitChains { culprit: at(0, 60_000), chains: vec![chain], ..WaitChains::default() };
        let incident = run(&chains, Parts::stock());
        assert_eq!(chains.judge(&incident), Ok(()), "{length}");
        assert_eq!(incident.report().diagnosis, chains.conclusion(), "{length}");
    }
}
