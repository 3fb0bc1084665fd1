//! Which CPU names CPU 0, when, and what the kernel does about it: as on real arm64 kernels of 6.12.

use softlockup::config::{BuddyRule, Detectors, Sysctl};
use softlockup::incident::report::{Detection, Detector, Outcome, Report};
use softlockup::kernel::fault::Access;
use softlockup::kernel::notifier::NotifierBlock;
use softlockup::kernel::smp::kick_all_cpus_sync;
use softlockup::kernel::{hardlockup, irq, nmi};
use softlockup::parts::die_chain::Notify;
use softlockup::scenario::At;
use softlockup::scenario::nested_oops::{Arrivals, Before, NestedOops, Notifier, OOPS_AT};
use softlockup::time::NSEC_PER_SEC;
use softlockup::{
    Config, Cpu, CpuId, Event, Incident, Kernel, KernelTime, Machine, Parts, Scenario, Task,
};

/// How many runs each statement is tried on: 100, or what `SEEDS` in the environment says.
fn seeds() -> u64 {
    std::env::var("SEEDS").map_or(100, |seeds| seeds.parse().expect("SEEDS is a number"))
}

fn at(secs: f64) -> KernelTime {
    KernelTime::from_secs_f64(secs).unwrap()
}

/// The article's incident on 6.12 with these detectors, on eight CPUs with random arrivals.
fn seeded(seed: u64, change: impl FnOnce(&mut NestedOops)) -> Incident {
    let kernel = Kernel::Arm64V6_12;
    let detectors = Detectors::of(kernel);
    let config = Config { nr_cpus: 8, kernel, detectors, ..Config::default() };
    let mut scenario =
        NestedOops { config, arrivals: Arrivals::Seed(seed), ..NestedOops::default() };
    change(&mut scenario);
    scenario.machine().unwrap().run().unwrap().incident
}

fn report(seed: u64, change: impl FnOnce(&mut NestedOops)) -> Report {
    seeded(seed, change).report()
}

fn of(detector: Detector, report: &Report) -> Vec<&Detection> {
    report.detections.iter().filter(|found| found.detector == detector).collect()
}

/// Nanoseconds since CPU 0 went dark.
fn since_dark(detection: &Detection) -> u64 {
    detection.time.ns_since(OOPS_AT)
}

#[test]
fn the_buddy_names_cpu0_once_and_in_time_whatever_the_phase() {
    // CPU 7 samples this much after CPU 0, to a tick: a CPU that goes dark in between is seen alive once more.
    let between = 7 * Config::default().bring_up.per_cpu_ns + 4_000_000;
    let rules = [
        (BuddyRule::EVERY_THIRD_SAMPLE, 8 * NSEC_PER_SEC..24 * NSEC_PER_SEC),
        (BuddyRule::EVERY_SAMPLE, 8 * NSEC_PER_SEC..12 * NSEC_PER_SEC + between),
    ];
    for (rule, in_time) in rules {
        for step in 0..seeds() {
            let report = report(0, |scenario| {
                scenario.config.detectors.hardlockup_buddy = Some(rule);
                // Another boot speed is another phase of every watchdog against the oops.
                scenario.config.bring_up.first_ns += step * 12 * NSEC_PER_SEC / seeds();
                scenario.arrivals = Arrivals::Stuck(Vec::new());
                scenario.until = Some(at(290.0));
            });
            let named = of(Detector::HardlockupBuddy, &report);
            assert_eq!(named.len(), 1, "once");
            assert_eq!((named[0].named_cpu, named[0].reporter_cpu), (CpuId(0), CpuId(7)));
            assert!(in_time.contains(&since_dark(named[0])), "{rule:?}: {:?}", named[0]);
        }
    }
}

#[test]
fn a_touched_cpu_is_named_one_check_later() {
    let named_at = |touches: bool| {
        let config = Config {
            nr_cpus: 4,
            until: at(100.0),
            detectors: Detectors::of(Kernel::Arm64V6_12),
            ..Config::default()
        };
        let mut machine = Machine::new(config, Parts::stock()).unwrap();
        let body = move |cpu: &Cpu| {
            let _irq = irq::disable_local(cpu);
            if touches {
                hardlockup::touch_nmi_watchdog(cpu);
            }
            cpu.spend(90 * NSEC_PER_SEC);
        };
        machine.spawn(CpuId(0), Task::new("dark", 1, at(30.0), body));
        let report = machine.run().unwrap().incident.report();
        of(Detector::HardlockupBuddy, &report)[0].time
    };
    assert_eq!(named_at(true).ns_since(named_at(false)), 12 * NSEC_PER_SEC);
}

#[test]
fn csd_debug_names_cpu0_five_seconds_after_each_wait_began() {
    for seed in 0..seeds() {
        let incident = seeded(seed, |scenario| {
            scenario.config.detectors = Detectors { csd: true, ..Detectors::NONE };
        });
        let waits: Vec<_> = incident
            .records
            .iter()
            .filter(|record| record.time > OOPS_AT && matches!(record.event, Event::CsdWait { .. }))
            .map(|record| (record.cpu, record.time + 5 * NSEC_PER_SEC + 1))
            .filter(|(_, due)| *due <= incident.ended)
            .collect();
        let report = incident.report();
        let mut first: Vec<(CpuId, KernelTime)> = Vec::new();
        for found in of(Detector::Csd, &report) {
            assert_eq!(found.named_cpu, CpuId(0));
            if !first.iter().any(|(cpu, _)| *cpu == found.reporter_cpu) {
                first.push((found.reporter_cpu, found.time));
            }
        }
        assert_eq!(first, waits);
        assert!(report.soft_lockups.is_empty(), "that detector is off");
    }
}

#[test]
fn csd_debug_repeats_as_a_real_kernel_of_four_cpus_does() {
    let report = report(0, |scenario| {
        scenario.config.nr_cpus = 4;
        scenario.config.detectors = Detectors { csd: true, ..Detectors::NONE };
        scenario.arrivals = Arrivals::Stuck(vec![At { cpu: CpuId(2), time: at(260.0) }]);
        scenario.until = Some(at(400.0));
    });
    let waited: Vec<_> =
        of(Detector::Csd, &report).iter().map(|found| found.printed_seconds).collect();
    assert_eq!(waited, [Some(5), Some(25), Some(55), Some(95)]);
}

/// A CPU is slow: it answers a call late.
#[test]
fn csd_debug_says_when_a_call_got_unstuck_and_what_was_run_meanwhile() {
    static SLOW: softlockup::kernel::csd::CallFunction = softlockup::kernel::csd::CallFunction {
        name: "slow",
        func: |cpu, _| cpu.spend(8 * NSEC_PER_SEC),
    };
    let detectors = Detectors { csd: true, ..Detectors::NONE };
    let config = Config {
        nr_cpus: 4,
        kernel: Kernel::Arm64V6_12,
        detectors,
        until: at(60.0),
        ..Config::default()
    };
    let mut machine = Machine::new(config, Parts::stock()).unwrap();
    for (n, start) in [(1, 10.0), (2, 11.0)] {
        let call = |cpu: &Cpu| {
            softlockup::kernel::smp::smp_call_function_single(
                cpu,
                CpuId(0),
                &SLOW,
                0,
                softlockup::parts::call_many::Wait::Sync,
            )
        };
        machine.spawn(CpuId(n), Task::new("caller", n, at(start), call));
    }
    let console = machine.run().unwrap().incident.console();
    for line in [
        "smp: csd: Detected non-responsive CSD lock (#1) on CPU#1, waiting 5000000001 ns for CPU#00 slow+0x0/0x0(0x0).",
        "smp: \tcsd: CSD lock (#1) handling this request.",
        "smp: csd: Detected non-responsive CSD lock (#2) on CPU#2, waiting 5000000001 ns for CPU#00 slow+0x0/0x0(0x0).",
        "smp: \tcsd: CSD lock (#2) handling prior slow+0x0/0x0(0x0) request.",
        "smp: csd: CSD lock (#1) got unstuck on CPU#01, CPU#00 released the lock.",
        "smp: csd: CSD lock (#2) got unstuck on CPU#02, CPU#00 released the lock.",
    ] {
        assert_eq!(console.matches(line).count(), 1, "{line}\n{console}");
    }
    assert!(!console.contains("Re-sending"), "its target is busy with a call, not deaf");
}

#[test]
fn first_soft_reports_come_after_20_to_24_s_if_busy_before_and_24_to_28_if_idle() {
    let cases = [
        (Before::Busy, 20 * NSEC_PER_SEC..24 * NSEC_PER_SEC, [22, 23]),
        (Before::Idle, 24 * NSEC_PER_SEC..28 * NSEC_PER_SEC, [26, 27]),
    ];
    for (before, waited, printed) in cases {
        let mut seen = 0;
        for seed in 0..seeds() {
            let report = report(seed, |scenario| {
                scenario.before = before;
                scenario.config.detectors.hardlockup_buddy = None;
            });
            let mut reported = Vec::new();
            for lockup in &report.soft_lockups {
                if reported.contains(&lockup.cpu) {
                    continue;
                }
                reported.push(lockup.cpu);
                let wait = lockup.time.ns_since(lockup.wait_began.unwrap());
                assert!(waited.contains(&wait), "{before:?}: {lockup:?}");
                assert!(printed.contains(&lockup.printed_seconds), "{before:?}: {lockup:?}");
                seen += 1;
            }
        }
        assert!(seen > 3 * seeds(), "{before:?}: only {seen}");
    }
}

#[test]
fn a_cpu_that_asked_in_vain_for_a_backtrace_reports_itself_late() {
    let lockup_on = |cpu: u32, buddy| {
        let report = report(0, |scenario| {
            scenario.config.detectors.hardlockup_buddy = buddy;
            // CPU 7 is the buddy of CPU 0; it waits itself when it asks.
            scenario.arrivals = Arrivals::Stuck(vec![At { cpu: CpuId(cpu), time: at(256.0) }]);
            scenario.until = Some(at(320.0));
        });
        let lockup = report.soft_lockups.into_iter().find(|lockup| lockup.cpu == CpuId(cpu));
        lockup.unwrap().printed_seconds
    };
    assert_eq!(lockup_on(7, None), 22);
    let late = lockup_on(7, Some(BuddyRule::EVERY_THIRD_SAMPLE));
    assert!((41..=60).contains(&late), "{late}");
    assert_eq!(lockup_on(6, Some(BuddyRule::EVERY_THIRD_SAMPLE)), 22, "who did not ask");
}

#[test]
fn with_pseudo_nmi_cpu0_answers_with_its_own_stack() {
    let incident = seeded(0, |scenario| scenario.config.pseudo_nmi = true);
    let console = incident.console();
    let (_, answer) = console.split_once("NMI backtrace for cpu 0\n").expect("it answers");
    let trace: Vec<_> = answer.lines().skip_while(|line| !line.ends_with("Call trace:")).collect();
    let frame = |n: usize| trace[n].split(&[' ', '+']).rev().nth(1).unwrap();
    assert_eq!((frame(1), frame(2)), ("queued_spin_lock_slowpath", "die"));
    assert!(answer.contains("pmr_save: 000000c0"), "masked by priority");

    let silent = seeded(0, |_| {}).console();
    assert!(silent.contains("Sending NMI from CPU 7 to CPUs 0:"));
    assert!(!silent.contains("NMI backtrace for cpu 0"));
}

#[test]
fn the_perf_detector_lets_cpu0_report_itself() {
    for step in 0..seeds() {
        let report = report(0, |scenario| {
            scenario.config.pseudo_nmi = true;
            scenario.config.detectors = Detectors { hardlockup_perf: true, ..Detectors::NONE };
            scenario.config.bring_up.first_ns += step * 10 * NSEC_PER_SEC / seeds();
            scenario.arrivals = Arrivals::Stuck(Vec::new());
            scenario.until = Some(at(300.0));
        });
        let found = of(Detector::HardlockupPerf, &report);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].reporter_cpu, found[0].named_cpu), (CpuId(0), CpuId(0)));
        let delay = since_dark(found[0]);
        assert!((6 * NSEC_PER_SEC..20 * NSEC_PER_SEC).contains(&delay), "{delay}");
    }
}

fn with_sysctl(sysctl: Sysctl, change: impl FnOnce(&mut NestedOops)) -> (Report, String) {
    let incident = seeded(1, |scenario| {
        scenario.config.sysctl = sysctl;
        change(scenario);
    });
    (incident.report(), incident.console())
}

const SOFTLOCKUP_PANIC: Sysctl = Sysctl { softlockup_panic: true, ..Sysctl::OFF };

#[test]
fn softlockup_panic_panics_at_the_first_report_and_names_who_did_not_stop() {
    let (report, console) = with_sysctl(SOFTLOCKUP_PANIC, |_| {});
    assert_eq!(report.outcome, Outcome::Panicked);
    assert_eq!(report.soft_lockups.len(), 1);
    assert_eq!(report.not_stopped, [CpuId(0)]);
    let lockup = &report.soft_lockups[0];
    assert_eq!(report.ended.ns_since(lockup.time), NSEC_PER_SEC, "it waits a second for CPU 0");
    assert!(console.contains("Kernel panic - not syncing: softlockup: hung tasks"));
    assert!(console.contains("SMP: failed to stop secondary CPUs 0\n"), "6.12: the failures");
}

#[test]
fn up_to_6_1_the_line_prints_the_online_mask() {
    let (report, console) = with_sysctl(SOFTLOCKUP_PANIC, |scenario| {
        scenario.config.kernel = Kernel::Arm64V4_19;
    });
    let reporter = report.soft_lockups[0].cpu;
    let line = format!("SMP: failed to stop secondary CPUs 0,{reporter}\n");
    assert!(console.contains(&line) || reporter == CpuId(1), "{console}");
}

#[test]
fn with_pseudo_nmi_every_cpu_stops_at_the_second_request() {
    let (report, console) =
        with_sysctl(SOFTLOCKUP_PANIC, |scenario| scenario.config.pseudo_nmi = true);
    assert!(report.not_stopped.is_empty());
    assert!(console.contains("SMP: retry stop with NMI for CPUs 0\n"));
    assert!(!console.contains("failed to stop"));
}

#[test]
fn hardlockup_panic_panics_when_the_buddy_has_waited_for_the_backtrace() {
    let sysctl = Sysctl { hardlockup_panic: true, ..Sysctl::default() };
    let (report, console) = with_sysctl(sysctl, |_| {});
    assert_eq!(report.outcome, Outcome::Panicked);
    let named = of(Detector::HardlockupBuddy, &report)[0].time;
    assert_eq!(report.ended.ns_since(named), 11 * NSEC_PER_SEC, "10 s, and one for the stop");
    assert!(console.contains("Kernel panic - not syncing: Hard LOCKUP"));
}

#[test]
fn panic_on_oops_never_gets_that_far_unless_the_notifier_comes_back() {
    let sysctl = Sysctl { panic_on_oops: true, ..Sysctl::default() };
    let (report, _) = with_sysctl(sysctl, |_| {});
    assert_eq!(report.outcome, Outcome::Hung);
    let (report, console) = with_sysctl(sysctl, |scenario| scenario.notifier = Notifier::Harmless);
    assert_eq!(report.outcome, Outcome::Panicked);
    assert!(report.not_stopped.is_empty(), "every CPU stopped");
    assert!(console.contains("Kernel panic - not syncing: Oops: Fatal exception\n"));
}

#[test]
fn panic_on_ipistall_backfires_on_the_same_die_lock() {
    let sysctl = Sysctl { panic_on_ipistall_ms: 20_000, ..Sysctl::default() };
    let (report, console) = with_sysctl(sysctl, |scenario| scenario.config.detectors.csd = true);
    assert_eq!(report.outcome, Outcome::Hung);
    assert!(console.contains("kernel BUG at kernel/smp.c:0!"));
    assert!(!console.contains("Oops - BUG"), "die() waits before it prints");
    assert!(!console.contains("Kernel panic"));
}

#[test]
fn a_bug_that_a_notifier_stops_is_reported_and_the_kernel_goes_on() {
    let kernels = [
        (Kernel::Arm64V6_12, "Internal error: Oops - BUG: 00000000f2000800 [#1] SMP"),
        (Kernel::X86V6_1, "invalid opcode: 0000 [#1] PREEMPT SMP NOPTI"),
    ];
    for (kernel, header) in kernels {
        let config = Config {
            nr_cpus: 4,
            kernel,
            detectors: Detectors { csd: true, ..Detectors::NONE },
            sysctl: Sysctl { panic_on_ipistall_ms: 20_000, ..Sysctl::default() },
            until: at(100.0),
            ..Config::default()
        };
        let mut machine = Machine::new(config, Parts::stock()).unwrap();
        machine.register_die_notifier(NotifierBlock::new("kgdb", 0, |_: &Cpu| Notify::Stop));
        let slow = |cpu: &Cpu| {
            let _irq = irq::disable_local(cpu);
            cpu.spend(40 * NSEC_PER_SEC);
        };
        machine.spawn(CpuId(0), Task::new("slow", 1, at(10.0), slow));
        let call = |cpu: &Cpu| {
            kick_all_cpus_sync(cpu);
            cpu.printk("answered");
        };
        machine.spawn(CpuId(1), Task::new("caller", 2, at(11.0), call));
        let console = machine.run().unwrap().incident.console();
        for line in ["kernel BUG at kernel/smp.c:0!", header, "answered"] {
            assert_eq!(console.matches(line).count(), 1, "{line}\n{console}");
        }
    }
}

#[test]
fn two_cpus_that_panic_at_once_print_one_panic() {
    let config = Config {
        nr_cpus: 4,
        until: at(60.0),
        sysctl: Sysctl { panic_on_oops: true, ..Sysctl::default() },
        ..Config::default()
    };
    let die_lock = softlockup::parts::die_lock::NestingDieLock::new();
    let mut machine = Machine::new(config, Parts::stock().with_die_lock(die_lock)).unwrap();
    for cpu in [1, 2] {
        let oops = |cpu: &Cpu| cpu.null_deref(Access::Write, 0);
        machine.spawn(CpuId(cpu), Task::new("oops", cpu, at(10.0), oops));
    }
    let console = machine.run().unwrap().incident.console();
    assert_eq!(console.matches("---[ end Kernel panic").count(), 1);
}

#[test]
fn one_cpu_at_a_time_asks_for_a_backtrace() {
    let config = Config { nr_cpus: 4, until: at(60.0), ..Config::default() };
    let mut machine = Machine::new(config, Parts::stock()).unwrap();
    let dark = |cpu: &Cpu| {
        let _irq = irq::disable_local(cpu);
        cpu.spend(40 * NSEC_PER_SEC);
    };
    machine.spawn(CpuId(0), Task::new("dark", 1, at(10.0), dark));
    for cpu in [1, 2] {
        let ask = |cpu: &Cpu| {
            nmi::trigger_single_cpu_backtrace(cpu, CpuId(0));
        };
        machine.spawn(CpuId(cpu), Task::new("ask", cpu, at(12.0), ask));
    }
    let incident = machine.run().unwrap().incident;
    let requests =
        |record: &&softlockup::Record| matches!(record.event, Event::BacktraceRequest { .. });
    assert_eq!(incident.records.iter().filter(requests).count(), 1);
}
