//! arm64 6.1, as Debian's real one: `tests/ground-truth/a64-d61-oops-kick-smp4.log`.

use softlockup::config::Sysctl;

use crate::*;

const KERNEL: Kernel = Kernel::Arm64V6_1;

#[test]
fn it_repeats_with_the_total_and_has_no_hard_lockup_detector() {
    let incident = run(four_cpus(KERNEL, 100.0), vec![dark(0, 10.0), waits(2, 20.0)]);
    let lockups = soft_lockups(&incident);
    let printed: Vec<_> = lockups.iter().map(|&(_, cpu, printed)| (cpu.0, printed)).collect();
    assert!([22, 23].contains(&printed[0].1), "{printed:?}");
    assert!(matches!(printed[1..], [(2, 44 | 45), (2, 67)]), "{printed:?}");
    assert!(!incident.console().contains("hard LOCKUP"));
}

#[test]
fn its_console_is_shaped_as_the_real_one() {
    let incident = run(
        four_cpus(KERNEL, 60.0),
        vec![
            (0, 10.0, Box::new(|cpu| cpu.null_deref(softlockup::kernel::fault::Access::Write, 0))),
            dark(3, 11.0),
            waits(1, 20.0),
        ],
    );
    let console = incident.console();
    for line in [
        "Internal error: Oops: 0000000096000044 [#1] SMP\n",
        "  ISV = 0, ISS = 0x00000044\n",
        "  CM = 0, WnR = 1\n",
        "CPU: 1 PID: 72 Comm: task/2 Tainted: G      D    OE      6.1.0-56-arm64 #1\n",
        "pstate: 60000005 (nZCv daif -PAN -UAO -TCO -DIT -SSBS BTYPE=--)\n",
        "pc : smp_call_function_many_cond+0x0/0x0\n",
        "lr : kick_all_cpus_sync+0x0/0x0\n",
    ] {
        assert!(console.contains(line), "{line}{console}");
    }
}

#[test]
fn it_counts_the_panicking_cpu_among_those_that_did_not_stop() {
    let failed = |kernel| {
        let sysctl = Sysctl { softlockup_panic: true, ..Sysctl::OFF };
        let mut config = Config { sysctl, ..four_cpus(kernel, 100.0) };
        config.detectors.hardlockup_buddy = None; // or CPU 3 does not stop either: it waits for a backtrace
        let incident = run(config, vec![dark(0, 10.0), waits(1, 20.0)]);
        let failed = messages(&incident).into_iter().find_map(|(_, message)| match message {
            Message::FailedToStop { cpus } => Some(cpus),
            _ => None,
        });
        (incident.console(), failed.expect("CPU 0 did not stop"))
    };
    let (console, cpus) = failed(KERNEL);
    assert_eq!(cpus, [CpuId(0), CpuId(1)]);
    assert!(console.contains("SMP: failed to stop secondary CPUs 0-1\n"), "{console}");
    assert_eq!(failed(Kernel::Arm64V4_19).1, [CpuId(0), CpuId(1)]);
    assert_eq!(failed(Kernel::Arm64V6_12).1, [CpuId(0)]);
}

/// No CPU can be asked what it is doing: csd debugging prints what it knows of the task, and does not wait.
#[test]
fn csd_debugging_dumps_a_task_and_does_not_wait_10_s() {
    let detectors = Detectors { csd: true, ..Detectors::of(KERNEL) };
    let config = Config { detectors, ..four_cpus(KERNEL, 100.0) };
    let incident = run(config, vec![dark(0, 10.0), waits(2, 20.0)]);
    let messages = messages(&incident);
    let position = |is: &dyn Fn(&Message) -> bool| messages.iter().position(|(_, m)| is(m));
    let dump = position(&|m| *m == Message::TaskDump { cpu: CpuId(0) }).expect("a dump");
    let resend = position(&|m| matches!(m, Message::CsdResend { .. })).expect("a second IPI");
    assert!(dump < resend);
    assert!((messages[resend].0 - 25.0).abs() < 0.001, "at once: {:?}", messages[resend]);
    assert!(position(&|m| matches!(m, Message::BacktraceRequest { .. })).is_none());
}
