//! Lockups, backtraces, and what a boot says of the machine.

use softlockup::CpuId;
use softlockup::dmesg::Message::{self, *};

use crate::{assert_says, assert_unknown, list};

#[test]
fn powerpcs_watchdog_names_itself_others_and_the_last_heartbeat() {
    let hard =
        |cpu, reporter: Option<u32>| HardLockup { cpu: CpuId(cpu), reporter: reporter.map(CpuId) };
    let lines: [(&str, Message); 9] = [
        (
            "watchdog: CPU 32 self-detected hard LOCKUP @ _raw_spin_lock+0x88/0x100",
            hard(32, Some(32)),
        ),
        ("watchdog: CPU 68 Hard LOCKUP", hard(68, None)),
        ("Watchdog CPU:15 Hard LOCKUP", hard(15, None)),
        (
            "watchdog: CPU 13 detected hard LOCKUP on other CPUs 0-2,7,10,44",
            HardLockups { cpus: list(&[0, 1, 2, 7, 10, 44]), reporter: CpuId(13) },
        ),
        (
            "Watchdog CPU:15 detected Hard LOCKUP other CPUS:9-11,48",
            HardLockups { cpus: list(&[9, 10, 11, 48]), reporter: CpuId(15) },
        ),
        (
            "watchdog: CPU 24 TB:85587019220796, last heartbeat TB:80445199540 (10043ms ago)",
            Heartbeat { cpu: CpuId(24), ms_ago: 10_043, smp: false },
        ),
        (
            "watchdog: CPU 12 TB:85587019220796, last SMP heartbeat TB:85578827223399 (15999ms ago)",
            Heartbeat { cpu: CpuId(12), ms_ago: 15_999, smp: true },
        ),
        ("watchdog: CPU 8 became unstuck TB:274978264599", BecameUnstuck { cpu: CpuId(8) }),
        ("CPU3: stopping", Stopped { cpu: CpuId(3) }),
    ];
    for (line, message) in lines {
        assert_says(line, &[message]);
    }
}

#[test]
fn a_list_of_locked_up_cpus_may_stand_behind_the_words_of_a_test() {
    assert_says(
        "Result=\"Failed (state 5): watchdog: CPU 30 detected hard LOCKUP on other CPUs 0,3",
        &[HardLockups { cpus: list(&[0, 3]), reporter: CpuId(30) }],
    );
    assert_unknown(
        "they say: watchdog: CPU 30 detected hard LOCKUP on other CPUs 0 and 3\nsee: watchdog: CPU 3",
    );
}

#[test]
fn a_soft_lockups_seconds_may_be_written_out() {
    let soft = |secs| SoftLockup { cpu: CpuId(1), secs, comm: Some("a".into()), pid: Some(7) };
    assert_says("BUG: soft lockup - CPU#1 stuck for 26 seconds! [a:7]", &[soft(26)]);
    assert_unknown("BUG: soft lockup - CPU#1 stuck for 26 minutes! [a:7]");
}

#[test]
fn a_list_may_name_every_cpu_of_the_largest_machine() {
    let cpus: Vec<u32> = (0..4_096).collect();
    assert_says(
        "watchdog: CPU 4095 detected hard LOCKUP on other CPUs 0-4095",
        &[HardLockups { cpus: list(&cpus), reporter: CpuId(4_095) }],
    );
    let odd: Vec<u32> = (0..2_048).map(|cpu| 2 * cpu + 1).collect();
    let text = odd.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    assert_says(
        &format!("Sending NMI from CPU 0 to CPUs {text}:"),
        &[BacktraceRequest { from: CpuId(0), to: list(&odd) }],
    );
}

#[test]
fn a_list_that_no_kernel_prints_is_not_believed() {
    for cpus in ["", "3-1", "0-4096", "0-4294967295", "5,4", "1-3,2", "0-2000,3000-6000", "1,,2"] {
        assert_unknown(&format!("watchdog: CPU 7 detected hard LOCKUP on other CPUs {cpus}"));
    }
}

#[test]
fn who_is_asked_for_a_backtrace_answers_idles_or_stays_silent() {
    let lines = [
        ("NMI backtrace for cpu 6", Backtrace { cpu: CpuId(6), idle: false }),
        (
            "NMI backtrace for cpu 6 skipped: idling at default_idle+0xf/0x20",
            Backtrace { cpu: CpuId(6), idle: true },
        ),
        (
            "CPU 8 didn't respond to backtrace IPI, inspecting paca.",
            NoBacktrace { cpus: list(&[8]) },
        ),
        (
            "After 10 seconds, these CPUS still haven't responded to the NMI: 5,7",
            NoBacktrace { cpus: list(&[5, 7]) },
        ),
        ("Task dump for CPU 55:", TaskDump { cpu: CpuId(55) }),
        (
            "task:qemu-system-s39 state:R  running task     stack:0     pid:217198 ppid:1      flags:0x00000045",
            TaskState { comm: "qemu-system-s39".into(), state: 'R', pid: Some(217_198) },
        ),
        (
            "task:rcu_preempt     state:I stack:    0 pid:   13 ppid:     2 flags:0x00000028",
            TaskState { comm: "rcu_preempt".into(), state: 'I', pid: Some(13) },
        ),
        (
            "swapper/3       R  running task        0     0      1 0x00000000",
            TaskState { comm: "swapper/3".into(), state: 'R', pid: Some(0) },
        ),
        (
            "kworker/1:1H    D    0   325      2 0x00004000",
            TaskState { comm: "kworker/1:1H".into(), state: 'D', pid: Some(325) },
        ),
    ];
    for (line, message) in lines {
        assert_says(line, &[message]);
    }
}

#[test]
fn a_soft_lockup_may_say_what_the_cpu_did_with_its_time() {
    let row = |system, softirq, hardirq, idle| UtilizationRow { system, softirq, hardirq, idle };
    assert_says(
        "CPU#10 Utilization every 4000ms during lockup:\n\
         \t#1:   0% system,\t  0% softirq,\t101% hardirq,\t  0% idle\n\
         \t#2:  11% system,          2% softirq,    80% hardirq,     7% idle\n\
         CPU#10 Detect HardIRQ Time exceeds 50%. Most frequent HardIRQs:\n\
         \t#1: 330985    \tirq#7(IPI)\n\
         \t#2: 31        \tirq#82",
        &[
            Utilization { cpu: CpuId(10), period_ms: 4_000 },
            row(0, 0, 101, 0),
            row(11, 2, 80, 7),
            HardIrqStorm { cpu: CpuId(10), percent: 50 },
            HardIrq { count: 330_985, irq: 7 },
            HardIrq { count: 31, irq: 82 },
        ],
    );
    assert_says(
        "CPU#9 Utilization every 4s during lockup:",
        &[Utilization { cpu: CpuId(9), period_ms: 4_000 }],
    );
    assert_unknown("#1: 0% system, 0% softirq, 101% hardirq\n#1: 5 interrupts\n#x: 1 irq#2");
}

#[test]
fn work_and_tasks_can_hang_too() {
    assert_says(
        "BUG: workqueue lockup - pool cpus=20 node=1 flags=0x0 nice=0 stuck for 3608s!",
        &[WorkqueueLockup { cpus: list(&[20]), secs: 3_608 }],
    );
    assert_says(
        "BUG: workqueue lockup - pool cpus=0-3 flags=0x4 nice=0 stuck for 32s!",
        &[WorkqueueLockup { cpus: list(&[0, 1, 2, 3]), secs: 32 }],
    );
    assert_says(
        "INFO: task kworker/3:1:123 blocked for more than 120 seconds.",
        &[HungTask { comm: "kworker/3:1".into(), pid: 123, secs: 120 }],
    );
    assert_says(
        "INFO: task (networkd):520 blocked for more than 122 seconds.",
        &[HungTask { comm: "(networkd)".into(), pid: 520, secs: 122 }],
    );
    assert_unknown(
        "BUG: workqueue lockup - pool cpus=x stuck for 3s!\nINFO: task a blocked for more than 1 seconds.",
    );
}

#[test]
fn a_boot_says_how_many_cpus_and_how_far_apart_their_areas_are() {
    let lines = [
        (
            "Linux version 6.1.0-56-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0))",
            Booted { release: "6.1.0-56-amd64".into() },
        ),
        (
            "percpu: Embedded 61 pages/cpu s212992 r8192 d28672 u262144",
            PerCpu { unit_size: 262_144 },
        ),
        ("smp: Brought up 1 node, 4 CPUs", BroughtUp { cpus: 4, nodes: Some(1) }),
        ("smp: Brought up 2 nodes, 128 CPUs", BroughtUp { cpus: 128, nodes: Some(2) }),
        ("Brought up 64 CPUs", BroughtUp { cpus: 64, nodes: None }),
        ("x86: Booted up 4 nodes, 256 CPUs", BroughtUp { cpus: 256, nodes: Some(4) }),
    ];
    for (line, message) in lines {
        assert_says(line, &[message]);
    }
    assert_unknown(
        "percpu: Embedded 61 pages/cpu\nBrought up the rear\nsmp: Brought up 1 node, many CPUs",
    );
}
