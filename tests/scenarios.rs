//! The other incidents: what they print, how they differ from the article's, and that the diagnosis names the CPUs it
//! should, and no others.

use softlockup::config::{BuddyRule, Detectors, Sysctl};
use softlockup::incident::report::diagnosis::Cause;
use softlockup::incident::report::{Detector, Outcome, Report};
use softlockup::kernel::preempt;
use softlockup::scenario::irqs_off_caller::IrqsOffCaller;
use softlockup::scenario::lost_ipi::LostIpi;
use softlockup::scenario::nested_oops::{Arrivals, DieLockPolicy, NestedOops, Notifier};
use softlockup::scenario::slow_console::SlowConsole;
use softlockup::scenario::{At, ScenarioError};
use softlockup::time::NSEC_PER_SEC;
use softlockup::vector::Vector;
use softlockup::{
    Config, Cpu, CpuId, Event, Incident, Kernel, KernelTime, Machine, Parts, Scenario, Task,
    ThisCpu,
};

const MS: u64 = 1_000_000;

fn run(machine: Result<Machine, ScenarioError>) -> Incident {
    machine.expect("it can be set up").run().expect("it runs").incident
}

fn lost_ipi(change: impl FnOnce(&mut LostIpi)) -> Incident {
    let mut scenario = LostIpi::default();
    change(&mut scenario);
    run(scenario.machine())
}

fn slow_console(change: impl FnOnce(&mut SlowConsole)) -> Incident {
    let mut scenario = SlowConsole::default();
    change(&mut scenario);
    run(scenario.machine())
}

fn irqs_off_caller(change: impl FnOnce(&mut IrqsOffCaller)) -> Incident {
    let mut scenario = IrqsOffCaller::default();
    change(&mut scenario);
    run(scenario.machine())
}

fn article(change: impl FnOnce(&mut NestedOops)) -> Incident {
    let mut scenario = NestedOops::default();
    change(&mut scenario);
    run(scenario.machine())
}

fn diagnosed(report: &Report) -> (Cause, Vec<u32>) {
    (report.diagnosis.cause, report.diagnosis.cpus.iter().map(|cpu| cpu.0).collect())
}

/// CPU and printed seconds of each report.
fn lockups(report: &Report) -> Vec<(u32, u64)> {
    report.soft_lockups.iter().map(|lockup| (lockup.cpu.0, lockup.printed_seconds)).collect()
}

fn count(console: &str, words: &str) -> usize {
    console.lines().filter(|line| line.contains(words)).count()
}

/// Every detector that needs no NMI, or every one.
fn detectors(pseudo_nmi: bool) -> Detectors {
    let hardlockup_buddy = Some(BuddyRule::EVERY_THIRD_SAMPLE);
    Detectors { softlockup: true, hardlockup_buddy, hardlockup_perf: pseudo_nmi, csd: true }
}

/// A machine that differs with `n` in everything that should not matter: its size, its boot, its kernel, its turns.
fn vary(config: &mut Config, n: u64) {
    config.nr_cpus = 4 + (n % 13) as u32;
    config.bring_up.first_ns += n * 37 * MS;
    config.kernel = [Kernel::Arm64V6_12, Kernel::Arm64V4_19][(n / 3 % 2) as usize];
    config.detectors = Detectors::of(config.kernel);
    config.clock = softlockup::Clock::Lockstep { turn_seed: (n % 2 == 1).then_some(n) };
}

/// The `n`th of ways to choose `k` different CPUs.
fn choose(nr_cpus: u32, n: u64, k: u32) -> Vec<CpuId> {
    (0..k).map(|i| CpuId((n as u32 * 5 + i) % nr_cpus)).collect()
}

fn at(cpu: CpuId, ms: u64) -> At {
    At { cpu, time: KernelTime::from_ns(ms * MS) }
}

#[test]
fn a_lost_ipi_hangs_callers_of_a_healthy_cpu() {
    let incident = lost_ipi(|_| {});
    let report = incident.report();
    assert_eq!(report.outcome, Outcome::Hung);
    assert_eq!(lockups(&report).into_iter().map(|(cpu, _)| cpu).collect::<Vec<_>>()[..2], [5, 1]);
    assert!(report.soft_lockups.iter().all(|lockup| lockup.waits_for == [CpuId(3)]));
    assert_eq!(report.stuck.len(), 3);
    assert_eq!(report.culprit, Some(CpuId(3)));
    assert_eq!(diagnosed(&report), (Cause::LostIpi, vec![3]));
    assert!(report.to_string().contains("an IPI to CPU#3 was lost"), "{report}");
    let named = report.detections.iter().filter(|found| found.detector != Detector::Softlockup);
    assert_eq!(named.count(), 0, "no CPU is dark");

    let to_cpu3 = |event: &Event| {
        matches!(event, Event::IpiSend { to: CpuId(3), vector: Vector::CallFunction })
    };
    let senders: Vec<_> =
        incident.records.iter().filter(|r| to_cpu3(&r.event)).map(|r| r.cpu.0).collect();
    assert_eq!(senders, [5], "later callers find the queue not empty");
    let takes = |vector| {
        let taken = Event::IrqEnter { vector };
        incident.records.iter().filter(|r| r.cpu == CpuId(3) && r.event == taken).count()
    };
    assert_eq!(takes(Vector::CallFunction), 0);
    assert!(takes(Vector::Timer) > 25, "it is healthy");
}

#[test]
fn csd_debug_sends_the_lost_ipi_again_and_sets_all_callers_free() {
    let incident = lost_ipi(|scenario| scenario.config.detectors.csd = true);
    let (report, console) = (incident.report(), incident.console());
    assert_eq!(report.outcome, Outcome::Recovered);
    assert_eq!(lockups(&report), []);
    assert_eq!(report.culprit, None, "no CPU is stuck");
    assert_eq!(diagnosed(&report), (Cause::LostIpi, vec![3]));
    for (words, lines) in [
        ("Detected non-responsive CSD lock (#1) on CPU#5, waiting 5000000001 ns for CPU#03", 1),
        ("csd: CSD lock (#1) unresponsive.", 1),
        ("NMI backtrace for cpu 3", 1),
        ("Re-sending CSD lock (#1) IPI from CPU#05 to CPU#03", 1),
        ("CSD lock (#1) got unstuck on CPU#05, CPU#03 released the lock.", 1),
        ("Detected", 1), // CPU 1 had waited for 3 s by then, and CPU 6 calls later
    ] {
        assert_eq!(count(&console, words), lines, "{words}\n{console}");
    }
    let ends = incident.records.iter().filter(|r| {
        r.time.ns() == 65 * NSEC_PER_SEC + 1 && r.event == Event::CsdWaitEnd { on: CpuId(3) }
    });
    assert_eq!(ends.map(|r| r.cpu.0).collect::<Vec<_>>(), [5, 1]);
}

#[test]
fn nothing_says_that_an_ipi_is_lost_but_that_it_is_not_taken() {
    let lost = lost_ipi(|_| {});
    let mut heard = lost.clone();
    heard.config.lose_ipi = None;
    assert_eq!(heard.report().diagnosis, lost.report().diagnosis);
}

#[test]
fn a_slow_console_holds_callers_up_and_lets_them_go() {
    let report = slow_console(|_| {}).report();
    assert_eq!(report.outcome, Outcome::Recovered);
    assert_eq!(report.detections, [], "8.8 s are too short for the default detectors");
    assert_eq!(report.culprit, None);
    assert_eq!(diagnosed(&report), (Cause::SlowCpu, vec![1]));
    assert!(report.to_string().contains("CPU#1 was slow"), "{report}");
}

#[test]
fn csd_debug_detects_the_slow_console_at_5_s_and_says_got_unstuck_at_8_8_s() {
    let incident = slow_console(|scenario| {
        scenario.config.detectors.csd = true;
        scenario.config.pseudo_nmi = true;
    });
    let (report, console) = (incident.report(), incident.console());
    assert_eq!(report.outcome, Outcome::Recovered);
    assert_eq!(diagnosed(&report), (Cause::SlowCpu, vec![1]));
    let found: Vec<_> = report.detections.iter().map(|f| (f.time.ns() / MS, f.named_cpu)).collect();
    assert_eq!(found, [(65_001, CpuId(1)), (67_000, CpuId(1))]);
    let unstuck = |number| {
        let words = format!("CSD lock (#{number}) got unstuck");
        console.lines().find(|line| line.contains(&words)).expect(&words).to_owned()
    };
    for number in [1, 2] {
        assert!(unstuck(number).contains("68.800000"), "{}", unstuck(number));
    }
    let (_, answer) = console.split_once("NMI backtrace for cpu 1\n").expect("the NMI finds it");
    let pc = answer.lines().find(|line| line.contains("pc : ")).expect("its place");
    assert!(pc.contains("pl011_console_write_atomic"), "{pc}");
    assert_eq!(count(&console, "soft lockup"), 0);
}

#[test]
fn two_that_call_each_other_with_interrupts_off_wait_for_ever_and_were_warned_of() {
    let incident = irqs_off_caller(|_| {});
    let (report, console) = (incident.report(), incident.console());
    assert_eq!(report.outcome, Outcome::Hung);
    assert_eq!(lockups(&report).iter().map(|(cpu, _)| *cpu).collect::<Vec<_>>(), [4, 7, 0]);
    assert!(report.soft_lockups.iter().all(|lockup| lockup.waits_for == [CpuId(2)]));
    assert_eq!(report.stuck.len(), 5);
    assert_eq!(report.culprit, Some(CpuId(2)));
    assert_eq!(diagnosed(&report), (Cause::WaitingWithInterruptsOff, vec![2, 6]));
    assert!(report.to_string().contains("CPU#2, CPU#6 wait for each other"), "{report}");
    assert_eq!(count(&console, "WARNING: CPU: "), 1, "WARN_ON_ONCE\n{console}");
    assert!(console.find("WARNING: CPU: ") < console.find("soft lockup"));
}

#[test]
fn sending_the_ipi_again_does_not_help_two_that_wait_with_interrupts_off() {
    let incident = irqs_off_caller(|scenario| scenario.config.detectors.csd = true);
    let (report, console) = (incident.report(), incident.console());
    assert!(count(&console, "Re-sending CSD lock") > 2);
    assert_eq!(count(&console, "got unstuck"), 0);
    assert_eq!(diagnosed(&report), (Cause::WaitingWithInterruptsOff, vec![2, 6]));
}

#[test]
fn their_soft_lockup_reports_look_alike_and_their_diagnoses_differ() {
    for kernel in [Kernel::Arm64V4_19, Kernel::Arm64V6_12] {
        let article = article(|scenario| scenario.config.kernel = kernel);
        let lost = lost_ipi(|scenario| scenario.config.kernel = kernel);
        let pair = irqs_off_caller(|scenario| scenario.config.kernel = kernel);
        // Long enough for its callers to be reported, too.
        let slow = slow_console(|scenario| {
            scenario.config.kernel = kernel;
            scenario.write_ns = 30 * NSEC_PER_SEC;
        });
        let mut causes = Vec::new();
        let mut shapes = Vec::new();
        for incident in [&article, &lost, &pair, &slow] {
            let report = incident.report();
            let first = &report.soft_lockups[0];
            let line = format!(
                "watchdog: BUG: soft lockup - CPU#{} stuck for {}s! [{}:{}]",
                first.cpu, first.printed_seconds, first.comm, first.pid
            );
            assert_eq!(count(&incident.console(), &line), 1, "{line}");
            assert!((22..=23).contains(&first.printed_seconds), "{line}");
            shapes.push(first.stack.clone());
            causes.push(report.diagnosis.cause);
        }
        assert!(shapes.iter().all(|stack| *stack == shapes[0]), "{shapes:?}");
        let expected =
            [Cause::SelfDeadlock, Cause::LostIpi, Cause::WaitingWithInterruptsOff, Cause::SlowCpu];
        assert_eq!(causes, expected);
    }
}

#[test]
fn the_diagnosis_names_the_deaf_cpu_in_200_variations() {
    for n in 0..200 {
        let mut deaf = CpuId(0);
        let report = lost_ipi(|scenario| {
            vary(&mut scenario.config, n);
            let cpus = choose(scenario.config.nr_cpus, n, 4);
            deaf = cpus[0];
            scenario.deaf = deaf;
            let onset = 30_000 + n * 131;
            scenario.callers =
                vec![at(cpus[1], onset), at(cpus[2], onset + n * 7), at(cpus[3], onset + 4_900)];
            if n % 4 == 3 {
                scenario.config.pseudo_nmi = n % 8 == 3;
                scenario.config.detectors = detectors(n % 8 == 3);
            }
        })
        .report();
        assert_eq!(diagnosed(&report), (Cause::LostIpi, vec![deaf.0]), "{n}: {report}");
        let (outcome, culprit) = match n % 4 {
            3 => (Outcome::Recovered, None),
            _ => (Outcome::Hung, Some(deaf)),
        };
        assert_eq!((report.outcome, report.culprit), (outcome, culprit), "{n}");
    }
}

#[test]
fn the_diagnosis_names_the_slow_cpu_in_200_variations() {
    for n in 0..200 {
        let mut slow = CpuId(0);
        let report = slow_console(|scenario| {
            vary(&mut scenario.config, n);
            let cpus = choose(scenario.config.nr_cpus, n, 3);
            slow = cpus[0];
            let begin = 30_000 + n * 131;
            scenario.slow = at(slow, begin);
            scenario.write_ns = (5_500 + n * 100) * MS; // up to 25.4 s
            scenario.callers = vec![at(cpus[1], begin + 1), at(cpus[2], begin + 3_000)];
            if n % 4 == 3 {
                scenario.config.pseudo_nmi = n % 8 == 3;
                scenario.config.detectors = detectors(n % 8 == 3);
            }
        })
        .report();
        assert_eq!(diagnosed(&report), (Cause::SlowCpu, vec![slow.0]), "{n}: {report}");
        assert_eq!((report.outcome, report.culprit), (Outcome::Recovered, None), "{n}");
    }
}

#[test]
fn the_diagnosis_names_both_of_the_pair_in_200_variations() {
    for n in 0..200 {
        let mut pair = Vec::new();
        let report = irqs_off_caller(|scenario| {
            vary(&mut scenario.config, n);
            let cpus = choose(scenario.config.nr_cpus, n, 4);
            scenario.pair = [cpus[(n % 2) as usize], cpus[2]];
            let onset = 30_000 + n * 131;
            scenario.time = KernelTime::from_ns(onset * MS);
            scenario.callers =
                vec![at(cpus[3], onset + 500), at(cpus[1 - (n % 2) as usize], onset + n * 53)];
            if n % 4 == 3 {
                scenario.config.pseudo_nmi = n % 8 == 3;
                scenario.config.detectors = detectors(n % 8 == 3);
            }
            pair = scenario.pair.to_vec();
            pair.sort();
        })
        .report();
        let cause = Cause::WaitingWithInterruptsOff;
        assert_eq!(
            (report.diagnosis.cause, &report.diagnosis.cpus),
            (cause, &pair),
            "{n}: {report}"
        );
        assert!(pair.contains(&report.culprit.unwrap()), "{n}");
        assert_eq!(report.outcome, Outcome::Hung, "{n}");
    }
}

#[test]
fn the_diagnosis_names_cpu0_of_the_article_in_200_variations() {
    for n in 0..200 {
        let report = article(|scenario| {
            vary(&mut scenario.config, n);
            scenario.arrivals = Arrivals::Seed(n);
            if n % 4 == 3 {
                scenario.config.pseudo_nmi = n % 8 == 3;
                scenario.config.detectors = detectors(n % 8 == 3);
            }
        })
        .report();
        assert_eq!(diagnosed(&report), (Cause::SelfDeadlock, vec![0]), "{n}: {report}");
        assert_eq!(report.culprit, Some(CpuId::BOOT));
    }
}

#[test]
fn each_scenario_knows_what_its_reader_concludes() {
    let mut scenarios: Vec<Box<dyn Scenario>> = vec![
        Box::<LostIpi>::default(),
        Box::new(LostIpi { deaf: CpuId(0), ..LostIpi::default() }),
        Box::<SlowConsole>::default(),
        Box::new(SlowConsole { write_ns: 30 * NSEC_PER_SEC, ..SlowConsole::default() }),
        Box::<IrqsOffCaller>::default(),
        Box::new(IrqsOffCaller { pair: [CpuId(6), CpuId(3)], ..IrqsOffCaller::default() }),
    ];
    let until = KernelTime::from_ns(100 * NSEC_PER_SEC);
    scenarios.push(Box::new(SlowConsole {
        write_ns: 600 * NSEC_PER_SEC,
        until: Some(until),
        ..SlowConsole::default()
    }));
    scenarios.push(Box::new(LostIpi { callers: Vec::new(), ..LostIpi::default() }));
    scenarios.push(Box::new(NestedOops {
        until: Some(at(CpuId(0), 200_000).time),
        ..NestedOops::default()
    }));
    for die_lock in [DieLockPolicy::Arm64, DieLockPolicy::X86, DieLockPolicy::Nesting] {
        for notifier in [Notifier::Faulting { times: 1 }, Notifier::Harmless, Notifier::None] {
            for more_oopses in [
                vec![],
                vec![at(CpuId(9), 300_000), at(CpuId(7), 290_000)],
                vec![at(CpuId(3), 100_000)],
                vec![at(CpuId(3), 700_000)],
            ] {
                let article = NestedOops::default();
                scenarios.push(Box::new(NestedOops { die_lock, notifier, more_oopses, ..article }));
            }
        }
    }
    for (n, scenario) in scenarios.iter().enumerate() {
        let report = run(scenario.machine()).report();
        assert_eq!(report.diagnosis, scenario.conclusion(), "{n}: {report}");
    }
}

#[test]
fn a_panic_changes_no_diagnosis() {
    let sysctl = Sysctl { softlockup_panic: true, ..Sysctl::default() };
    let reports = [
        article(|scenario| scenario.config.sysctl = sysctl).report(),
        lost_ipi(|scenario| scenario.config.sysctl = sysctl).report(),
        irqs_off_caller(|scenario| scenario.config.sysctl = sysctl).report(),
    ];
    assert!(reports.iter().all(|report| report.outcome == Outcome::Panicked));
    assert_eq!(diagnosed(&reports[0]), (Cause::SelfDeadlock, vec![0]));
    assert_eq!(diagnosed(&reports[1]), (Cause::LostIpi, vec![3]));
    assert_eq!(diagnosed(&reports[2]), (Cause::WaitingWithInterruptsOff, vec![2, 6]));
}

#[test]
fn other_causes_are_named_as_well() {
    let leaked = article(|scenario| {
        scenario.die_lock = DieLockPolicy::X86;
        scenario.more_oopses = vec![at(CpuId(9), 300_000)];
    });
    assert_eq!(diagnosed(&leaked.report()), (Cause::LeakedDieLock, vec![9]));
    let mended = article(|scenario| scenario.die_lock = DieLockPolicy::Nesting);
    assert_eq!(diagnosed(&mended.report()), (Cause::None, vec![]));

    let dark = slow_console(|scenario| {
        scenario.until = Some(scenario.slow.time + 60 * NSEC_PER_SEC);
        scenario.write_ns = 600 * NSEC_PER_SEC;
    });
    let report = dark.report();
    assert_eq!(diagnosed(&report), (Cause::InterruptsOff, vec![1]), "{report}");
    assert_eq!(report.culprit, Some(CpuId(1)));

    let until = KernelTime::from_ns(100 * NSEC_PER_SEC);
    let config = Config { nr_cpus: 4, until, ..Config::default() };
    let mut machine = Machine::new(config, Parts::stock()).unwrap();
    let selfish = |cpu: &Cpu| {
        let _preempt = preempt::disable(cpu);
        loop {
            cpu.relax();
        }
    };
    machine.spawn(CpuId(2), Task::new("selfish", 1, KernelTime::from_ns(MS), selfish));
    let report = machine.run().unwrap().incident.report();
    assert_eq!(diagnosed(&report), (Cause::NotPreempted, vec![2]));
}

#[test]
fn the_buddy_that_waits_for_a_backtrace_is_not_blamed() {
    // Switched off at every second of the time in which the buddy asks, with its interrupts off.
    for secs in 5..30 {
        let report = slow_console(|scenario| {
            scenario.until = Some(scenario.slow.time + secs * NSEC_PER_SEC);
            scenario.write_ns = 600 * NSEC_PER_SEC;
        })
        .report();
        assert_eq!(diagnosed(&report), (Cause::InterruptsOff, vec![1]), "{secs}: {report}");
    }
}

#[test]
fn without_a_watchdog_a_lost_ipi_is_still_told_from_a_dark_cpu() {
    let report = lost_ipi(|scenario| scenario.config.watchdog_thresh_secs = 0).report();
    assert_eq!(diagnosed(&report), (Cause::LostIpi, vec![3]), "{report}");
}

#[test]
fn each_is_the_same_bytes_twice_and_loads_as_it_was() {
    let scenarios: [fn() -> Incident; 3] =
        [|| lost_ipi(|_| {}), || slow_console(|_| {}), || irqs_off_caller(|_| {})];
    for scenario in scenarios {
        let saved = |incident: &Incident| {
            let mut bytes = Vec::new();
            incident.save(&mut bytes).expect("a vector takes everything");
            bytes
        };
        let incident = scenario();
        assert!(saved(&incident) == saved(&scenario()));
        assert!(Incident::load(&saved(&incident)[..]).unwrap() == incident);
    }
}

#[test]
fn what_cannot_be_set_up_is_refused() {
    let refused = |machine: Result<Machine, ScenarioError>| machine.err().unwrap().to_string();
    let deaf = CpuId(8);
    assert_eq!(
        refused(LostIpi { deaf, ..LostIpi::default() }.machine()),
        "there is no CPU#8 on a machine of 8: 0 to 7"
    );
    let slow = at(CpuId(8), 60_000);
    assert!(refused(SlowConsole { slow, ..SlowConsole::default() }.machine()).contains("CPU#8"));
    let pair = [CpuId(2), CpuId(2)];
    let twice = refused(IrqsOffCaller { pair, ..IrqsOffCaller::default() }.machine());
    assert!(twice.contains("it takes two CPUs"), "{twice}");
}
