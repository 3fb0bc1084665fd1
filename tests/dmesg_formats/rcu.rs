//! RCU's stall warnings, old and new, on one line or on several.

use softlockup::CpuId;
use softlockup::dmesg::Message::{self, *};

use crate::{assert_says, assert_unknown};

fn stall(self_detected: bool, expedited: bool) -> Message {
    RcuStall { self_detected, expedited }
}

/// As in braces: a number and letters.
fn cpu(cpu: u32, flags: &str, irqs_off: Option<bool>) -> Message {
    let flags = flags.into();
    let (gps_behind, ticks, idle, false_positive) = (None, None, None, false);
    RcuStallCpu { cpu: CpuId(cpu), flags, irqs_off, gps_behind, ticks, idle, false_positive }
}

/// `(… GPs behind)`, and whether it is idle.
fn behind(number: u32, letters: &str, off: Option<bool>, behind: u64, is_idle: bool) -> Message {
    let mut says = cpu(number, letters, off);
    if let RcuStallCpu { gps_behind, idle, .. } = &mut says {
        (*gps_behind, *idle) = (Some(behind), Some(is_idle));
    }
    says
}

/// `(… ticks this GP)`, and whether it is idle.
fn ticked(number: u32, letters: &str, off: Option<bool>, count: u64, is_idle: bool) -> Message {
    let mut says = behind(number, letters, off, 0, is_idle);
    if let RcuStallCpu { ticks, .. } = &mut says {
        *ticks = Some(count);
    }
    says
}

fn end(by: Option<u32>, jiffies: u64, nr_cpus: Option<u32>) -> Message {
    RcuStallEnd { by: by.map(CpuId), jiffies, nr_cpus }
}

#[test]
fn a_stall_lists_its_cpus_and_says_who_saw_it() {
    assert_says(
        "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:\n\
         rcu: \t5-...0: (1 GPs behind) idle=3d0c/1/0x4000000000000000 softirq=100/101 fqs=5250\n\
         rcu: \t6-....: (3 ticks this GP) idle=06c/0/0 softirq=1453/1455 fqs=0\n\
         rcu: \t7-...!: (0 ticks this GP) idle=81c/0/0x0 softirq=7/7 fqs=0 (false positive?)\n\
         rcu: \t8-O..?: (2 GPs behind) idle=81c/0/0x0 softirq=7/7 fqs=0\n\
         rcu: \tTasks blocked on level-0 rcu_node (CPUs 0-15): P850507 P12\n\
         rcu: \t(detected by 7, t=65008 jiffies, g=8725, q=2 ncpus=16)",
        &[
            stall(false, false),
            behind(5, "...0", Some(true), 1, false),
            ticked(6, "....", Some(false), 3, true),
            RcuStallCpu {
                cpu: CpuId(7),
                flags: "...!".into(),
                irqs_off: None,
                gps_behind: Some(0),
                ticks: Some(0),
                idle: Some(true),
                false_positive: true,
            },
            behind(8, "O..?", None, 2, true),
            RcuStallTasks { pids: vec![850_507, 12] },
            end(Some(7), 65_008, Some(16)),
        ],
    );
}

#[test]
fn a_cpu_that_reports_itself_says_for_how_long() {
    assert_says(
        "rcu: INFO: rcu_sched self-detected stall on CPU\n\
         rcu: \t14-....: (42008 ticks this GP) idle=53f4/1/0x4000000000000000 softirq=61530/61530 fqs=14031\n\
         rcu: \t(t=42008 jiffies g=238109 q=100360 ncpus=18)",
        &[
            stall(true, false),
            ticked(14, "....", Some(false), 42_008, false),
            end(None, 42_008, Some(18)),
        ],
    );
}

#[test]
fn the_lines_below_the_first_may_lack_rcus_prefix() {
    assert_says(
        "INFO: rcu_sched detected stalls on CPUs/tasks:\n\
         \t2-...: (3 GPs behind) idle=06c/0/0 softirq=1453/1455 fqs=0\n\
         \t16: (0 ticks this GP) idle=81c/0/0 softirq=764/764\n\
         \t(detected by 32, t=2603 jiffies, g=7073, c=7072, q=625)",
        &[
            stall(false, false),
            behind(2, "...", None, 3, true),
            ticked(16, "", None, 0, true),
            end(Some(32), 2_603, None),
        ],
    );
}

#[test]
fn what_stands_in_braces_is_the_same_as_on_lines_of_its_own() {
    assert_says(
        "rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: { P850507 5-...D 11-.... } 81366 jiffies s: 1361 root: 0x0/.",
        &[
            stall(false, true),
            cpu(5, "...D", Some(true)),
            cpu(11, "....", Some(false)),
            RcuStallTasks { pids: vec![850_507] },
            end(None, 81_366, None),
        ],
    );
    assert_says(
        "INFO: rcu_sched detected stalls on CPUs/tasks: { 1 7} (detected by 0, t=5252 jiffies, g=3, c=2, q=12)",
        &[stall(false, false), cpu(1, "", None), cpu(7, "", None), end(Some(0), 5_252, None)],
    );
    assert_says(
        "INFO: rcu_sched self-detected stall on CPU { 3}  (t=65000 jiffies g=33 c=32 q=9)",
        &[stall(true, false), cpu(3, "", None), end(None, 65_000, None)],
    );
    // A kernel that printed each word in the braces as a line.
    assert_says(
        "rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: {\n 0-...D\n } 2688 jiffies s: 4485 root: 0x1/.",
        &[stall(false, true), cpu(0, "...D", Some(true)), end(None, 2_688, None)],
    );
}

#[test]
fn the_kthread_can_starve_on_a_cpu_or_wait_for_a_timer_there() {
    let starved = |jiffies, runnable, cpu: Option<u32>| RcuKthreadStarved {
        jiffies,
        runnable,
        cpu: cpu.map(CpuId),
    };
    assert_says(
        "rcu: rcu_sched kthread starved for 15000 jiffies! g449229 f0x0 RCU_GP_WAIT_FQS(5) ->state=0x0 ->cpu=3",
        &[starved(15_000, Some(true), Some(3))],
    );
    assert_says(
        "rcu: rcu_preempt kthread starved for 2724 jiffies! g449229 f0x0 RCU_GP_WAIT_FQS(5) ->state=0x402 ->cpu=4",
        &[starved(2_724, Some(false), Some(4))],
    );
    assert_says("rcu_sched kthread starved for 5 jiffies!", &[starved(5, None, None)]);
    assert_says(
        "rcu: \tPossible timer handling issue on cpu=0 timer-softirq=10563",
        &[RcuTimerIssue { cpu: CpuId(0) }],
    );
}

#[test]
fn other_lines_of_rcus_are_kept_as_they_are() {
    assert_unknown(
        "rcu: blocking rcu_node structures (internal RCU debug): l=1:0-15:0x4000/.\n\
         rcu: Hierarchical RCU implementation.\n\
         INFO: rcu detected stall in corrupted\n\
         5-way set associative: (1 GPs behind)\n\
         (t=1 of 2)\n\
         5-....x",
    );
}
