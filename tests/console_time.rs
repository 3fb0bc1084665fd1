//! A serial line on which every character takes its time: what waits for it, and what does not.

use softlockup::config::{ConsoleTime, Detectors, RcuStalls, Sysctl};
use softlockup::dmesg::{self, Message};
use softlockup::incident::Incident;
use softlockup::kernel::irq;
use softlockup::kernel::smp::kick_all_cpus_sync;
use softlockup::record::{Event, Record};
use softlockup::{Config, Cpu, CpuId, Kernel, KernelTime, Machine, Parts, Task, ThisCpu};

const MS: u64 = 1_000_000;

const KERNELS: [Kernel; 4] =
    [Kernel::Arm64V4_19, Kernel::Arm64V6_1, Kernel::Arm64V6_12, Kernel::X86V6_1];

fn config(kernel: Kernel, console_time: Option<ConsoleTime>) -> Config {
    let detectors = Detectors { hardlockup_buddy: None, ..Detectors::of(kernel) };
    let until = KernelTime::from_secs(80);
    let mut config =
        Config { nr_cpus: 4, kernel, detectors, console_time, until, ..Config::default() };
    config.bring_up.tick_ns = 0;
    // CPU 2's sample comes 10 ms after CPU 1's: in the middle of CPU 1's report.
    config.bring_up.per_cpu_ns = 10 * MS;
    config
}

fn slow() -> Option<ConsoleTime> {
    Some(ConsoleTime::default())
}

/// CPU 0 goes dark, and CPUs 1 and 2 wait for it.
fn run(config: Config) -> Incident {
    let mut machine = Machine::new(config, Parts::stock()).unwrap();
    let goes_dark = |cpu: &Cpu| {
        let _irq = irq::disable_local(cpu);
        loop {
            cpu.spend(1_000 * MS);
        }
    };
    let at = KernelTime::from_secs(10);
    machine.spawn(CpuId(0), Task::new("dark", 100, at, goes_dark));
    for cpu in [1, 2] {
        let waits = |cpu: &Cpu| kick_all_cpus_sync(cpu);
        machine.spawn(CpuId(cpu), Task::new("waiter", 100 + cpu, at, waits));
    }
    machine.run().unwrap().incident
}

/// The first soft lockups, in the order of their stamps.
fn lockups(incident: &Incident) -> Vec<&Record> {
    let is_lockup = |record: &&Record| matches!(record.event, Event::SoftLockup { .. });
    incident.records.iter().filter(is_lockup).take(2).collect()
}

/// From CPU 1's first headline to CPU 2's, in milliseconds.
fn apart(incident: &Incident) -> u64 {
    let lockups = lockups(incident);
    assert_eq!((lockups[0].cpu, lockups[1].cpu), (CpuId(1), CpuId(2)));
    lockups[1].time.ns_since(lockups[0].time) / MS
}

#[test]
fn without_the_switch_a_report_takes_no_time() {
    for kernel in [Kernel::Arm64V4_19, Kernel::Arm64V6_12] {
        assert_eq!(apart(&run(config(kernel, None))), 10);
    }
}

#[test]
fn where_linux_serialises_reports_the_second_headline_waits_for_the_first_reports_end() {
    let incident = run(config(Kernel::Arm64V6_12, slow()));
    let apart = apart(&incident);
    // CPU 1's report on the line: each character, and a carriage return for each line.
    let console = incident.console();
    let line_of = |text: &str| {
        let at = console.find(text).expect("both are reported");
        console[..at].rfind('\n').map_or(0, |end| end + 1)
    };
    let (from, to) = (line_of("CPU#1 stuck"), line_of("CPU#2 stuck"));
    let report = &console[from..to];
    let bytes = report.len() + report.lines().count();
    let takes_ms = bytes as u64 * 10 * 1_000 / 115_200;
    assert!(takes_ms > 50, "{report}");
    assert_eq!(apart, takes_ms, "{report}");
}

#[test]
fn where_linux_does_not_the_second_headline_comes_at_its_sample() {
    for kernel in [Kernel::Arm64V4_19, Kernel::Arm64V6_1, Kernel::X86V6_1] {
        assert_eq!(apart(&run(config(kernel, slow()))), 10, "{kernel:?}");
    }
}

#[test]
fn each_line_is_stamped_when_the_one_before_is_out() {
    let console = run(config(Kernel::Arm64V6_12, slow())).console();
    let stamps = |console: &str| -> Vec<f64> {
        let report = console.lines().skip_while(|line| !line.contains("CPU#1 stuck")).take(6);
        report.map(|line| line[1..13].trim().parse().unwrap()).collect()
    };
    let stamps = stamps(&console);
    assert!(stamps.windows(2).all(|pair| pair[1] - pair[0] > 0.001), "{stamps:?}");
    // A line of 50 to 100 characters takes 4 to 9 ms.
    assert!(stamps.windows(2).all(|pair| pair[1] - pair[0] < 0.015), "{stamps:?}");
}

#[test]
fn a_softlockup_panic_comes_after_its_report_and_another_cpu_is_still_reported() {
    let sysctl = Sysctl { softlockup_panic: true, ..Sysctl::default() };
    let run = |kernel, console_time| run(Config { sysctl, ..config(kernel, console_time) });
    let seen = |incident: &Incident| -> (usize, Vec<String>) {
        let entries = dmesg::parse(incident.console().as_bytes());
        let panics = entries.iter().filter_map(|entry| match &entry.message {
            Message::Panic { reason } => Some(reason.clone()),
            _ => None,
        });
        (lockups(incident).len(), panics.collect())
    };
    let once = || vec!["softlockup: hung tasks".to_owned()];
    for kernel in [Kernel::Arm64V6_1, Kernel::X86V6_1] {
        // In no time, CPU 1 stops the machine before CPU 2's sample.
        assert_eq!(seen(&run(kernel, None)), (1, once()));
        let incident = run(kernel, slow());
        assert_eq!(seen(&incident), (2, once()));
        let panic = incident.records.iter().find(|it| matches!(it.event, Event::Panic { .. }));
        let (panic, headline) = (panic.expect("a panic").time, lockups(&incident)[0].time);
        assert!(panic.ns_since(headline) > 30 * MS, "{headline} {panic}");
    }
}

#[test]
fn a_slow_line_delays_what_is_printed_and_not_what_is_found() {
    let printed = |incident: &Incident| -> Vec<(CpuId, u64)> {
        let units = |record: &Record| match record.event {
            Event::SoftLockup { printed } => Some((record.cpu, printed)),
            _ => None,
        };
        incident.records.iter().filter_map(units).collect()
    };
    let (fast, slow) =
        (run(config(Kernel::Arm64V6_12, None)), run(config(Kernel::Arm64V6_12, slow())));
    assert_eq!(printed(&fast), printed(&slow));
}

#[test]
fn a_saved_run_prints_the_same_stamps_again() {
    let incident = run(config(Kernel::Arm64V6_12, slow()));
    let mut saved = Vec::new();
    incident.save(&mut saved).unwrap();
    let loaded = Incident::load(&saved[..]).unwrap();
    assert_eq!(loaded.console(), incident.console());
}

#[test]
fn a_healthy_machine_is_silent_with_everything_on() {
    for kernel in KERNELS {
        let detectors = Detectors { csd: true, hardlockup_perf: true, ..Detectors::of(kernel) };
        let config = Config {
            detectors,
            pseudo_nmi: true,
            rcu_stalls: Some(RcuStalls::default()),
            ..config(kernel, slow())
        };
        let mut machine = Machine::new(config, Parts::stock()).unwrap();
        for cpu in 0..3 {
            let works = |cpu: &Cpu| {
                for n in 0..100 {
                    kick_all_cpus_sync(cpu);
                    cpu.printk(format!("turn {n}"));
                    cpu.run_user_until(cpu.now() + 500 * MS);
                }
            };
            let start = KernelTime::from_secs(5 + u64::from(cpu));
            machine.spawn(CpuId(cpu), Task::new("works", 100 + cpu, start, works));
        }
        let incident = machine.run().unwrap().incident;
        assert!(incident.report().detections.is_empty(), "{kernel:?}: {}", incident.console());
        assert_eq!(incident.console().lines().filter(|line| !line.contains("turn")).count(), 0);
    }
}

#[test]
fn two_machines_with_a_slow_line_do_the_same() {
    let run = || run(config(Kernel::Arm64V6_12, slow()));
    assert_eq!(run().records, run().records);
}
