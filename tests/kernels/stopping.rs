//! Who stops the other CPUs, and what is said of one that does not stop.

use softlockup::config::Sysctl;
use softlockup::incident::report::Outcome;

use crate::*;

const KERNELS: [Kernel; 4] =
    [Kernel::Arm64V4_19, Kernel::Arm64V6_1, Kernel::Arm64V6_12, Kernel::X86V6_1];

fn power_off(cpu: u32, when: f64) -> (u32, f64, Body) {
    (cpu, when, Box::new(|cpu| cpu.power_off()))
}

/// The last lines of a console, without their stamps.
fn tail(incident: &Incident, after: &str) -> String {
    let console = incident.console();
    let (_, rest) = console.split_once(after).unwrap_or_else(|| panic!("{after}: {console}"));
    let lines = rest.lines().skip(1).map(|line| line.split_once("] ").expect("a stamp").1);
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_healthy_machine_goes_down_without_a_word_and_stops_every_cpu() {
    for kernel in KERNELS {
        let config = four_cpus(kernel, 100.0);
        let incident = run(config, vec![waits(2, 15.0), power_off(1, 30.0)]);
        assert_eq!(tail(&incident, "reboot: Power down"), "", "{kernel:?}");
        let stopped = incident.records.iter().filter(|record| record.event == Event::Stopped);
        assert_eq!(stopped.count(), 3, "{kernel:?}");
        assert!(incident.ended < at(30.001), "at once: {}", incident.ended);
        assert_eq!(incident.report().outcome, Outcome::Recovered);
    }
}

#[test]
fn a_power_off_names_a_cpu_that_does_not_stop_a_second_later() {
    let expected = [
        "SMP: failed to stop secondary CPUs 1,3\n",
        "SMP: failed to stop secondary CPUs 1,3\n",
        "SMP: failed to stop secondary CPUs 3\n",
        "Shutting down cpus with NMI\n",
    ];
    for (kernel, expected) in KERNELS.into_iter().zip(expected) {
        for restarts in [false, true] {
            let goes: Body = match restarts {
                true => Box::new(|cpu| cpu.restart()),
                false => Box::new(|cpu| cpu.power_off()),
            };
            let tasks = vec![dark(3, 29.0), (1, 30.0, goes)];
            let incident = run(four_cpus(kernel, 100.0), tasks);
            let line = if restarts { "reboot: Restarting system" } else { "reboot: Power down" };
            assert_eq!(tail(&incident, line), expected, "{kernel:?}");
            assert!(incident.ended >= at(31.0) && incident.ended < at(31.1), "{}", incident.ended);
        }
    }
}

#[test]
fn with_pseudo_nmis_the_stop_is_tried_again_and_succeeds() {
    let config = Config { pseudo_nmi: true, ..four_cpus(Kernel::Arm64V6_12, 100.0) };
    let incident = run(config, vec![dark(3, 29.0), power_off(1, 30.0)]);
    let expected = "SMP: retry stop with NMI for CPUs 3\n";
    assert_eq!(tail(&incident, "reboot: Power down"), expected);
    let retry = Message::RetryStop { cpus: [CpuId(3)].into_iter().collect() };
    assert!(messages(&incident).iter().any(|(_, message)| *message == retry));
}

#[test]
fn two_cpus_that_power_off_at_once_go_down_once() {
    let tasks = vec![power_off(1, 30.0), power_off(2, 30.0)];
    let incident = run(four_cpus(Kernel::Arm64V6_12, 100.0), tasks);
    assert_eq!(incident.console().matches("Power down").count(), 1);
    assert_eq!(tail(&incident, "reboot: Power down"), "");
}

/// `panic=5`: where the stop is asked for again, a CPU that is dark is named again.
#[test]
fn a_panic_counts_down_and_restarts() {
    let expected = [
        "Rebooting in 5 seconds..\nSMP: stopping secondary CPUs\n\
         SMP: failed to stop secondary CPUs 0-1\n",
        "Rebooting in 5 seconds..\nSMP: failed to stop secondary CPUs 0-1\n",
        "Rebooting in 5 seconds..\n",
        "Rebooting in 5 seconds..\n",
    ];
    let named = ["failed to stop", "failed to stop", "failed to stop", "Shutting down"];
    let over_ns = [7_000_000_000, 7_000_000_000, 6_000_000_000, 6_010_000_000];
    for (n, kernel) in KERNELS.into_iter().enumerate() {
        let sysctl = Sysctl { softlockup_panic: true, panic_timeout_secs: 5, ..Sysctl::OFF };
        let config = Config { sysctl, ..four_cpus(kernel, 100.0) };
        let incident = run(config, vec![dark(0, 10.0), waits(1, 20.0)]);
        assert_eq!(tail(&incident, named[n]), expected[n], "{kernel:?}");
        let panics = soft_lockups(&incident)[0].0;
        // On x86 CPU 0 takes the NMI at once.
        let over = incident.ended.ns_since(panics);
        let least = if kernel == Kernel::X86V6_1 { 6_000_000_000 } else { over_ns[n] };
        assert!((least..=over_ns[n]).contains(&over), "{kernel:?}: {over}");
        assert_eq!(incident.report().outcome, Outcome::Panicked);
        assert!(!incident.console().contains("end Kernel panic"));
    }
}

#[test]
fn a_negative_timeout_restarts_at_once_and_0_never() {
    let end = |panic_timeout_secs| {
        let sysctl = Sysctl { softlockup_panic: true, panic_timeout_secs, ..Sysctl::OFF };
        let config = Config { sysctl, ..four_cpus(Kernel::Arm64V6_12, 100.0) };
        let incident = run(config, vec![dark(0, 10.0), waits(1, 20.0)]);
        tail(&incident, "failed to stop")
    };
    assert_eq!(end(-1), "");
    assert_eq!(end(0), "---[ end Kernel panic - not syncing: softlockup: hung tasks ]---\n");
}
