//! Wall-clock time. A loaded host may add lockups of its own there, so what is asserted holds whatever the host does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::*};

use softlockup::config::Detectors;
use softlockup::kernel::smp::kick_all_cpus_sync;
use softlockup::kernel::{irq, preempt};
use softlockup::time::NSEC_PER_SEC;
use softlockup::{Clock, Config, CpuId, Event, Kernel, KernelTime, Machine, Parts, Task, ThisCpu};

fn at(secs: u64) -> KernelTime {
    KernelTime::from_ns(secs * NSEC_PER_SEC)
}

fn config(nr_cpus: u32) -> Config {
    let clock = Clock::Wall { ratio: 200.0 };
    Config { nr_cpus, clock, until: at(3_000), ..Config::default() }
}

#[test]
fn a_cpu_that_waits_for_a_silent_one_reports_itself() {
    waits_for_a_silent_one(|cpu| cpu.relax());
}

/// Asleep and silent: nothing shows that the host runs it, and it is a lockup all the same.
#[test]
fn a_cpu_that_waits_for_one_that_sleeps_with_interrupts_off_reports_itself() {
    waits_for_a_silent_one(|cpu| cpu.spend(10_000 * NSEC_PER_SEC));
}

fn waits_for_a_silent_one(be_silent: fn(&softlockup::Cpu)) {
    let reported = Arc::new(AtomicBool::new(false));
    let mut machine = Machine::new(config(4), Parts::stock()).unwrap();
    machine.spawn(
        CpuId(0),
        Task::new("silent", 1, at(5), move |cpu| {
            let _irq = irq::disable_local(cpu);
            loop {
                be_silent(cpu);
            }
        }),
    );
    machine.spawn(CpuId(2), Task::new("victim", 2, at(20), kick_all_cpus_sync));
    let seen = Arc::clone(&reported);
    machine.spawn(
        CpuId(3),
        Task::new("init", 3, at(20), move |cpu| {
            while !seen.load(Acquire) {
                cpu.spend(NSEC_PER_SEC);
            }
            cpu.power_off();
        }),
    );
    let lockup_on_2 =
        |cpu, event: &Event| cpu == CpuId(2) && matches!(event, Event::SoftLockup { .. });
    let run = machine.run_with(|record| {
        if lockup_on_2(record.cpu, &record.event) {
            reported.store(true, Release);
        }
    });
    let report = run.unwrap().incident.report();
    let victim = report.soft_lockups.iter().find(|lockup| lockup.cpu == CpuId(2)).unwrap();
    assert_eq!(victim.waits_for, [CpuId(0)]);
    assert!(victim.stack.contains(&"smp_call_function_many".to_owned()));
    assert!(report.soft_lockups.iter().all(|lockup| lockup.cpu != CpuId(0)));
}

/// CPU 1 holds off preemption. Either it works on and on, or its thread does not run at all for a minute of kernel
/// time.
fn soft_lockups_on_cpu1(pauses: bool) -> usize {
    static REPORTED: AtomicBool = AtomicBool::new(false);
    let mut machine = Machine::new(config(2), Parts::stock()).unwrap();
    let body = move |cpu: &softlockup::Cpu| {
        {
            let _preempt = preempt::disable(cpu);
            if pauses {
                host_pauses(cpu);
            }
            while !pauses && !REPORTED.load(Acquire) {
                cpu.spend(NSEC_PER_SEC);
            }
        }
        cpu.spend(5 * NSEC_PER_SEC);
        cpu.power_off();
    };
    machine.spawn(CpuId(1), Task::new("worker", 1, at(10), body));
    let run = machine.run_with(|record| {
        if matches!(record.event, Event::SoftLockup { .. }) && record.cpu == CpuId(1) {
            REPORTED.store(true, Release);
        }
    });
    let report = run.unwrap().incident.report();
    report.soft_lockups.iter().filter(|lockup| lockup.cpu == CpuId(1)).count()
}

#[test]
fn a_cpu_that_the_host_did_not_run_is_not_called_locked_up_and_one_that_works_on_is() {
    assert_eq!(soft_lockups_on_cpu1(true), 0);
    assert!(soft_lockups_on_cpu1(false) > 0);
}

/// A minute of kernel time without an interruption point: as if the host ran another thread.
fn host_pauses(cpu: &softlockup::Cpu) {
    let end = cpu.now() + 60 * NSEC_PER_SEC;
    while cpu.now() < end {
        std::hint::black_box(());
    }
}

#[test]
fn a_cpu_that_waits_for_one_that_the_host_did_not_run_is_not_called_locked_up() {
    let mut machine = Machine::new(config(2), Parts::stock()).unwrap();
    machine.spawn(CpuId(1), Task::new("worker", 1, at(10), host_pauses));
    machine.spawn(
        CpuId(0),
        Task::new("caller", 2, at(11), |cpu| {
            kick_all_cpus_sync(cpu);
            cpu.power_off();
        }),
    );
    let report = machine.run().unwrap().incident.report();
    assert!(report.soft_lockups.is_empty(), "{:?}", report.soft_lockups);
}

#[test]
fn the_buddy_of_a_cpu_that_the_host_did_not_run_is_silent() {
    let config = Config { kernel: Kernel::Arm64V6_12, ..config(2) };
    let config = Config { detectors: Detectors::of(config.kernel), ..config };
    let mut machine = Machine::new(config, Parts::stock()).unwrap();
    machine.spawn(
        CpuId(1),
        Task::new("worker", 1, at(30), |cpu| {
            host_pauses(cpu);
            cpu.power_off();
        }),
    );
    let incident = machine.run().unwrap().incident;
    let on_1 = |event: &Event| matches!(event, Event::HardLockup { cpu } if *cpu == CpuId(1));
    assert!(!incident.records.iter().any(|record| on_1(&record.event)));
}

#[test]
fn a_machine_of_many_more_cpus_than_the_host_can_run_ends() {
    let clock = Clock::Wall { ratio: 1_000.0 };
    let config = Config { nr_cpus: 1024, clock, until: at(60), ..Config::default() };
    let run = Machine::new(config, Parts::stock()).unwrap().run().unwrap();
    assert!(run.incident.ended >= at(60));
    assert!(run.host.hung.is_empty());
}

#[test]
fn a_wait_that_is_young_in_the_hosts_time_is_not_stuck() {
    // A millisecond of the host is a hundred seconds here: CPU 1 may not have run for as long when time is over.
    let clock = Clock::Wall { ratio: 1e5 };
    let mut machine =
        Machine::new(Config { clock, until: at(100), ..config(2) }, Parts::stock()).unwrap();
    machine.spawn(CpuId(1), Task::new("worker", 1, at(10), host_pauses));
    machine.spawn(CpuId(0), Task::new("caller", 2, at(50), kick_all_cpus_sync));
    let report = machine.run().unwrap().incident.report();
    assert_eq!((report.culprit, report.stuck.len()), (None, 0), "{:?}", report.stuck);
}

#[test]
fn records_arrive_live_in_causal_order_without_a_gap() {
    let mut machine = Machine::new(config(4), Parts::stock()).unwrap();
    for n in 0..4 {
        machine.spawn(
            CpuId(n),
            Task::new("caller", n, at(3), |cpu| {
                for _ in 0..200 {
                    kick_all_cpus_sync(cpu);
                }
            }),
        );
    }
    machine.spawn(CpuId(0), Task::new("init", 9, at(4), |cpu| cpu.power_off()));
    let mut live = Vec::new();
    let run = machine.run_with(|record| live.push(record.clone())).unwrap();
    assert!(live == run.incident.records);
    assert!(live.iter().zip(0..).all(|(record, seq)| record.seq == seq), "a gap, or disorder");
    // An answer is recorded by the called CPU before the caller's wait for it ends.
    for (n, record) in live.iter().enumerate() {
        if let Event::CsdWaitEnd { on } = record.event {
            let answers = |earlier: &softlockup::Record| {
                earlier.cpu == on && earlier.event == Event::CsdUnlock { from: record.cpu }
            };
            assert!(live[..n].iter().any(answers), "{record:?} before its answer");
        }
    }
}

#[test]
fn calls_between_all_pairs_of_cpus_all_return() {
    static DONE: AtomicU32 = AtomicU32::new(0);
    let mut machine = Machine::new(config(8), Parts::stock()).unwrap();
    for n in 0..8 {
        machine.spawn(
            CpuId(n),
            Task::new("caller", n, at(3), |cpu| {
                for _ in 0..50 {
                    let _preempt = preempt::disable(cpu);
                    kick_all_cpus_sync(cpu);
                }
                DONE.fetch_add(1, AcqRel);
            }),
        );
    }
    machine.spawn(
        CpuId(0),
        Task::new("init", 9, at(10), |cpu| {
            while DONE.load(Acquire) < 8 {
                cpu.spend(NSEC_PER_SEC);
            }
            cpu.power_off();
        }),
    );
    assert!(machine.run().unwrap().incident.report().stuck.is_empty());
}
