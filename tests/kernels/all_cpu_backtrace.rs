//! `kernel.softlockup_all_cpu_backtrace` and `kernel.hardlockup_all_cpu_backtrace`.

use softlockup::config::Sysctl;

use crate::*;

const SOFT: Sysctl = Sysctl { softlockup_all_cpu_backtrace: true, ..Sysctl::OFF };
const HARD: Sysctl = Sysctl { hardlockup_all_cpu_backtrace: true, ..Sysctl::OFF };

/// 6.12 without the buddy, whose reports would come in between.
fn only_soft(sysctl: Sysctl, until: f64) -> Config {
    let mut config = Config { sysctl, ..four_cpus(Kernel::Arm64V6_12, until) };
    config.detectors.hardlockup_buddy = None;
    config
}

/// When a CPU asked, which, and whom.
type Request = (f64, u32, Vec<u32>);

/// Every request, and which CPUs answered.
fn requests(incident: &Incident) -> (Vec<Request>, Vec<u32>) {
    let (mut asked, mut answered) = (Vec::new(), Vec::new());
    for (time, message) in messages(incident) {
        match message {
            Message::BacktraceRequest { from, to } => {
                asked.push((time, from.0, to.iter().map(|cpu| cpu.0).collect()));
            }
            Message::Backtrace { cpu, .. } => answered.push(cpu.0),
            _ => {}
        }
    }
    (asked, answered)
}

#[test]
fn a_cpu_that_reports_itself_asks_all_others_at_once() {
    let incident = run(only_soft(SOFT, 60.0), vec![dark(0, 10.0), waits(2, 20.0)]);
    let (asked, mut answered) = requests(&incident);
    let [(time, 2, ref to)] = asked[..] else { panic!("{asked:?}") };
    assert_eq!(to, &[0, 1, 3], "all but itself");
    assert!((time - soft_lockups(&incident)[0].0.ns() as f64 / 1e9).abs() < 0.001);
    answered.sort_unstable();
    assert_eq!(answered, [1, 3], "CPU 0 is dark");
    assert!(incident.console().contains("Sending NMI from CPU 2 to CPUs 0-1,3:\n"));
    let idle = "NMI backtrace for cpu 3 skipped: idling at default_idle_call+0x0/0x0\n";
    assert!(incident.console().contains(idle), "{}", incident.console());
}

/// It waits 10 s for CPU 0, and touches its watchdog meanwhile: its next report is a sample later than without.
#[test]
fn it_waits_10_s_for_a_cpu_that_does_not_answer_and_reports_itself_later() {
    let lockups = |sysctl| {
        let incident = run(only_soft(sysctl, 100.0), vec![dark(0, 10.0), waits(2, 20.0)]);
        soft_lockups(&incident).iter().map(|(time, ..)| time.ns()).collect::<Vec<_>>()
    };
    let (without, with) = (lockups(Sysctl::OFF), lockups(SOFT));
    assert_eq!(with[0], without[0]);
    assert_eq!(without[1] - without[0], 24 * NSEC_PER_SEC);
    // The sample that was due during those 10 s comes when they are over, and counts from there: the next one that is
    // more than 20 units away is 32 s after the report (or 36 s, where the units lie otherwise).
    assert_eq!(with[1] - with[0], 32 * NSEC_PER_SEC);
}

/// CPU 1 is due while CPU 2 waits for its answers. It returns, with its heartbeat as it was, so that it reports itself at
/// its first sample after CPU 2 is done, and counts from its own last feed.
#[test]
fn a_cpu_that_is_due_meanwhile_gives_way_and_reports_itself_at_its_next_sample() {
    let tasks = || vec![dark(0, 10.0), waits(2, 20.0), waits(1, 22.5)];
    let lockups = |sysctl| soft_lockups(&run(only_soft(sysctl, 70.0), tasks()));
    let first = |lockups: &[(KernelTime, CpuId, u64)], cpu| {
        *lockups.iter().find(|(_, of, _)| *of == CpuId(cpu)).expect("it is reported")
    };
    let (without, with) = (lockups(Sysctl::OFF), lockups(SOFT));
    let by_2 = first(&with, 2).0.ns();
    let due = first(&without, 1).0.ns();
    assert!(due > by_2 && due < by_2 + 10 * NSEC_PER_SEC, "CPU 1 is due while CPU 2 waits");
    let (time, _, printed) = first(&with, 1);
    let late = time.ns() - due;
    assert!(time.ns() >= by_2 + 10 * NSEC_PER_SEC, "not before CPU 2 is done");
    assert!(late.is_multiple_of(4 * NSEC_PER_SEC) && late <= 12 * NSEC_PER_SEC, "{late}");
    assert!(printed > first(&without, 1).2, "the total, since its own last feed");
}

/// 4.19 sets its flag as if it had reported: the next sample takes the task for another one and counts anew.
#[test]
fn on_4_19_a_cpu_that_gives_way_begins_to_count_anew() {
    use softlockup::parts::softlockup::{
        Heartbeat, SampleContext, SoftlockupDetector, SoftlockupVerdict, WarnOnceDetector,
    };
    let at = |now| SampleContext { now, softlockup_thresh: 20, current: 7 };
    let fed = WarnOnceDetector.feed(Heartbeat::default(), 100);
    let (_, verdict) = WarnOnceDetector.sample(fed, at(122));
    assert_eq!(verdict, SoftlockupVerdict::Lockup { units: 22 });
    let (next, verdict) = WarnOnceDetector.sample(WarnOnceDetector.gives_way(fed), at(126));
    assert_eq!(verdict, SoftlockupVerdict::Reset);
    let (_, verdict) = WarnOnceDetector.sample(next, at(148));
    assert_eq!(verdict, SoftlockupVerdict::Lockup { units: 22 });
}

/// Before 6.7 arm64 has no `arch_trigger_cpumask_backtrace`.
#[test]
fn arm64_before_6_7_asks_no_cpu() {
    for kernel in [Kernel::Arm64V4_19, Kernel::Arm64V6_1] {
        let tasks = || vec![dark(0, 10.0), waits(2, 20.0), waits(1, 22.5)];
        let console =
            |sysctl| run(Config { sysctl, ..four_cpus(kernel, 100.0) }, tasks()).console();
        assert!(console(SOFT).contains("BUG: soft lockup"));
        assert_eq!(console(SOFT), console(Sysctl::OFF));
    }
}

#[test]
fn on_x86_the_dark_cpu_answers_because_the_request_is_an_nmi() {
    let config = Config { sysctl: SOFT, ..four_cpus(Kernel::X86V6_1, 60.0) };
    let incident = run(config, vec![dark(0, 10.0), waits(2, 20.0)]);
    let (asked, mut answered) = requests(&incident);
    assert_eq!(asked[0].2, [0, 1, 3]);
    answered.sort_unstable();
    assert_eq!(answered, [0, 1, 3]);
}

#[test]
fn since_6_8_a_cpu_that_panics_after_its_dump_lets_no_other_report() {
    let sysctl = Sysctl { softlockup_panic: true, ..SOFT };
    let tasks = vec![dark(0, 10.0), waits(2, 20.0), waits(1, 22.5)];
    let incident = run(only_soft(sysctl, 80.0), tasks);
    let lockups = soft_lockups(&incident);
    assert_eq!(lockups.len(), 1, "{lockups:?}");
    let panics = messages(&incident).into_iter().find(|(_, m)| matches!(m, Message::Panic { .. }));
    let (time, _) = panics.expect("it panics");
    let after = time - lockups[0].0.ns() as f64 / 1e9;
    assert!((after - 10.0).abs() < 0.001, "after its 10 s of waiting, not {after}");
}

/// The buddy asks CPU 0 alone first, in vain; then all others, itself among them.
#[test]
fn a_buddy_asks_the_dark_cpu_and_then_all_others() {
    let config = Config { sysctl: HARD, ..four_cpus(Kernel::Arm64V6_12, 60.0) };
    let incident = run(config, vec![dark(0, 10.0)]);
    let (asked, answered) = requests(&incident);
    let [(first, 3, ref alone), (second, 3, ref others)] = asked[..] else { panic!("{asked:?}") };
    assert_eq!((&alone[..], &others[..]), (&[0][..], &[1, 2][..]));
    assert!((second - first - 10.0).abs() < 0.001);
    assert_eq!(answered, [3, 1, 2], "its own stack comes first");
    assert_eq!(incident.console().matches("hard LOCKUP").count(), 1);
}

#[test]
fn on_x86_6_1_all_cpus_are_dumped_for_the_first_hard_lockup_only() {
    let mut config = Config { sysctl: HARD, ..four_cpus(Kernel::X86V6_1, 60.0) };
    config.detectors.hardlockup_perf = true;
    let incident = run(config, vec![dark(0, 10.0), dark(2, 25.0)]);
    let (asked, _) = requests(&incident);
    assert_eq!(incident.console().matches("hard LOCKUP").count(), 2);
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!((asked[0].1, &asked[0].2[..]), (0, &[1, 2, 3][..]));
}

/// While it waits for all of them, a CPU with interrupts off looks like a culprit. It waits for CPU 0.
#[test]
fn a_run_that_ends_while_a_cpu_asks_all_blames_the_cpu_that_does_not_answer() {
    let mut scenario = softlockup::scenario::nested_oops::NestedOops {
        config: Config { sysctl: SOFT, nr_cpus: 4, ..only_soft(SOFT, 0.0) },
        arrivals: softlockup::scenario::nested_oops::Arrivals::Stuck(vec![
            softlockup::scenario::At { cpu: CpuId(2), time: at(260.0) },
        ]),
        ..Default::default()
    };
    use softlockup::Scenario;
    let full = scenario.machine().unwrap().run().unwrap().incident;
    let reported = soft_lockups(&full)[0].0;
    for secs in 1..10 {
        scenario.set_until(reported + secs * NSEC_PER_SEC);
        let report = scenario.machine().unwrap().run().unwrap().incident.report();
        assert_eq!(report.diagnosis, scenario.conclusion(), "{secs} s after the report");
        assert_eq!(report.culprit, Some(CpuId(0)));
    }
}

#[test]
fn a_saved_run_with_requests_reads_back_the_same() {
    let incident = run(only_soft(SOFT, 60.0), vec![dark(0, 10.0), waits(2, 20.0)]);
    let mut saved = Vec::new();
    incident.save(&mut saved).unwrap();
    assert_eq!(Incident::load(&saved[..]).unwrap(), incident);
    let text = String::from_utf8(saved).unwrap();
    let wrong = text.replace(r#""of":[0,1,3]"#, r#""of":[0,1,4]"#);
    assert_ne!(wrong, text);
    let error = Incident::load(wrong.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("there is no CPU#4"), "{error}");
}

/// `add_taint(TAINT_SOFTLOCKUP)` comes after the other CPUs' stacks.
#[test]
fn the_dump_of_the_first_lockup_is_not_tainted_by_it_yet() {
    for kernel in [Kernel::Arm64V6_12, Kernel::X86V6_1] {
        let mut config = Config { sysctl: SOFT, ..four_cpus(kernel, 100.0) };
        config.detectors.hardlockup_buddy = None;
        let works = (1, 25.0, Box::new(|cpu: &Cpu| cpu.run_user_until(at(99.0))) as Body);
        let console = run(config, vec![dark(0, 10.0), waits(2, 20.0), works]).console();
        let (second, _) = console.match_indices("BUG: soft lockup").nth(1).expect("two reports");
        let (first, second) = console.split_at(second);
        let has_l = |text: &str| text.lines().filter(|it| it.contains("OEL")).count();
        let dumps = first.lines().filter(|it| it.contains("Tainted: G")).count();
        assert!(dumps >= 2, "CPU 2 and CPU 1, which answers: {first}");
        assert_eq!(has_l(first), 0, "{first}");
        assert!(has_l(second) > 0, "{second}");
    }
}
