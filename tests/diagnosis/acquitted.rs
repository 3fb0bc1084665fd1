//! What looks like a CPU that does not answer and is none: each beside a console like it that convicts.

use softlockup::CpuId;
use softlockup::dmesg::diagnosis::{Confidence, Diagnosis, FactKind, Verdict, Weight, diagnose};

/// The last incident of a log.
fn read(log: &str) -> Diagnosis {
    diagnose(log.as_bytes()).pop().expect("there is an incident")
}

fn named(log: &str) -> Option<u32> {
    read(log).culprit().map(|cpu| cpu.0)
}

fn confidence(log: &str) -> Option<(u32, Confidence)> {
    match read(log).verdict {
        Verdict::Named { cpu, confidence, .. } => Some((cpu.0, confidence)),
        _ => None,
    }
}

/// The log goes on until then, and says nothing of interest.
fn until(secs: u32) -> String {
    format!("[ {secs}.500000] eth0: link up\n")
}

/// A stack on x86, the innermost function first; `flags` is 46 with interrupts off and 246 with interrupts on.
fn x86(
    secs: u32,
    cpu: u32,
    headline: &str,
    flags: u32,
    functions: &[&str],
    gs: u64,
    regs: &str,
) -> String {
    let (pc, frames) = functions.split_first().expect("a function");
    let frames: String =
        frames.iter().map(|name| format!("[ {secs}.000008]  {name}+0x1c/0x90\n")).collect();
    format!(
        "[ {secs}.000000] {headline}\n\
         [ {secs}.000001] CPU: {cpu} PID: 4{cpu} Comm: job/{cpu} Tainted: G           O      6.6.8 #3\n\
         [ {secs}.000002] RIP: 0010:{pc}+0x2d/0x90\n\
         [ {secs}.000003] RSP: 0018:ffffa1c2c0157c40 EFLAGS: {flags:0>8}\n\
         [ {secs}.000004] {regs}\n\
         [ {secs}.000005] R10: 0000000000000000 R11: 0000000000000000 R12: 0000000000000000\n\
         [ {secs}.000006] FS:  0000000000000000(0000) GS:{gs:016x}(0000) knlGS:0000000000000000\n\
         [ {secs}.000007] Call Trace:\n\
         [ {secs}.000008]  <TASK>\n\
         {frames}\
         [ {secs}.000009]  </TASK>\n"
    )
}

/// The area of the nth CPU of a node.
fn area(node: u64, nth: u64) -> u64 {
    0xffff_9b40_0fc0_0000 + node * 0x40_0000_0000 + nth * 0x4_0000
}

/// A CPU whose area is the `nth` of its node, and that waits for the answer of the CPU whose area is `target`.
fn points(secs: u32, cpu: u32, nth: u64, target: u64) -> String {
    let call = target + 0x2_b3c0 + u64::from(cpu) * 0x20;
    let regs = format!(
        "RAX: 0000000000000011 RBX: {:016x} RCX: {call:016x}\n\
         [ {secs}.000004] RDX: 0000000000000001 RSI: 0000000000000000 RDI: ffff9b3f88e1a700\n\
         [ {secs}.000004] RBP: 0000000000000080 R08: 0000000000000000 R09: 0000000000000000",
        area(0, nth) + 0x2_0c40,
    );
    let headline =
        format!("watchdog: BUG: soft lockup - CPU#{cpu} stuck for 22s! [job/{cpu}:4{cpu}]");
    let functions = ["smp_call_function_many_cond", "on_each_cpu_cond_mask", "flush_all"];
    x86(secs, cpu, &headline, 246, &functions, area(0, nth), &regs)
}

fn brought_up(nodes: &str) -> String {
    format!("[ 0.400000] smp: Brought up {nodes}, 48 CPUs\n")
}

#[test]
fn a_pointer_past_the_dumped_cpus_names_none_where_numbers_may_jump() {
    // Node 0 has CPUs 0-11 and 24-35: the 15th area is that of CPU 27.
    let waiters = points(90, 4, 4, area(0, 15)) + &points(91, 5, 5, area(0, 15));
    assert_eq!(named(&(brought_up("2 nodes") + &waiters)), None);
    assert_eq!(named(&waiters), None, "nothing says that there is one node");
    // One node numbers its areas as its CPUs.
    assert_eq!(named(&(brought_up("1 node") + &waiters)), Some(15));
}

#[test]
fn a_pointer_between_dumped_cpus_names_one_on_any_machine() {
    let waiters = points(90, 4, 4, area(0, 7)) + &points(91, 5, 5, area(0, 7));
    let beyond = points(92, 9, 9, area(0, 7));
    assert_eq!(named(&(brought_up("2 nodes") + &waiters + &beyond)), Some(7));
    assert_eq!(named(&(brought_up("2 nodes") + &waiters)), None);
    // Another dump shows where its area is, whatever it does.
    let regs = "RAX: 0000000000000000 RBX: 0000000000000000 RCX: 0000000000000000";
    let other = x86(89, 9, "NMI backtrace for cpu 9", 246, &["read_page"], area(0, 9), regs);
    assert_eq!(named(&(brought_up("2 nodes") + &other + &waiters)), Some(7));
    // There is no CPU below 0.
    let first = points(90, 4, 4, area(0, 0)) + &points(91, 5, 5, area(0, 0));
    assert_eq!(named(&(brought_up("2 nodes") + &first)), Some(0));
}

#[test]
fn areas_of_every_other_cpu_do_not_tell_how_far_apart_they_are() {
    // Node 0 has the even CPUs: CPU 8 has its 4th area.
    let even = points(90, 2, 1, area(0, 4))
        + &points(91, 6, 3, area(0, 4))
        + &points(92, 10, 5, area(0, 4));
    assert_eq!(named(&(brought_up("2 nodes") + &even)), None);
    let all = points(90, 2, 2, area(0, 4))
        + &points(91, 3, 3, area(0, 4))
        + &points(92, 10, 10, area(0, 4));
    assert_eq!(named(&(brought_up("2 nodes") + &all)), Some(4));
}

/// RCU's list of one CPU.
fn rcu(secs: u32, line: &str) -> String {
    format!(
        "[ {secs}.000000] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:\n\
         [ {secs}.000001] rcu: \t{line}\n\
         [ {secs}.000002] rcu: \t(detected by 1, t=26002 jiffies, g=7741, q=31 ncpus=8)\n\
         [ {secs}.000003] CPU: 1 PID: 71 Comm: job/1 Not tainted 6.6.8 #3\n\
         [ {secs}.000004] Call Trace:\n\
         [ {secs}.000005]  dump_stack_lvl+0x37/0x50\n\
         [ {secs}.000006]  rcu_sched_clock_irq+0x90/0x400\n"
    )
}

const STALLED: &str =
    "6-...0: (1 GPs behind) idle=9a3c/1/0x4000000000000000 softirq=812/812 fqs=5100";

#[test]
fn a_cpu_that_reports_its_own_stall_takes_interrupts() {
    let own = rcu(60, STALLED)
        .replace("detected stalls on CPUs/tasks:", "self-detected stall on CPU")
        .replace("6-...0: (1 GPs behind)", "6-....: (25990 ticks this GP)")
        .replace("(detected by 1, ", "(");
    assert_eq!(named(&(own.clone() + &until(130))), None);
    let braces = "[ 60.000000] INFO: rcu_sched self-detected stall on CPU { 6}  (t=25000 jiffies g=3 c=2 q=9)\n\
                  [ 60.000001] CPU: 6 PID: 71 Comm: job/6 Not tainted 3.10.0 #3\n\
                  [ 60.000002] Call Trace:\n\
                  [ 60.000003]  dump_stack+0x19/0x1b\n";
    assert_eq!(named(&(braces.to_owned() + &until(130))), None);
    let hard = hard(&["poll_card", "card_reset"]);
    assert_eq!(named(&(hard.clone() + &own + &until(130))), None, "it ends a hard lockup");
    assert_eq!(named(&(hard + &until(130))), Some(6));
    assert_eq!(named(&(rcu(60, STALLED) + &until(130))), Some(6));
}

#[test]
fn a_cpu_that_ticks_or_idles_in_a_stalled_grace_period_is_not_stuck() {
    let log = |line: &str| rcu(60, line) + &until(130);
    assert_eq!(named(&log(STALLED)), Some(6));
    let lines = [
        "6-....: (1 GPs behind) idle=9a3c/1/0x4000000000000000 softirq=812/812 fqs=5100",
        "6-...!: (25990 ticks this GP) idle=9a3c/1/0x4000000000000000 softirq=812/812 fqs=0",
        "6: (25990 ticks this GP) idle=09c/140000000000001/0 softirq=812/812 fqs=5100",
        "6-...!: (9 GPs behind) idle=9a0/0/0 softirq=812/812 fqs=0",
    ];
    for line in lines {
        assert_eq!(named(&log(line)), None, "{line}");
    }
    // It took none any more, whatever it took before.
    let late =
        "6-...0: (240 ticks this GP) idle=9a3c/1/0x4000000000000000 softirq=812/812 fqs=5100";
    assert_eq!(named(&log(late)), Some(6));
    // In an interrupt that came when it was idle.
    let handler = "6-...0: (9 GPs behind) idle=9a3c/0/0x1 softirq=812/812 fqs=5100";
    assert_eq!(named(&log(handler)), Some(6));
}

#[test]
fn a_cpu_whose_stopper_waits_for_the_others_is_a_victim() {
    let dump = |comm: &str| {
        format!(
            "[ 60.000007] Task dump for CPU 6:\n\
             [ 60.000008] task:{comm}     state:R  running task     stack:0     pid:47   ppid:2      flags:0x00000008\n"
        )
    };
    let stopper =
        "[ 60.000009] Stopper: multi_cpu_stop+0x0/0x110 <- stop_machine_cpuslocked+0x10a/0x150\n";
    let log = rcu(60, STALLED);
    assert_eq!(named(&(log.clone() + &dump("job/6") + &until(130))), Some(6));
    assert_eq!(named(&(log.clone() + &dump("migration/6") + &until(130))), None);
    assert_eq!(named(&(log + &dump("job/6") + stopper + &until(130))), None);
}

/// A hard lockup of CPU 6, which its own NMI finds with interrupts off.
fn hard(functions: &[&str]) -> String {
    let headline = "NMI watchdog: Watchdog detected hard LOCKUP on cpu 6";
    x86(50, 6, headline, 46, functions, area(0, 6), "")
}

#[test]
fn a_loop_that_waits_is_known_by_what_stands_further_out() {
    let alone = ["poll_card", "card_reset", "card_irq", "worker_thread"];
    assert_eq!(confidence(&(hard(&alone) + &until(130))), Some((6, Confidence::Certain)));
    let waits: [&[&str]; 6] = [
        &[
            "xen_hypercall_sched_op",
            "xen_poll_irq_timeout",
            "xen_poll_irq",
            "xen_qlock_wait",
            "__pv_queued_spin_lock_slowpath",
            "wake_job",
        ],
        &["native_halt", "kvm_wait", "pv_wait_head_or_lock", "wake_job"],
        &["__ticket_spin_lock", "wake_job"],
        &["raw_spin_rq_lock_nested", "wake_job"],
        &[
            "rcu_momentary_dyntick_idle",
            "wq_watchdog_touch",
            "touch_nmi_watchdog",
            "stop_machine_yield",
            "multi_cpu_stop",
        ],
        &["delay_tsc", "wait_for_siblings", "__wait_for_cpus", "__reload_late", "multi_cpu_stop"],
    ];
    for functions in waits {
        let incident =
            read(&(hard(functions) + &rcu(60, &STALLED.replace("6-", "3-")) + &until(130)));
        let is_loop = |kind: &FactKind| matches!(kind, FactKind::LoopsWithIrqsOff { .. });
        assert!(!incident.facts.iter().any(|fact| is_loop(&fact.kind)), "{functions:?}");
        assert_ne!(incident.culprit(), Some(CpuId(6)), "{functions:?}");
    }
}

#[test]
fn a_loop_is_certain_only_if_no_other_cpu_is_silent() {
    let silent = rcu(60, &STALLED.replace("6-", "3-"));
    let unknown = hard(&["ask_firmware", "card_reset", "worker_thread"]);
    assert_eq!(named(&(unknown.clone() + &silent + &until(130))), None);
    // The other one waits for a lock: the log shows that.
    let headline = "NMI watchdog: Watchdog detected hard LOCKUP on cpu 3";
    let lock = ["native_queued_spin_lock_slowpath", "_raw_spin_lock_irqsave", "card_irq"];
    let locked = x86(51, 3, headline, 46, &lock, area(0, 3), "");
    assert_eq!(named(&(unknown + &locked + &silent + &until(130))), Some(6));
}

#[test]
fn a_hard_lockup_ends_when_its_cpu_idles_or_dumps_itself() {
    let stuck = hard(&["poll_card", "card_reset", "worker_thread"]);
    assert_eq!(named(&(stuck.clone() + &until(130))), Some(6));
    let idle = "[ 80.000000] NMI backtrace for cpu 6 skipped: idling at poll_idle+0x2f/0x60\n";
    assert_eq!(named(&(stuck.clone() + idle + &until(130))), None);
    let own = "[ 80.000000] CPU: 6 PID: 46 Comm: job/6 Not tainted 6.6.8 #3\n\
               [ 80.000001] Call Trace:\n\
               [ 80.000002]  dump_stack_lvl+0x37/0x50\n\
               [ 80.000003]  card_ready+0x40/0x90\n";
    assert_eq!(named(&(stuck.clone() + own + &until(130))), None);
    // What an NMI prints says nothing about the task.
    let nmi = own.replace("  card_ready", "  asm_exc_nmi+0xa/0x10\n[ 80.000003]  card_ready");
    assert_eq!(named(&(stuck + &nmi + &until(130))), Some(6));
    let idles = [
        "lock_acquire",
        "tick_next",
        "menu_pick",
        "rate",
        "menu_select",
        "cpuidle_idle_call",
        "do_idle",
    ];
    let incident = read(&(hard(&idles) + &until(130)));
    assert!(incident.facts.iter().all(|fact| fact.weight < Weight::Certain));
}

#[test]
fn a_call_that_was_answered_on_another_host_is_still_open_here() {
    let stall = |on: u32, target: u32| {
        format!(
            "[ 70.000000] smp: csd: Detected non-responsive CSD lock (#1) on CPU#{on}, \
             waiting 5000001024 ns for CPU#{target:02} flush_one+0x0/0x20(0x0).\n"
        )
    };
    let answered = |on: u32, target: u32| {
        format!(
            "[ 72.000000] smp: csd: CSD lock (#1) got unstuck on CPU#{on:02}, CPU#{target:02} released the lock.\n"
        )
    };
    let two = stall(4, 6) + &stall(1, 2) + &answered(1, 2);
    assert_eq!(named(&(two + &until(130))), Some(6));
    assert_eq!(named(&(stall(4, 6) + &answered(4, 6) + &until(130))), None);
}

#[test]
fn stamps_of_a_clock_that_stood_still_begin_no_boot() {
    let stall = "[ 95.000000] smp: csd: Detected non-responsive CSD lock (#1) on CPU#4, \
                 waiting 5000001024 ns for CPU#06 flush_one+0x0/0x20(0x0).\n";
    let answered =
        "[ 99.000000] smp: csd: CSD lock (#1) got unstuck on CPU#04, CPU#06 released the lock.\n";
    let still = x86(31, 6, "NMI backtrace for cpu 6", 46, &["spin_here", "job"], area(0, 6), "");
    let diagnoses = diagnose((stall.to_owned() + &still + answered).as_bytes());
    assert_eq!(diagnoses.len(), 1);
    assert_eq!(diagnoses[0].culprit(), None);
    assert_eq!(named(&(stall.to_owned() + &still + &until(99))), Some(6));
    // A boot without its first line: its stamps go on.
    let boot =
        "[ 12.000000] md: raid1 loaded\n[ 17.000000] eth0: link up\n[ 31.000000] vda: read\n";
    let again = x86(
        40,
        2,
        "watchdog: BUG: soft lockup - CPU#2 stuck for 22s! [job/2:42]",
        246,
        &["poll"],
        area(0, 2),
        "",
    );
    let diagnoses = diagnose((stall.to_owned() + boot + &again).as_bytes());
    assert_eq!(diagnoses.len(), 2);
    assert_eq!(diagnoses[0].culprit(), Some(CpuId(6)));
}

#[test]
fn a_cpu_that_was_taken_offline_is_not_the_one_left() {
    let machine = "[ 0.400000] smp: Brought up 1 node, 4 CPUs\n";
    let offline = "[ 50.000000] smpboot: CPU 3 is now offline\n";
    let online = "[ 60.000000] smpboot: Booting Node 0 Processor 3 APIC 0x6\n";
    let waits = |cpu: u32| {
        let headline =
            format!("watchdog: BUG: soft lockup - CPU#{cpu} stuck for 22s! [job/{cpu}:4{cpu}]");
        let functions = ["smp_call_function_many_cond", "on_each_cpu_cond_mask", "flush_all"];
        x86(90 + cpu, cpu, &headline, 246, &functions, area(0, cpu.into()), "")
    };
    let reports: String = (0..3).map(waits).collect();
    assert_eq!(named(&(machine.to_owned() + &reports)), Some(3));
    assert_eq!(named(&(machine.to_owned() + offline + &reports)), None);
    assert_eq!(named(&(machine.to_owned() + offline + online + &reports)), Some(3));
}
