//! The article's incident as a whole, against the article's own numbers, and what becomes of it when one thing is
//! changed.

use softlockup::config::{Ablation, PrintOrder};
use softlockup::incident::report::{Outcome, Place, Report};
use softlockup::kernel::fault::MAX_NESTED_OOPSES;
use softlockup::kernel::notifier::NotifierBlock;
use softlockup::scenario::At;
use softlockup::scenario::nested_oops::{Arrivals, DieLockPolicy, NestedOops, Notifier};
use softlockup::{Config, Cpu, CpuId, Event, Incident, Kernel, KernelTime, Scenario, ThisCpu};

/// CPU, stamp in microseconds, printed seconds, task: as the article prints them.
const ARTICLE: [(u32, u64, u64, &str); 5] = [
    (35, 360_462_046, 22, "docker-containe:29506"),
    (51, 364_514_043, 22, "vm_io_monitor.p:10065"),
    (30, 464_446_045, 22, "kill:2031"),
    (58, 516_538_048, 23, "libvirtd:29334"),
    (2, 576_358_044, 22, "logrotate:2045"),
];

fn run(scenario: NestedOops) -> Incident {
    scenario.machine().expect("it can be set up").run().expect("it runs").incident
}

fn report(scenario: NestedOops) -> Report {
    run(scenario).report()
}

fn with_config(change: impl FnOnce(&mut Config)) -> NestedOops {
    let mut scenario = NestedOops::default();
    change(&mut scenario.config);
    scenario
}

fn ablate(ablation: Ablation) -> Report {
    report(with_config(|config| config.ablate = Some(ablation)))
}

fn at(cpu: u32, secs: f64) -> At {
    At { cpu: CpuId(cpu), time: KernelTime::from_secs_f64(secs).unwrap() }
}

fn stuck(onsets: &[At]) -> NestedOops {
    let until = KernelTime::from_secs_f64(600.0);
    NestedOops { arrivals: Arrivals::Stuck(onsets.to_vec()), until, ..NestedOops::default() }
}

/// CPU, time in nanoseconds, printed seconds of each report.
fn lockups(report: &Report) -> Vec<(u32, u64, u64)> {
    let lockups = report.soft_lockups.iter();
    lockups.map(|lockup| (lockup.cpu.0, lockup.time.ns(), lockup.printed_seconds)).collect()
}

fn reported_cpus(report: &Report) -> Vec<u32> {
    report.soft_lockups.iter().map(|lockup| lockup.cpu.0).collect()
}

#[test]
fn the_articles_five_lines_come_out_as_printed() {
    let report = report(NestedOops::default());
    assert_eq!(report.soft_lockups.len(), ARTICLE.len());
    for (lockup, (cpu, stamp_us, printed, task)) in report.soft_lockups.iter().zip(ARTICLE) {
        assert_eq!(lockup.cpu, CpuId(cpu));
        assert_eq!(lockup.printed_seconds, printed, "CPU#{cpu}");
        assert_eq!(format!("{}:{}", lockup.comm, lockup.pid), task);
        let off_ns = lockup.time.ns().abs_diff(stamp_us * 1_000);
        assert!(off_ns < 500_000, "CPU#{cpu} reports at {}, {off_ns} ns off", lockup.time);
        assert_eq!(lockup.waits_for, [CpuId::BOOT]);
    }
    assert_eq!(report.culprit, Some(CpuId::BOOT));
    assert_eq!(report.outcome, Outcome::Hung);
}

#[test]
fn cpu0_says_nothing_after_its_second_fault() {
    let incident = run(NestedOops::default());
    let mut of_cpu0 = incident.records.iter().filter(|record| record.cpu == CpuId::BOOT);
    let last = of_cpu0.next_back().expect("it lived until then");
    assert_eq!(last.event, Event::Enter { func: "queued_spin_lock_slowpath".into() });
    assert_eq!(last.time.to_string(), "254.202183");
}

#[test]
fn only_the_first_victim_interrupts_cpu0() {
    let incident = run(NestedOops::default());
    let ipis = |record: &&softlockup::Record| {
        matches!(record.event, Event::IpiSend { to: CpuId::BOOT, .. })
    };
    let senders: Vec<_> = incident.records.iter().filter(ipis).map(|record| record.cpu.0).collect();
    assert_eq!(senders, [35]);
}

#[test]
fn an_onset_moved_by_a_period_moves_its_report_by_a_period_and_nothing_else() {
    let onsets = [at(5, 300.0), at(9, 310.5), at(33, 320.0)];
    let before = lockups(&report(stuck(&onsets)));
    let moved = [onsets[0], at(9, 314.5), onsets[2]];
    let after = lockups(&report(stuck(&moved)));
    assert_eq!(before.len(), 3);
    for ((cpu, time, _), (cpu_after, time_after, _)) in before.iter().zip(&after) {
        let shift = if *cpu == 9 { 4_000_000_000 } else { 0 };
        assert_eq!((*cpu_after, *time_after), (*cpu, time + shift));
    }
}

#[test]
fn a_cpu_that_calls_before_the_oops_is_answered() {
    assert_eq!(reported_cpus(&report(stuck(&[at(5, 254.2), at(6, 254.3)]))), [6]);
}

#[test]
fn with_interrupts_on_in_die_cpu0_answers_every_call_and_reports_itself() {
    let report = ablate(Ablation::IrqsOnInDie);
    assert_eq!(reported_cpus(&report), [0]);
    assert!(report.soft_lockups[0].stack.contains(&"die".to_owned()));
    assert_eq!(report.stuck.len(), 1, "no CPU waits for it: {report}");
}

#[test]
fn with_preemption_on_in_the_wait_they_wait_but_no_cpu_is_reported() {
    let report = ablate(Ablation::PreemptOnInWait);
    assert!(report.soft_lockups.is_empty());
    assert_eq!(report.stuck.len(), 6, "CPU 0 and five that wait for it: {report}");
}

#[test]
fn with_the_timer_feeding_the_watchdog_they_wait_but_no_cpu_is_reported() {
    let report = ablate(Ablation::FeedFromTimer);
    assert!(report.soft_lockups.is_empty());
    assert_eq!(report.stuck.len(), 6, "CPU 0 and five that wait for it: {report}");
}

#[test]
fn with_the_watchdog_off_they_wait_but_no_cpu_is_reported() {
    let report = report(with_config(|config| config.watchdog_thresh_secs = 0));
    assert!(report.soft_lockups.is_empty());
    assert_eq!(report.stuck.len(), 6);
}

#[test]
fn a_harmless_notifier_or_none_lets_the_machine_recover() {
    for notifier in [Notifier::Harmless, Notifier::None] {
        let report = report(NestedOops { notifier, ..NestedOops::default() });
        assert_eq!(report.outcome, Outcome::Recovered);
        assert!(report.soft_lockups.is_empty());
        assert_eq!(report.culprit, None);
    }
}

fn policy(die_lock: DieLockPolicy, more_oopses: &[At]) -> Report {
    report(NestedOops { die_lock, more_oopses: more_oopses.to_vec(), ..NestedOops::default() })
}

#[test]
fn x86_survives_the_nested_oops() {
    let report = policy(DieLockPolicy::X86, &[]);
    assert_eq!(report.outcome, Outcome::Recovered);
    let counts: Vec<_> = report.oopses.iter().map(|oops| oops.count).collect();
    assert_eq!(counts, [Some(1), Some(2)]);
}

#[test]
fn x86_hangs_at_a_later_oops_on_whichever_cpu() {
    for cpu in [0, 7, 63] {
        let report = policy(DieLockPolicy::X86, &[at(cpu, 300.0)]);
        assert_eq!(report.outcome, Outcome::Hung);
        assert_eq!(report.culprit, Some(CpuId(cpu)));
        assert_eq!(report.oopses[2].count, None, "the later oops prints nothing");
        assert_eq!(reported_cpus(&report), [35, 51, 30, 58, 2]);
        assert!(report.soft_lockups.iter().all(|lockup| lockup.waits_for == [CpuId(cpu)]));
    }
}

#[test]
fn a_level_that_a_dead_task_leaked_is_not_called_a_deadlock_of_one() {
    let report = policy(DieLockPolicy::X86, &[at(0, 300.0)]);
    assert_eq!(report.stuck[0].leaked_on, Some(CpuId::BOOT));
    assert_eq!(report.stuck[0].waits_for, None);
    assert!(
        report.to_string().contains("which a task took to its grave in a nested oops on CPU#0")
    );
}

#[test]
fn a_notifier_that_spins_makes_its_cpu_the_culprit() {
    let mut scenario = stuck(&[at(5, 300.0)]);
    scenario.notifier = Notifier::None;
    let mut machine = scenario.machine().unwrap();
    machine.register_die_notifier(NotifierBlock::new("spins", 0, |cpu: &Cpu| {
        loop {
            cpu.relax();
        }
    }));
    let report = machine.run().unwrap().incident.report();
    assert_eq!(report.culprit, Some(CpuId::BOOT));
    assert_eq!(report.outcome, Outcome::Hung);
    assert_eq!(report.stuck[0].place, Place::InterruptsOff);
    assert_eq!(reported_cpus(&report), [5]);
}

#[test]
fn a_notifier_that_faults_for_ever_ends_when_the_stack_is_spent() {
    let endless = |kernel| {
        let mut scenario = stuck(&[at(5, 300.0)]);
        scenario.config.kernel = kernel;
        scenario.die_lock = DieLockPolicy::Nesting;
        scenario.notifier = Notifier::Faulting { times: u32::MAX };
        report(scenario)
    };
    let arm64 = endless(Kernel::Arm64V6_12);
    assert_eq!(arm64.oopses.len(), MAX_NESTED_OOPSES as usize);
    assert_eq!(arm64.outcome, Outcome::Panicked, "arm64 notices");
    let x86 = endless(Kernel::X86V6_1);
    assert_eq!(x86.oopses.last().unwrap().count, Some(MAX_NESTED_OOPSES));
    for report in [&arm64, &x86] {
        assert!(report.oopses.iter().enumerate().all(|(n, oops)| oops.nested == (n > 0)));
    }
    assert_eq!((x86.outcome, x86.culprit), (Outcome::Hung, Some(CpuId::BOOT)));
    assert_eq!(reported_cpus(&x86)[0], 5, "and a CPU that calls it waits");
}

#[test]
fn a_nesting_die_lock_survives_later_oopses_on_any_cpu() {
    let report = policy(DieLockPolicy::Nesting, &[at(0, 300.0), at(7, 310.0), at(0, 320.0)]);
    assert_eq!(report.outcome, Outcome::Recovered);
    let counts: Vec<_> = report.oopses.iter().map(|oops| oops.count).collect();
    assert_eq!(counts, [Some(1), Some(2), Some(3), Some(4), Some(5)]);
}

#[test]
fn on_arm64_a_second_cpu_that_oopses_waits_for_the_first() {
    let report = policy(DieLockPolicy::Arm64, &[at(7, 300.0)]);
    let seven = report.stuck.iter().find(|stuck| stuck.cpu == CpuId(7)).expect("it is stuck");
    assert_eq!(seven.waits_for, Some(CpuId::BOOT));
    assert_eq!(report.culprit, Some(CpuId::BOOT));
}

#[test]
fn two_oopses_at_the_same_instant_are_reported_one_after_the_other() {
    let scenario = NestedOops {
        notifier: Notifier::Harmless,
        more_oopses: vec![at(7, 254.202183)],
        ..NestedOops::default()
    };
    let report = report(scenario);
    assert_eq!(report.outcome, Outcome::Recovered);
    let counts: Vec<_> = report.oopses.iter().map(|oops| oops.count).collect();
    assert_eq!(counts, [Some(1), Some(2)]);
}

#[test]
fn kernel_6_12_repeats_with_the_total() {
    let report = report(with_config(|config| config.kernel = Kernel::Arm64V6_12));
    let of = |cpu: u32| -> Vec<_> {
        let lockups = report.soft_lockups.iter().filter(|lockup| lockup.cpu.0 == cpu);
        lockups.map(|lockup| lockup.printed_seconds).collect()
    };
    assert_eq!(of(30), [22, 44, 67, 89, 111]);
    assert_eq!(of(58), [23, 45, 67]);
    assert_eq!(of(2), [22]);
}

#[test]
fn a_machine_without_the_articles_cpus_drops_their_arrivals() {
    let scenario = with_config(|config| config.nr_cpus = 32);
    let absent: Vec<_> = scenario.absent_cpus().iter().map(|cpu| cpu.0).collect();
    assert_eq!(absent, [35, 51, 58]);
    assert_eq!(reported_cpus(&report(scenario)), [30, 2]);
}

#[test]
fn a_machine_of_one_cpu_hangs_alone() {
    let report = report(with_config(|config| config.nr_cpus = 1));
    assert_eq!(report.outcome, Outcome::Hung);
    assert_eq!(report.stuck.len(), 1);
}

#[test]
fn a_machine_of_two_waits_in_smp_call_function_single() {
    let mut scenario = stuck(&[at(1, 300.0)]);
    scenario.config.nr_cpus = 2;
    let report = report(scenario);
    assert_eq!(report.soft_lockups[0].stack[1], "smp_call_function_single");
    assert_eq!(report.stuck.len(), 2);
}

#[test]
fn a_cpu_that_the_machine_does_not_have_is_refused() {
    let error = stuck(&[at(64, 300.0)]).machine().expect_err("it is refused");
    assert_eq!(error.to_string(), "there is no CPU#64 on a machine of 64: 0 to 63");
}

/// Compares with `tests/golden/NAME`; with `BLESS=1` in the environment writes it instead.
fn golden(name: &str, text: &str) {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        text == expected,
        "the console differs from {path}; if it should, run `BLESS=1 cargo test --test incident` and look at the diff"
    );
}

#[test]
fn consoles_are_the_golden_ones() {
    golden("article.txt", &run(NestedOops::default()).console());
    let stock = with_config(|config| config.print_order = PrintOrder::Stock);
    golden("stock-order.txt", &run(stock).console());
    let kernel_6_12 = |config: &mut Config| {
        config.kernel = Kernel::Arm64V6_12;
        config.print_order = PrintOrder::Stock;
    };
    golden("kernel-6.12.txt", &run(with_config(kernel_6_12)).console());
    let nesting = NestedOops { die_lock: DieLockPolicy::Nesting, ..NestedOops::default() };
    golden("nesting-die-lock.txt", &run(nesting).console());
    golden(
        "irqs-on-in-die.txt",
        &run(with_config(|c| c.ablate = Some(Ablation::IrqsOnInDie))).console(),
    );
}
