//! RCU CPU stall warnings: when they come, whom they name, and what their printing does to the watchdogs.

use softlockup::config::{Clock, Detectors, RcuStalls};
use softlockup::incident::Incident;
use softlockup::incident::report::Detector;
use softlockup::kernel::fault::Access;
use softlockup::kernel::smp::kick_all_cpus_sync;
use softlockup::kernel::{irq, preempt};
use softlockup::record::{Event, Record};
use softlockup::vector::Vector;
use softlockup::{Config, Cpu, CpuId, Kernel, KernelTime, Machine, Parts, Task, ThisCpu};

const CPU0: CpuId = CpuId(0);

const KERNELS: [Kernel; 4] =
    [Kernel::Arm64V4_19, Kernel::Arm64V6_1, Kernel::Arm64V6_12, Kernel::X86V6_1];

fn secs(secs: u64) -> KernelTime {
    KernelTime::from_secs(secs)
}

fn config(kernel: Kernel, until: u64) -> Config {
    let detectors = Detectors::of(kernel);
    let rcu_stalls = Some(RcuStalls::default());
    Config { nr_cpus: 4, kernel, detectors, rcu_stalls, until: secs(until), ..Config::default() }
}

fn goes_dark(cpu: &Cpu) {
    let _irq = irq::disable_local(cpu);
    loop {
        cpu.spend(1_000_000_000);
    }
}

fn waits(cpu: &Cpu) {
    kick_all_cpus_sync(cpu);
}

fn computes(cpu: &Cpu) {
    cpu.run_user_until(secs(1_000));
}

type Body = fn(&Cpu);

/// Runs tasks, each from a second on: CPU, second, body.
fn run(config: Config, tasks: &[(u32, u64, Body)]) -> Incident {
    let mut machine = Machine::new(config, Parts::stock()).unwrap();
    for &(cpu, start, body) in tasks {
        machine.spawn(CpuId(cpu), Task::new(format!("t/{cpu}"), 100 + cpu, secs(start), body));
    }
    machine.run().unwrap().incident
}

fn stalls(incident: &Incident) -> Vec<&Record> {
    let is_stall = |record: &&Record| matches!(record.event, Event::RcuStall { .. });
    incident.records.iter().filter(is_stall).collect()
}

fn near(time: KernelTime, secs: f64) -> bool {
    (time.ns() as f64 / 1e9 - secs).abs() < 0.05
}

#[test]
fn a_dark_cpu_is_named_after_21_s_and_again_after_63_s_more() {
    let incident = run(config(Kernel::Arm64V4_19, 200), &[(0, 10, goes_dark), (1, 5, computes)]);
    let times: Vec<_> = stalls(&incident).iter().map(|stall| stall.time).collect();
    assert_eq!(times.len(), 3, "{times:?}");
    for (time, expected) in times.iter().zip([31.02, 94.04, 157.06]) {
        assert!(near(*time, expected), "{times:?}");
    }
    let report = incident.report();
    let named = report.detections.iter().filter(|found| found.detector == Detector::RcuStall);
    assert!(named.clone().all(|found| found.named_cpu == CPU0));
    assert_eq!(named.count(), 3);
    let console = incident.console();
    assert!(console.contains("rcu: INFO: rcu_sched detected stalls on CPUs/tasks:"), "{console}");
    assert!(console.contains("rcu: \t0-...0: ("), "{console}");
    assert!(console.contains("(detected by 1, t=5252 jiffies"), "{console}");
    // 4.19 on arm64 cannot ask a CPU: it prints what the scheduler knows.
    assert!(console.contains("Task dump for CPU 0:"), "{console}");
}

#[test]
fn without_the_switch_no_cpu_is_named() {
    let config = Config { rcu_stalls: None, ..config(Kernel::Arm64V4_19, 200) };
    let incident = run(config, &[(0, 10, goes_dark), (1, 5, computes)]);
    assert!(stalls(&incident).is_empty());
    let ticks = |record: &&Record| matches!(record.event, Event::IrqEnter { vector: Vector::Tick });
    assert_eq!(incident.records.iter().filter(ticks).count(), 0);
}

#[test]
fn an_idle_cpu_on_which_the_grace_period_thread_runs_sees_the_stall() {
    let incident = run(config(Kernel::Arm64V4_19, 40), &[(0, 10, goes_dark)]);
    let stalls = stalls(&incident);
    assert_eq!(stalls.len(), 1);
    assert_eq!(stalls[0].cpu, CpuId(1), "the first CPU that can run the thread");
}

#[test]
fn a_waiter_finds_itself_and_all_that_hold_up_the_grace_period_are_dumped() {
    let mut config = config(Kernel::X86V6_1, 60);
    config.detectors = Detectors::NONE;
    let incident = run(config, &[(0, 10, goes_dark), (2, 10, waits), (3, 10, waits)]);
    let stall = stalls(&incident)[0];
    assert_eq!((stall.cpu, &stall.event), (CpuId(2), &Event::RcuStall { self_detected: true }));
    // It is the only one that is named, but the others are asked as well.
    let from_here = |record: &&Record| record.time >= stall.time && record.cpu == CpuId(2);
    let here: Vec<_> = incident.records.iter().filter(from_here).map(|it| &it.event).collect();
    let count = |is: fn(&Event) -> bool| here.iter().filter(|event| is(event)).count();
    assert_eq!(count(|event| matches!(event, Event::RcuStallCpu { .. })), 1);
    assert_eq!(count(|event| matches!(event, Event::ShowIrqRegs)), 1);
    let asked = |of: u32| here.contains(&&Event::BacktraceRequest { of: CpuId(of) });
    assert!(asked(0) && asked(3) && !asked(1));
}

#[test]
fn the_cpu_that_reports_touches_its_watchdog_and_is_reported_later_itself() {
    let lockup = |rcu_stalls: Option<RcuStalls>| {
        let config = Config { rcu_stalls, ..config(Kernel::X86V6_1, 120) };
        let incident = run(config, &[(0, 10, goes_dark), (1, 14, waits)]);
        let locked = |record: &&Record| {
            record.cpu == CpuId(1) && matches!(record.event, Event::SoftLockup { .. })
        };
        incident.records.iter().find(locked).expect("CPU 1 locks up").time
    };
    // The stall is due at 31 s, before CPU 1's sixth sample: CPU 1 finds it by itself and begins to count anew.
    let (without, with) = (lockup(None), lockup(Some(RcuStalls::default())));
    assert!(with > without, "{without} {with}");
}

#[test]
fn on_arm64_6_1_a_waiter_shows_its_registers_and_what_the_scheduler_knows_of_the_others() {
    let incident = run(config(Kernel::Arm64V6_1, 33), &[(0, 10, goes_dark), (2, 10, waits)]);
    let stall = stalls(&incident)[0];
    let after: Vec<_> = incident.records.iter().filter(|it| it.seq > stall.seq).collect();
    let has = |event: &Event| after.iter().any(|it| it.cpu == CpuId(2) && it.event == *event);
    assert!(has(&Event::ShowIrqRegs) && has(&Event::TaskDump { of: CPU0 }));
    assert!(!after.iter().any(|it| matches!(it.event, Event::BacktraceRequest { .. })));
    let console = incident.console();
    assert!(console.contains("rcu: \t(t=5250 jiffies g=0 q=0 ncpus=4)"), "{console}");
}

#[test]
fn a_cpu_that_is_asking_holds_the_flag_and_the_stall_asks_no_cpu() {
    let incident = |detectors| {
        let config = Config { detectors, ..config(Kernel::Arm64V6_12, 55) };
        run(config, &[(0, 20, goes_dark), (2, 20, waits)])
    };
    let asks_by_rcu = |incident: &Incident| {
        let stall = stalls(incident)[0];
        let asks = |record: &&Record| {
            record.cpu == stall.cpu
                && record.time >= stall.time
                && record.event == Event::BacktraceRequest { of: CPU0 }
        };
        incident.records.iter().filter(asks).count()
    };
    assert_eq!(asks_by_rcu(&incident(Detectors::NONE)), 1);
    // The buddy of CPU 0 asks in vain from 36.4 s on, for 10 s.
    let with_buddy = incident(Detectors::of(Kernel::Arm64V6_12));
    let lockup = |record: &&Record| record.event == Event::HardLockup { cpu: CPU0 };
    let found = with_buddy.records.iter().find(lockup).expect("the buddy finds it").time;
    assert!(found < secs(41) && found + 10_000_000_000 > secs(41), "{found}");
    assert_eq!(asks_by_rcu(&with_buddy), 0);
}

#[test]
fn a_grace_period_that_all_cpus_have_passed_stays_open_if_no_cpu_can_run_its_thread() {
    // Between the beginning of the grace period and the thread's first look, each CPU passes and is then stuck.
    let stuck = |cpu: &Cpu| {
        let _preempt = preempt::disable(cpu);
        loop {
            cpu.spend(1_000_000_000);
        }
    };
    let mut config = config(Kernel::Arm64V6_12, 40);
    config.rcu_stalls = Some(RcuStalls { first_ns: 9_999_000_000, every_ns: 0 });
    let incident = run(config, &[(0, 10, stuck), (1, 10, stuck), (2, 10, stuck), (3, 10, stuck)]);
    assert_eq!(stalls(&incident).len(), 1);
    let named = |record: &&Record| matches!(record.event, Event::RcuStallCpu { .. });
    assert_eq!(incident.records.iter().filter(named).count(), 0);

    // The thread could last run at 10 s, when the last CPU got stuck; jiffies begin 300 s before they wrap.
    let now = stalls(&incident)[0].time.ns() / 4_000_000;
    let idle = now - 10 * 250;
    let boot = (1u64 << 32) - 75_000;
    let (now, active) = (boot + now, boot + 10 * 250);
    let console = incident.console();
    for line in [
        &*format!(
            "rcu: All QSes seen, last rcu_sched kthread activity {idle} ({now}-{active}), \
             jiffies_till_next_fqs=1, root ->qsmask 0x0\n"
        ),
        "rcu: rcu_sched kthread starved for ",
        "rcu: \tUnless rcu_sched kthread gets sufficient CPU time, OOM is now expected behavior.\n",
    ] {
        assert!(console.contains(line), "{line}{console}");
    }
}

#[test]
fn on_4_19_the_cpu_that_finds_all_seen_shows_its_own_task_and_says_nothing_of_memory() {
    let stuck = |cpu: &Cpu| {
        let _preempt = preempt::disable(cpu);
        loop {
            cpu.spend(1_000_000_000);
        }
    };
    let mut config = config(Kernel::Arm64V4_19, 40);
    config.rcu_stalls = Some(RcuStalls { first_ns: 9_999_000_000, every_ns: 0 });
    let incident = run(config, &[(0, 10, stuck), (1, 10, stuck), (2, 10, stuck), (3, 10, stuck)]);
    let console = incident.console();
    let (_, report) = console.split_once("rcu: All QSes seen, ").expect("a stall");
    let next = report.lines().nth(1).expect("more follows");
    assert!(next.contains("t/0             R  running task        0   100"), "{console}");
    assert!(console.contains("kthread starved") && !console.contains("OOM"), "{console}");
}

#[test]
fn a_grace_period_ends_when_the_cpu_that_held_it_up_goes_on() {
    let slow = |cpu: &Cpu| {
        let _preempt = preempt::disable(cpu);
        cpu.spend(40_000_000_000);
    };
    let incident = run(config(Kernel::Arm64V4_19, 130), &[(0, 10, slow), (1, 45, slow)]);
    // CPU 0 holds up one until 50 s. CPU 1 is stuck by then, so it holds up the next, which begins only now.
    let times: Vec<_> = stalls(&incident).iter().map(|stall| stall.time).collect();
    assert_eq!(times.len(), 2, "{times:?}");
    assert!(near(times[0], 31.0) && near(times[1], 71.0), "{times:?}");
}

#[test]
fn in_wall_clock_time_the_dark_cpu_is_named_too() {
    let config = Config { clock: Clock::Wall { ratio: 50.0 }, ..config(Kernel::Arm64V4_19, 120) };
    let incident = run(config, &[(0, 10, goes_dark), (1, 5, computes)]);
    let names_cpu0 = |record: &&Record| {
        matches!(record.event, Event::RcuStallCpu { on: CPU0, .. }) && record.time > secs(31)
    };
    assert!(incident.records.iter().any(|record| names_cpu0(&record)), "{}", incident.console());
}

#[test]
fn a_healthy_machine_is_silent_with_every_detector_on() {
    for kernel in KERNELS {
        let mut config = config(kernel, 300);
        config.nr_cpus = 8;
        config.detectors = Detectors { csd: true, hardlockup_perf: true, ..config.detectors };
        config.pseudo_nmi = true;
        let works = |cpu: &Cpu| {
            for _ in 0..200 {
                kick_all_cpus_sync(cpu);
                cpu.run_user_until(cpu.now() + 500_000_000);
                cpu.spend(300_000_000);
                cpu.cond_resched();
            }
        };
        let incident = run(config, &[(1, 2, works), (3, 7, works), (5, 1, computes)]);
        assert!(incident.report().detections.is_empty(), "{kernel:?}: {}", incident.console());
        assert!(stalls(&incident).is_empty());
    }
}

#[test]
fn the_articles_cpu0_never_returns_and_rcu_is_the_first_to_name_it() {
    let oopses = |cpu: &Cpu| cpu.null_deref(Access::Write, 0);
    let mut machine = Machine::new(config(Kernel::Arm64V4_19, 60), Parts::stock()).unwrap();
    machine.spawn(CPU0, Task::new("gen_seri_oops/0", 58147, secs(10), oopses));
    let faults = std::sync::atomic::AtomicBool::new(true);
    machine.register_die_notifier(softlockup::kernel::notifier::NotifierBlock::new(
        "kbox_die",
        0,
        move |cpu: &Cpu| {
            if faults.swap(false, std::sync::atomic::Ordering::SeqCst) {
                cpu.null_deref(Access::Read, 8);
            }
            softlockup::parts::die_chain::Notify::Done
        },
    ));
    let report = machine.run().unwrap().incident.report();
    let first = report.detections.first().expect("a detection");
    assert_eq!((first.detector, first.named_cpu), (Detector::RcuStall, CPU0));
}
