//! Every run ends, whatever its CPUs do, and leaves nothing behind.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::*};
use std::time::Duration;

use softlockup::config::HostLimits;
use softlockup::incident::report::diagnosis::Cause;
use softlockup::incident::report::{Outcome, Place};
use softlockup::kernel::smp::kick_all_cpus_sync;
use softlockup::kernel::{irq, preempt};
use softlockup::machine::{Run, RunError};
use softlockup::parts::call_queue::{CallQueue, CsdId, KernelCallQueue, Links};
use softlockup::parts::csd_lock::{CSD_FLAG_LOCK, CsdLock, KernelCsdLock};
use softlockup::scenario::At;
use softlockup::scenario::nested_oops::{Arrivals, NestedOops};
use softlockup::time::NSEC_PER_SEC;
use softlockup::{
    Clock, Config, Cpu, CpuId, Event, KernelTime, Machine, Parts, Record, Scenario, Task, ThisCpu,
};

fn at(secs: u64) -> KernelTime {
    KernelTime::from_ns(secs * NSEC_PER_SEC)
}

type Body = Box<dyn FnOnce(&Cpu) + Send>;

const CLOCKS: [Clock; 2] = [Clock::Lockstep { turn_seed: None }, Clock::Wall { ratio: 1000.0 }];

fn run(clock: Clock, until: u64, tasks: Vec<(u32, Body)>) -> Run {
    try_run(clock, until, tasks, HostLimits::default()).unwrap()
}

fn try_run(
    clock: Clock,
    until: u64,
    tasks: Vec<(u32, Body)>,
    limits: HostLimits,
) -> Result<Run, RunError> {
    let config = Config { nr_cpus: 4, until: at(until), clock, ..Config::default() };
    let mut machine = Machine::new(config, Parts::stock()).unwrap();
    for (n, (cpu, body)) in tasks.into_iter().enumerate() {
        machine.spawn(CpuId(cpu), Task::new("test", 100 + n as u32, at(10), body));
    }
    machine.set_host_limits(limits);
    machine.run()
}

/// For code that hangs the host on purpose.
const SHORT: HostLimits =
    HostLimits { running: Duration::from_millis(500), blocked: Duration::from_secs(3) };

#[test]
fn a_machine_whose_every_cpu_is_stuck_ends() {
    for clock in CLOCKS {
        let tasks = (0..4).map(|n| {
            let body: Body = Box::new(move |cpu| {
                let _irq = irq::disable_local(cpu);
                if n < 2 {
                    kick_all_cpus_sync(cpu);
                }
                loop {
                    cpu.relax();
                }
            });
            (n, body)
        });
        let report = run(clock, 60, tasks.collect()).incident.report();
        assert_eq!(report.outcome, Outcome::Hung);
        assert!(report.ended >= at(60));
    }
}

/// Counts how often its machine's frames were unwound. Its destructor also waits, calls and prints.
struct Stubborn<'a> {
    cpu: &'a Cpu,
    dropped: Arc<AtomicU32>,
}

impl Drop for Stubborn<'_> {
    fn drop(&mut self) {
        let _irq = irq::disable_local(self.cpu);
        let _preempt = preempt::disable(self.cpu);
        self.cpu.relax();
        kick_all_cpus_sync(self.cpu);
        self.cpu.printk("from a destructor");
        self.dropped.fetch_add(1, SeqCst);
    }
}

#[test]
fn destructors_run_while_halting_but_record_nothing_and_take_no_interrupt() {
    for clock in CLOCKS {
        let dropped = Arc::new(AtomicU32::new(0));
        let on_cpu = Arc::clone(&dropped);
        let run = run(
            clock,
            30,
            vec![(
                1,
                Box::new(move |cpu| {
                    let _stubborn = Stubborn { cpu, dropped: on_cpu };
                    let _preempt = preempt::disable(cpu);
                    loop {
                        cpu.relax();
                    }
                }),
            )],
        );
        assert_eq!(dropped.load(SeqCst), 1);
        assert!(!run.incident.console().contains("destructor"));
        assert!(run.host.hung.is_empty());
    }
}

/// Waits for something that will not come, in a destructor.
struct Hopeless<'a>(&'a Cpu);

static GIVE_UP: AtomicBool = AtomicBool::new(false);

impl Drop for Hopeless<'_> {
    fn drop(&mut self) {
        while !GIVE_UP.load(Relaxed) {
            self.0.relax();
        }
    }
}

#[test]
fn a_destructor_that_waits_for_ever_is_left_behind_and_the_run_ends() {
    let run = run(
        CLOCKS[0],
        30,
        vec![(
            1,
            Box::new(move |cpu| {
                let _hopeless = Hopeless(cpu);
                loop {
                    cpu.relax();
                }
            }),
        )],
    );
    GIVE_UP.store(true, SeqCst);
    assert_eq!(run.host.hung, [CpuId(1)]);
    assert_eq!(run.incident.report().outcome, Outcome::HostHang);
}

#[test]
fn code_that_catches_the_halt_meets_it_again() {
    for clock in CLOCKS {
        let caught = Arc::new(AtomicU32::new(0));
        let on_cpu = Arc::clone(&caught);
        let run = run(
            clock,
            30,
            vec![(
                1,
                Box::new(move |cpu| {
                    for _ in 0..3 {
                        let spin = || -> () {
                            loop {
                                cpu.relax();
                            }
                        };
                        if catch_unwind(AssertUnwindSafe(spin)).is_err() {
                            on_cpu.fetch_add(1, SeqCst);
                        }
                    }
                    cpu.relax();
                    unreachable!("the machine is halted");
                }),
            )],
        );
        assert_eq!(caught.load(SeqCst), 3);
        assert!(run.host.hung.is_empty());
    }
}

#[test]
fn a_panic_in_a_tasks_own_code_comes_out_of_run_with_all_that_happened() {
    for clock in CLOCKS {
        let body: Body = Box::new(|_| panic!("a learner's mistake"));
        let tasks = vec![(2, body)];
        let error = try_run(clock, 600, tasks, HostLimits::default()).unwrap_err();
        assert!(error.to_string().contains("CPU#2 panicked at "), "{error}");
        let RunError::Panicked { cpu, time, message, incident } = error else { panic!("{error}") };
        assert_eq!((cpu, &*message), (CpuId(2), "a learner's mistake"));
        assert!(time >= KernelTime::from_secs(10), "{time}");
        let started = |record: &Record| matches!(record.event, Event::TaskStart { .. });
        assert!(incident.records.iter().any(|record| record.cpu == cpu && started(record)));
    }
}

#[test]
fn a_part_that_panics_is_told_like_a_task_that_does() {
    struct Panics;
    impl CsdLock for Panics {
        fn lock(&self, _flags: &AtomicU32, _cpu: &impl ThisCpu) {
            panic!("not yet written");
        }
        fn unlock(&self, _flags: &AtomicU32) {}
        fn wait(&self, _flags: &AtomicU32, _cpu: &impl ThisCpu) {}
    }
    let machine = NestedOops::default().machine_with(Parts::stock().with_csd_lock(Panics)).unwrap();
    let RunError::Panicked { cpu, time, message, .. } = machine.run().unwrap_err() else {
        panic!("it is a panic")
    };
    assert_eq!(
        (cpu, time.to_string(), &*message),
        (CpuId(35), "338.462000".into(), "not yet written")
    );
}

#[test]
fn a_part_that_waits_without_relax_hangs_the_host_and_its_cpu_is_the_one_that_is_named() {
    /// So that the thread that is left behind does not burn a core for the rest of the test run.
    static LET_GO: AtomicBool = AtomicBool::new(false);
    struct Spins;
    impl CsdLock for Spins {
        fn lock(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
            KernelCsdLock.lock(flags, cpu);
        }
        fn unlock(&self, flags: &AtomicU32) {
            KernelCsdLock.unlock(flags);
        }
        fn wait(&self, flags: &AtomicU32, _cpu: &impl ThisCpu) {
            while flags.load(Acquire) & CSD_FLAG_LOCK != 0 && !LET_GO.load(SeqCst) {}
        }
    }
    let mut machine =
        NestedOops::default().machine_with(Parts::stock().with_csd_lock(Spins)).unwrap();
    machine.set_host_limits(SHORT);
    let run = machine.run().unwrap();
    LET_GO.store(true, SeqCst);
    let report = run.incident.report();
    assert_eq!(report.outcome, Outcome::HostHang);
    assert_eq!(
        (report.diagnosis.cause, &report.diagnosis.cpus[..]),
        (Cause::NoInterruptionPoint, &[CpuId(35)][..])
    );
    assert_eq!((report.culprit, run.host.hung), (Some(CpuId(35)), vec![CpuId(35)]));
}

#[test]
fn a_part_that_catches_what_unwinds_it_is_unwound_all_the_same() {
    struct Catches;
    impl CsdLock for Catches {
        fn lock(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
            KernelCsdLock.lock(flags, cpu);
        }
        fn unlock(&self, flags: &AtomicU32) {
            KernelCsdLock.unlock(flags);
        }
        fn wait(&self, flags: &AtomicU32, cpu: &impl ThisCpu) {
            _ = catch_unwind(AssertUnwindSafe(|| KernelCsdLock.wait(flags, cpu)));
        }
    }
    let run = |parts| NestedOops::default().machine_with(parts).unwrap().run().unwrap().incident;
    assert!(run(Parts::stock().with_csd_lock(Catches)) == run(Parts::stock()));
}

#[test]
fn a_list_of_calls_that_bites_its_own_tail_is_no_endless_loop() {
    #[derive(Default)]
    struct Bites(KernelCallQueue);
    impl CallQueue for Bites {
        fn push(&self, csd: CsdId, links: &(impl Links + ?Sized)) -> bool {
            self.0.push(csd, links)
        }
        fn take_all(&self, links: &(impl Links + ?Sized)) -> Option<CsdId> {
            let first = self.0.take_all(links)?;
            links.link(first).set(Some(first));
            Some(first)
        }
    }
    let machine = NestedOops::default().machine_with(Parts::stock().with_call_queue::<Bites>());
    let error = machine.unwrap().run().unwrap_err();
    assert!(error.to_string().contains("bites its own tail"), "{error}");
}

#[test]
fn switching_off_from_inside_ends_the_run_there() {
    let run = run(CLOCKS[0], 600, vec![(3, Box::new(|cpu| cpu.power_off()))]);
    assert_eq!(run.incident.ended, at(10));
    assert_eq!(run.incident.console(), "[   10.000000] reboot: Power down\n");
}

#[test]
fn a_loop_without_relax_is_named_with_its_frames_and_the_run_ends() {
    for clock in CLOCKS {
        // So that the thread that is left behind does not burn a core for the rest of the test run.
        static LET_GO: AtomicBool = AtomicBool::new(false);
        LET_GO.store(false, SeqCst);
        let run = run(
            clock,
            60,
            vec![(
                2,
                Box::new(|cpu| {
                    let _frame = cpu.frame("my_die_lock");
                    while !LET_GO.load(Relaxed) {
                        std::hint::black_box(()); // busy, and nothing else
                    }
                }),
            )],
        );
        LET_GO.store(true, SeqCst);
        assert_eq!(run.host.hung, [CpuId(2)]);
        let report = run.incident.report();
        assert_eq!(report.outcome, Outcome::HostHang);
        assert_eq!(report.culprit, Some(CpuId(2)));
        assert_eq!(report.stuck[0].place, Place::NoInterruptionPoint);
        assert_eq!(report.stuck[0].stack, ["my_die_lock"]);
        let text = report.to_string();
        assert!(text.contains("never reached an interruption point"), "{text}");
        assert!(text.contains("Culprit: CPU#2. It runs without calling `relax` since "), "{text}");
        assert!(text.contains("Its stack then:\n    my_die_lock\n"), "{text}");
    }
}

#[test]
fn a_turn_that_records_for_ever_does_not_eat_the_hosts_memory() {
    static LET_GO: AtomicBool = AtomicBool::new(false);
    let run = run(
        CLOCKS[0],
        60,
        vec![(
            2,
            Box::new(|cpu| {
                while !LET_GO.load(Relaxed) {
                    cpu.printk("x");
                }
            }),
        )],
    );
    LET_GO.store(true, SeqCst);
    assert_eq!(run.host.hung, [CpuId(2)]);
    assert!(run.incident.records.len() < 1 << 22, "{} records", run.incident.records.len());
    let report = run.incident.report();
    assert_eq!(report.outcome, Outcome::HostHang);
    assert!(report.dropped_records > 0, "what was lost is told");
}

#[test]
fn waiting_for_a_deadline_that_is_past_does_not_stop_the_clock() {
    let run = run(
        CLOCKS[0],
        60,
        vec![(
            1,
            Box::new(|cpu| {
                loop {
                    cpu.relax_until(at(9));
                }
            }),
        )],
    );
    assert_eq!(run.incident.ended, at(60));
}

#[test]
fn a_spinner_that_saves_and_restores_its_flag_does_not_flood_the_records() {
    let run = run(
        CLOCKS[0],
        60,
        vec![(
            1,
            Box::new(|cpu| {
                loop {
                    drop(irq::disable_local(cpu));
                    cpu.relax();
                }
            }),
        )],
    );
    assert!(run.incident.records.len() < 2_000, "{} records", run.incident.records.len());
}

/// Does in a destructor what would unwind anywhere else.
struct Explosive<'a>(&'a Cpu);

impl Drop for Explosive<'_> {
    fn drop(&mut self) {
        self.0.null_deref(softlockup::kernel::fault::Access::Write, 0);
        self.0.power_off();
        self.0.spend(NSEC_PER_SEC);
        let samples = self.0.hrtimer_interrupts(CpuId(1));
        (0..10_000).for_each(|_| self.0.relax());
        assert_eq!(self.0.hrtimer_interrupts(CpuId(1)), samples, "no handler runs");
    }
}

#[test]
fn destructors_that_oops_or_switch_off_abort_nothing() {
    for clock in CLOCKS {
        for killed in [false, true] {
            let body: Body = Box::new(move |cpu| {
                let _explosive = Explosive(cpu);
                if killed {
                    cpu.null_deref(softlockup::kernel::fault::Access::Write, 0);
                }
                loop {
                    cpu.relax();
                }
            });
            assert!(run(clock, 30, vec![(1, body)]).host.hung.is_empty());
        }
    }
}

#[test]
fn a_panic_of_the_observer_halts_the_machine_first() {
    for clock in CLOCKS {
        let config = Config { nr_cpus: 4, until: at(3_000), clock, ..Config::default() };
        let dropped = Arc::new(AtomicU32::new(0));
        let on_cpu = Arc::clone(&dropped);
        let mut machine = Machine::new(config, Parts::stock()).unwrap();
        let body = move |cpu: &Cpu| -> () {
            let _stubborn = Stubborn { cpu, dropped: on_cpu };
            loop {
                cpu.spend(NSEC_PER_SEC);
            }
        };
        machine.spawn(CpuId(1), Task::new("test", 1, at(0), body));
        let observe = |record: &Record| assert!(record.time < at(10), "seen enough");
        assert!(catch_unwind(AssertUnwindSafe(|| machine.run_with(observe).is_ok())).is_err());
        assert_eq!(dropped.load(SeqCst), 1, "the CPU's thread is over");
    }
}

/// What the process holds: threads, file descriptors, resident memory in KiB.
#[cfg(target_os = "linux")]
fn held() -> (usize, usize, u64) {
    let count = |path| std::fs::read_dir(path).unwrap().count();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kib = rss.trim().trim_end_matches(" kB").parse().unwrap();
    (count("/proc/self/task"), count("/proc/self/fd"), kib)
}

/// In a process of its own (`--exact --ignored`, by the test below): other tests have threads and memory, too.
#[test]
#[cfg(target_os = "linux")]
// Counts what the whole process holds, so it must be alone in it.
#[ignore = "run by boot_and_halt_leave_nothing_behind"]
fn boot_and_halt_many_times() {
    let cycles: u32 = std::env::var("CYCLES").unwrap().parse().unwrap();
    let cycle = || {
        let config = Config { nr_cpus: 4, ..Config::default() };
        let arrivals = Arrivals::Stuck(vec![At { cpu: CpuId(2), time: at(300) }]);
        let scenario =
            NestedOops { config, arrivals, until: Some(at(330)), ..NestedOops::default() };
        let run = scenario.machine().unwrap().run().unwrap();
        assert_eq!(run.incident.report().soft_lockups.len(), 1);
    };
    (0..cycles / 10).for_each(|_| cycle());
    let (threads, files, kib) = held();
    (0..cycles).for_each(|_| cycle());
    // A thread that was joined can stand in /proc for a moment longer.
    let after = (0..10_000).map(|_| held()).find(|now| now.0 == threads).unwrap_or_else(held);
    println!("before {threads} threads, {files} files, {kib} KiB; after {after:?}");
    assert_eq!((after.0, after.1), (threads, files));
    assert!(after.2 < kib + 16 * 1024, "memory grew from {kib} to {} KiB", after.2);
}

#[test]
#[cfg(target_os = "linux")]
fn boot_and_halt_leave_nothing_behind() {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "--ignored", "--nocapture", "boot_and_halt_many_times"]);
    if std::env::var_os("CYCLES").is_none() {
        child.env("CYCLES", "200");
    }
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "{text}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "a halt is quiet");
}
