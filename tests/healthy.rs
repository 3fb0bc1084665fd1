//! A healthy machine is silent; and the same machine with one thing broken is not.

use softlockup::config::{BringUp, BuddyRule, Detectors};
use softlockup::incident::report::Detector;
use softlockup::kernel::smp::kick_all_cpus_sync;
use softlockup::kernel::{irq, preempt};
use softlockup::time::NSEC_PER_SEC;
use softlockup::{Config, Cpu, CpuId, Incident, Kernel, KernelTime, Machine, Parts, Task, ThisCpu};

fn at(secs: u64) -> KernelTime {
    KernelTime::from_ns(secs * NSEC_PER_SEC)
}

/// CPUs that compute, fault pages in, hold off interrupts and preemption for as long as is allowed, and idle; and, if
/// `broken`, one that holds off preemption for too long.
fn machine(nr_cpus: u32, until: KernelTime, broken: bool) -> Incident {
    let config = Config { nr_cpus, until, ..Config::default() };
    let mut machine = Machine::new(config, Parts::stock()).unwrap();
    for n in 0..nr_cpus.min(8) {
        let period = 50 + 7 * u64::from(n);
        machine.spawn(
            CpuId(n),
            Task::new("worker", 1000 + n, at(20), move |cpu| {
                let mut now = at(20);
                while now < until {
                    now = now + period * NSEC_PER_SEC;
                    cpu.run_user_until(now);
                    cpu.exec_fault();
                    {
                        let _preempt = preempt::disable(cpu);
                        cpu.spend(15 * NSEC_PER_SEC);
                    }
                    {
                        let _irq = irq::disable_local(cpu);
                        cpu.spend(NSEC_PER_SEC);
                    }
                    kick_all_cpus_sync(cpu);
                }
            }),
        );
    }
    if broken {
        let task = Task::new("stuck", 2000, at(100), |cpu| {
            let _preempt = preempt::disable(cpu);
            cpu.spend(40 * NSEC_PER_SEC);
        });
        machine.spawn(CpuId(nr_cpus - 1), task);
    }
    machine.run().unwrap().incident
}

#[test]
fn an_hour_of_a_healthy_machine_says_nothing() {
    for nr_cpus in [2, 64] {
        let incident = machine(nr_cpus, at(3600), false);
        assert_eq!(incident.console(), "");
        assert!(incident.report().stuck.is_empty());
    }
}

#[test]
fn an_hour_of_a_thousand_healthy_cpus_says_nothing() {
    let incident = machine(1024, at(3600), false);
    assert_eq!(incident.console(), "");
    assert!(incident.report().stuck.is_empty());
}

#[test]
fn a_cpu_that_holds_off_preemption_for_too_long_is_reported() {
    for nr_cpus in [9, 64] {
        let report = machine(nr_cpus, at(300), true).report();
        let reported: Vec<_> = report.soft_lockups.iter().map(|lockup| lockup.cpu).collect();
        assert_eq!(reported, [CpuId(nr_cpus - 1)]);
        assert!(report.soft_lockups[0].waits_for.is_empty(), "it waits for no CPU");
        assert!(report.stuck.is_empty(), "it came back");
    }
}

#[test]
fn the_clock_does_not_stop_for_cpus_that_wake_each_other_for_ever() {
    let until = at(60);
    let mut machine =
        Machine::new(Config { nr_cpus: 2, until, ..Config::default() }, Parts::stock()).unwrap();
    machine.spawn(
        CpuId(1),
        Task::new("restless", 1, at(50), |cpu| {
            loop {
                cpu.printk("");
                cpu.relax();
            }
        }),
    );
    assert_eq!(machine.run().unwrap().incident.ended, until);
}

#[test]
fn a_healthy_machine_is_silent_with_every_detector_on_and_a_dark_cpu_is_not() {
    for (nr_cpus, dark) in [(2, false), (64, false), (64, true)] {
        let detectors = Detectors {
            softlockup: true,
            hardlockup_buddy: Some(BuddyRule::EVERY_SAMPLE),
            hardlockup_perf: true,
            csd: true,
        };
        let until = at(if dark { 300 } else { 3600 });
        let kernel = Kernel::Arm64V6_12;
        let config =
            Config { nr_cpus, kernel, detectors, pseudo_nmi: true, until, ..Config::default() };
        let mut machine = Machine::new(config, Parts::stock()).unwrap();
        let busy = move |cpu: &Cpu| {
            while cpu.now() < until {
                cpu.exec_fault();
                let _irq = irq::disable_local(cpu);
                cpu.spend(3 * NSEC_PER_SEC);
            }
        };
        machine.spawn(CpuId(1), Task::new("busy", 1, at(10), busy));
        if dark {
            let body = |cpu: &Cpu| {
                let _irq = irq::disable_local(cpu);
                cpu.spend(100 * NSEC_PER_SEC);
            };
            machine.spawn(CpuId(5), Task::new("dark", 2, at(100), body));
        }
        let report = machine.run().unwrap().incident.report();
        if dark {
            // CPU 1 calls it, waits, and so reports itself, too; but every CPU that names another CPU names CPU 5.
            let others =
                report.detections.iter().filter(|found| found.detector != Detector::Softlockup);
            let named: Vec<_> = others.map(|found| found.named_cpu).collect();
            assert!(named.len() >= 3 && named.iter().all(|cpu| *cpu == CpuId(5)), "{named:?}");
        } else {
            assert_eq!(report.detections.first(), None, "nr_cpus {nr_cpus}");
        }
    }
}

#[test]
fn no_buddy_calls_a_cpu_locked_up_that_has_just_come_online() {
    for n in 0..60 {
        let rule = [BuddyRule::EVERY_THIRD_SAMPLE, BuddyRule::EVERY_SAMPLE][n as usize % 2];
        let config = Config {
            nr_cpus: 2 + n as u32 % 4,
            watchdog_thresh_secs: 2,
            // Each CPU comes 0 to 3 sample periods after the last one.
            bring_up: BringUp { per_cpu_ns: n * 40_000_000 + 2_236_099, ..BringUp::default() },
            detectors: Detectors { hardlockup_buddy: Some(rule), ..Detectors::NONE },
            until: at(60),
            ..Config::default()
        };
        let incident = Machine::new(config, Parts::stock()).unwrap().run().unwrap().incident;
        assert_eq!(incident.console(), "", "bring-up {n}");
    }
}
