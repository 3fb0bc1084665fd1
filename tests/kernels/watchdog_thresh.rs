//! `kernel.watchdog_thresh`, written while the machine runs.

use softlockup::ThisCpu;
use softlockup::config::BuddyRule;
use softlockup::kernel::sysctl::write_watchdog_thresh;

use crate::*;

fn sysctl(cpu: u32, when: f64, secs: u64) -> (u32, f64, Body) {
    (cpu, when, Box::new(move |cpu| write_watchdog_thresh(cpu, secs)))
}

/// When the watchdog of a CPU sampled.
fn samples(incident: &Incident, cpu: u32) -> Vec<KernelTime> {
    let timer = Event::IrqEnter { vector: softlockup::vector::Vector::Timer };
    let of_it = incident.records.iter().filter(|record| record.cpu == CpuId(cpu));
    of_it.filter(|record| record.event == timer).map(|record| record.time).collect()
}

#[test]
fn every_cpu_samples_anew_from_the_moment_of_the_change() {
    let incident = run(four_cpus(Kernel::Arm64V6_12, 60.0), vec![sysctl(1, 33.0, 5)]);
    for cpu in 0..4 {
        let samples = samples(&incident, cpu);
        let (before, after): (Vec<_>, Vec<_>) = samples.iter().partition(|&&time| time < at(33.0));
        let apart = |times: &[&KernelTime]| times[1].ns() - times[0].ns();
        assert_eq!(apart(&before), 4 * NSEC_PER_SEC);
        assert_eq!(apart(&after), 2 * NSEC_PER_SEC);
        assert_eq!(*after[0], at(35.0), "CPU {cpu}: no more of its old phase");
    }
    assert!(soft_lockups(&incident).is_empty());
}

#[test]
fn a_machine_can_be_told_to_change_it() {
    use softlockup::config::WatchdogThreshChange;
    let change = WatchdogThreshChange { cpu: CpuId(1), at: at(33.0), secs: 5 };
    let config = four_cpus(Kernel::Arm64V6_12, 60.0);
    let told = Config { watchdog_thresh_change: Some(change), ..config.clone() };
    let (told, written) = (run(told, vec![]), run(config, vec![sysctl(1, 33.0, 5)]));
    assert_eq!(samples(&told, 2), samples(&written, 2));
}

#[test]
fn a_lockup_is_judged_by_the_new_threshold() {
    let tasks = vec![sysctl(1, 12.0, 5), dark(0, 15.0), waits(2, 29.5)];
    let incident = run(four_cpus(Kernel::Arm64V6_1, 60.0), tasks);
    let (time, cpu, printed) = soft_lockups(&incident)[0];
    assert_eq!(cpu, CpuId(2));
    assert!([11, 12].contains(&printed), "{printed}");
    assert_eq!(time, at(40.0), "the sixth sample after the last feed, at 28 s");
    let text = incident.report().to_string();
    assert!(text.contains("samples itself every 2.0 s"), "{text}");
}

/// The buddy looks at every third of all samples, those before the change included: at which of the new ones it looks
/// first depends on how many there were before.
#[test]
fn the_count_of_samples_modulo_3_carries_over() {
    let named_at = |changed: f64| {
        let config = four_cpus(Kernel::Arm64V6_12, changed + 60.0);
        let incident = run(config, vec![sysctl(1, changed, 5), dark(0, changed + 2.5)]);
        let named = incident
            .records
            .iter()
            .find(|record| matches!(record.event, Event::HardLockup { cpu: CpuId(0) }));
        named.expect("CPU 0 is named").time.ns_since(at(changed))
    };
    // CPU 3 takes one sample more before each of these moments.
    let named: Vec<_> = [33.0, 37.0, 41.0, 45.0].map(named_at).to_vec();
    assert_eq!(named[0], named[3], "three samples later it is the same");
    let mut different = named[..3].to_vec();
    different.sort_unstable();
    assert!(different[0] < different[1] && different[1] < different[2], "{named:?}");
    assert!(named.iter().all(|ns| ns.is_multiple_of(2 * NSEC_PER_SEC)), "{named:?}");
}

#[test]
fn the_same_number_changes_nothing() {
    let changed = run(four_cpus(Kernel::Arm64V6_12, 60.0), vec![sysctl(1, 33.0, 10)]);
    let other = run(four_cpus(Kernel::Arm64V6_12, 60.0), vec![(1, 33.0, Box::new(|_| {}))]);
    assert_eq!(samples(&changed, 2), samples(&other, 2));
}

#[test]
fn zero_switches_the_watchdog_off_and_another_number_on_again() {
    let tasks = vec![sysctl(1, 12.0, 0), dark(0, 15.0), waits(2, 30.0)];
    let incident = run(four_cpus(Kernel::Arm64V6_12, 100.0), tasks);
    assert!(samples(&incident, 2).iter().all(|&time| time < at(12.0)));
    assert_eq!(incident.console(), "");

    let tasks = vec![sysctl(1, 12.0, 0), sysctl(1, 20.0, 10)];
    let incident = run(four_cpus(Kernel::Arm64V6_12, 60.0), tasks);
    let after: Vec<_> = samples(&incident, 2).into_iter().filter(|&time| time > at(12.0)).collect();
    assert_eq!(after[0], at(24.0));
}

/// In Linux the writer waits for a kworker on each CPU in turn; on CPU 0 it never runs.
#[test]
fn a_writer_waits_for_ever_for_a_dark_cpu_and_the_old_threshold_stays() {
    let tasks = vec![dark(0, 10.0), sysctl(1, 15.0, 60), waits(2, 30.0)];
    let incident = run(four_cpus(Kernel::Arm64V6_1, 60.0), tasks);
    let apart = samples(&incident, 2);
    assert!(apart.windows(2).all(|pair| pair[1].ns_since(pair[0]) == 4 * NSEC_PER_SEC));
}

/// With every detector and every switch on, and CPUs that are busy with interrupts off for a while.
#[test]
fn a_healthy_machine_is_silent_however_often_the_threshold_changes() {
    for kernel in [Kernel::Arm64V4_19, Kernel::Arm64V6_1, Kernel::Arm64V6_12, Kernel::X86V6_1] {
        for rule in [BuddyRule::EVERY_SAMPLE, BuddyRule::EVERY_THIRD_SAMPLE] {
            let mut config = Config { pseudo_nmi: true, ..four_cpus(kernel, 900.0) };
            config.detectors.hardlockup_buddy = Some(rule);
            config.detectors.hardlockup_perf = true;
            config.detectors.csd = true;
            config.sysctl.softlockup_all_cpu_backtrace = true;
            config.sysctl.hardlockup_all_cpu_backtrace = true;
            let busy: Body = Box::new(|cpu| {
                while cpu.now() < at(890.0) {
                    kick_all_cpus_sync(cpu);
                    let _irq = irq::disable_local(cpu);
                    cpu.spend(NSEC_PER_SEC / 2);
                }
            });
            let writer: Body = Box::new(|cpu| {
                for (n, secs) in [5, 1, 60, 0, 2, 10, 1, 30, 0, 4].into_iter().cycle().enumerate() {
                    cpu.run_user_until(at(20.0 + 7.3 * n as f64));
                    if cpu.now() > at(850.0) {
                        break;
                    }
                    write_watchdog_thresh(cpu, secs);
                }
            });
            let incident = run(config, vec![(1, 10.0, busy), (2, 10.0, writer)]);
            assert_eq!(incident.console(), "", "{kernel:?} {rule:?}");
            let changes =
                |record: &&softlockup::Record| matches!(record.event, Event::WatchdogThresh { .. });
            assert!(incident.records.iter().filter(changes).count() > 100);
        }
    }
}

/// The writer stops one watchdog after another, and waits at dark CPU 2 for ever. CPU 3 looks at the next CPU whose watchdog
/// runs, which is CPU 2: not at CPU 0, which is healthy, and whose count stands still because its watchdog is off.
#[test]
fn a_buddy_passes_over_cpus_whose_watchdogs_were_switched_off() {
    let tasks = vec![dark(2, 10.0), sysctl(1, 11.0, 5)];
    let incident = run(four_cpus(Kernel::Arm64V6_12, 60.0), tasks);
    for off in [0, 1] {
        assert!(samples(&incident, off).iter().all(|&time| time < at(11.0)), "CPU {off}");
    }
    let named = incident.records.iter().filter_map(|record| match record.event {
        Event::HardLockup { cpu } => Some((record.cpu, cpu)),
        _ => None,
    });
    assert_eq!(named.collect::<Vec<_>>(), [(CpuId(3), CpuId(2))], "{}", incident.console());
}
