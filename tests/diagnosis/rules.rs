//! Each rule by itself: a console that it convicts a CPU by, and one like it by which it must not.

use softlockup::dmesg::diagnosis::{
    Advice, Caveat, Confidence, Diagnosis, FactKind, Harmless, Verdict, Weight, diagnose,
};
use softlockup::{CpuId, KernelTime};

/// The last incident of a log.
fn read(log: &str) -> Diagnosis {
    diagnose(log.as_bytes()).pop().expect("there is an incident")
}

fn named(log: &str) -> Option<(u32, Confidence)> {
    match read(log).verdict {
        Verdict::Named { cpu, confidence, .. } => Some((cpu.0, confidence)),
        _ => None,
    }
}

/// A soft lockup's dump on arm64: a CPU that waits for the answer to a call.
fn waiter(secs: u32, cpu: u32, number: u32, taint: &str) -> String {
    dump(secs, cpu, number, taint, "smp_call_function_many_cond", "")
}

fn dump(secs: u32, cpu: u32, number: u32, taint: &str, function: &str, regs: &str) -> String {
    format!(
        "[ {secs}.000000] watchdog: BUG: soft lockup - CPU#{cpu} stuck for {number}s! [task/{cpu}:10{cpu}]\n\
         [ {secs}.000001] Modules linked in: a(O)\n\
         [ {secs}.000002] CPU: {cpu} PID: 10{cpu} Comm: task/{cpu} Tainted: G {taint}    6.1.0 #1\n\
         [ {secs}.000003] pstate: 20000005 (nzCv daif -PAN -UAO -TCO -DIT -SSBS BTYPE=--)\n\
         [ {secs}.000004] pc : {function}+0x16c/0x3b0\n\
         [ {secs}.000005] lr : {function}+0x12c/0x3b0\n\
         {regs}\
         [ {secs}.000006] Call trace:\n\
         [ {secs}.000007]  {function}+0x16c/0x3b0\n\
         [ {secs}.000008]  kick_all_cpus_sync+0x38/0x44\n\
         [ {secs}.000009]  kthread+0xe0/0xe4\n"
    )
}

/// A CPU that answered a request for its backtrace, or that its own NMI found.
fn backtrace(secs: u32, cpu: u32, daif: &str, function: &str, caller: &str) -> String {
    let bits = if daif.contains('I') { 0x85 } else { 0x05 };
    format!(
        "[ {secs}.000000] NMI backtrace for cpu {cpu}\n\
         [ {secs}.000001] CPU: {cpu} PID: 20{cpu} Comm: task/{cpu} Tainted: G      6.1.0 #1\n\
         [ {secs}.000002] pstate: {bits:08x} (nzCv {daif} -PAN -UAO)\n\
         [ {secs}.000003] pc : {function}+0x4/0x20\n\
         [ {secs}.000004] lr : {caller}+0x4/0x20\n\
         [ {secs}.000005] Call trace:\n\
         [ {secs}.000006]  {function}+0x4/0x20\n\
         [ {secs}.000007]  {caller}+0x8/0x40\n\
         [ {secs}.000008]  kthread+0xe0/0xe4\n"
    )
}

fn csd(secs: u32, number: u32, on: u32, target: u32) -> String {
    format!(
        "[ {secs}.000000] smp: csd: Detected non-responsive CSD lock (#{number}) on CPU#{on}, \
         waiting 5000020352 ns for CPU#{target:02} do_nothing+0x0/0x4(0x0).\n"
    )
}

#[test]
fn a_log_in_which_nothing_is_wrong_has_no_lockup() {
    assert_eq!(read("[    1.000000] systemd[1]: started\n").verdict, Verdict::NoLockup);
    assert!(diagnose(b"").is_empty());
}

#[test]
fn the_target_of_a_stalled_call_is_named_unless_it_waits_itself() {
    assert_eq!(named(&csd(30, 1, 2, 0)), Some((0, Confidence::Certain)));
    // A chain: 3 waits for 2, and 2 for 0.
    let chain = csd(30, 1, 2, 0) + &csd(31, 2, 3, 2);
    assert_eq!(named(&chain), Some((0, Confidence::Certain)));
    let ring = csd(30, 1, 2, 3) + &csd(31, 2, 3, 2);
    let ring = read(&ring);
    assert_eq!(ring.verdict, Verdict::NotConvicted);
    assert!(ring.caveats.contains(&Caveat::Ring { cpus: vec![CpuId(2), CpuId(3)] }));
}

#[test]
fn a_stalled_call_with_a_gap_in_the_numbers_convicts_no_cpu() {
    let incident = read(&csd(31, 2, 3, 2));
    assert_eq!(incident.verdict, Verdict::NotConvicted);
    assert!(incident.caveats.contains(&Caveat::CsdGap { line: 1 }));
}

#[test]
fn calls_that_were_answered_after_all_are_nobodys_fault() {
    let log = csd(30, 1, 2, 0)
        + "[ 33.000000] smp: csd: CSD lock (#1) got unstuck on CPU#02, CPU#00 released the lock.\n";
    let incident = read(&log);
    assert_eq!(incident.verdict, Verdict::NobodyAtFault { why: Harmless::AllAnswered });
    assert!(incident.advice.contains(&Advice::LookForTheDelay));
}

/// An oops inside an oops, as arm64 prints it.
const NESTED: &str = "\
[  10.000000] Unable to handle kernel NULL pointer dereference at virtual address 0000000000000000
[  10.000001] Internal error: Oops: 96000044 [#1] SMP
[  10.000002] CPU: 3 PID: 80 Comm: culprit Tainted: G      4.19.5 #1
[  10.000003] Unable to handle kernel NULL pointer dereference at virtual address 0000000000000008
";

#[test]
fn a_fault_inside_an_oops_report_convicts_its_cpu_if_the_report_never_goes_on() {
    let log = NESTED.to_owned() + &waiter(40, 1, 22, " ");
    assert_eq!(named(&log), Some((3, Confidence::Certain)));
    let ended = "[  10.000004] Internal error: Oops: 96000004 [#2] SMP\n\
                 [  10.000005] ---[ end trace 0000000000000000 ]---\n";
    assert_eq!(named(&(NESTED.to_owned() + ended + &waiter(40, 1, 22, " "))), None);
    // It reports itself later: it takes its timer.
    assert_eq!(named(&(log + &waiter(44, 3, 22, "L"))), None);
}

#[test]
fn an_oops_whose_cpu_is_not_printed_convicts_none() {
    let log =
        NESTED.lines().filter(|line| !line.contains("CPU: 3")).map(|line| line.to_owned() + "\n");
    let log = log.collect::<String>() + &waiter(40, 1, 22, " ");
    let incident = read(&log);
    assert_eq!(incident.verdict, Verdict::NotConvicted);
    assert!(incident.caveats.contains(&Caveat::OopsWithoutCpu { line: 1 }));
    assert!(incident.advice.contains(&Advice::DieNotifier));
}

const HARD: &str = "[  36.000000] watchdog: Watchdog detected hard LOCKUP on cpu 3\n";

#[test]
fn a_hard_lockup_convicts_a_cpu_if_no_other_is_silent() {
    assert_eq!(named(&(HARD.to_owned() + &waiter(52, 1, 22, " "))), Some((3, Confidence::Likely)));
    let other = HARD.replace("cpu 3", "cpu 2");
    let two = read(&(HARD.to_owned() + &other + &waiter(52, 1, 22, " ")));
    assert_eq!(two.verdict, Verdict::NotConvicted);
    assert!(two.caveats.contains(&Caveat::Conflict { cpus: vec![CpuId(2), CpuId(3)] }));
}

#[test]
fn a_hard_lockup_of_a_cpu_that_is_heard_of_again_convicts_it_not() {
    assert_eq!(named(&(HARD.to_owned() + &waiter(52, 3, 22, " "))), None);
}

#[test]
fn a_call_with_interrupts_off_makes_every_silent_cpu_a_possible_waiter() {
    let warning = "[   5.000000] WARNING: CPU: 3 PID: 7 at kernel/smp.c:740 smp_call_function_many_cond+0x4/0x3b0\n";
    let incident = read(&(warning.to_owned() + HARD + &waiter(52, 1, 22, "W")));
    assert_eq!(incident.verdict, Verdict::NotConvicted);
    assert!(incident.caveats.contains(&Caveat::CallsWithIrqsOff { line: 1 }));
    // The taint alone says that there was a warning that is not here.
    assert_eq!(named(&(HARD.to_owned() + &waiter(52, 1, 22, "W"))), None);
}

#[test]
fn a_log_without_its_beginning_convicts_no_cpu_by_silence() {
    let incident = read(&(HARD.to_owned() + &waiter(52, 1, 22, "L")));
    assert_eq!(incident.verdict, Verdict::NotConvicted);
    assert!(incident.advice.contains(&Advice::WholeLog));
    assert!(incident.caveats.iter().any(|caveat| matches!(caveat, Caveat::HeadIsMissing { .. })));
    // The second report of the same log is tainted by the first.
    let whole = HARD.to_owned() + &waiter(52, 1, 22, " ") + &waiter(56, 2, 22, "L");
    assert_eq!(named(&whole), Some((3, Confidence::Likely)));
}

#[test]
fn a_cpu_that_runs_with_interrupts_off_is_convicted_if_that_lasts() {
    let off = backtrace(36, 3, "daIf", "poll_device", "driver_reset");
    let log = HARD.to_owned() + &off + &waiter(52, 1, 22, " ");
    assert_eq!(named(&log), Some((3, Confidence::Certain)));
    let on = backtrace(36, 3, "daif", "poll_device", "driver_reset");
    let on = read(&(on + &waiter(52, 1, 22, " ")));
    assert_eq!(on.verdict, Verdict::NotConvicted);
}

#[test]
fn a_cpu_in_a_lock_is_convicted_only_if_it_holds_that_lock_itself() {
    let itself = backtrace(36, 3, "daIf", "queued_spin_lock_slowpath", "die");
    let itself = itself.replace(" kthread", " die+0x8/0x40\n[ 36.000009]  kthread");
    assert_eq!(named(&(itself + &waiter(52, 1, 22, " "))), Some((3, Confidence::Certain)));
    let another = backtrace(36, 3, "daIf", "queued_spin_lock_slowpath", "take_a_lock");
    let incident = read(&(another + &waiter(52, 1, 22, " ")));
    assert_eq!(incident.verdict, Verdict::NotConvicted);
    assert!(incident.facts.iter().any(|fact| fact.weight == Weight::Hint));
    assert!(incident.advice.contains(&Advice::FindTheHolder));
}

#[test]
fn a_hard_locked_cpu_in_a_lock_is_convicted_though_a_warning_is_not_in_the_log() {
    let asks = HARD.to_owned() + "[  36.000000] Sending NMI from CPU 2 to CPUs 3:\n";
    let locked = backtrace(36, 3, "daIf", "queued_spin_lock_slowpath", "take_a_lock");
    let log = asks.clone() + &locked + &waiter(52, 1, 22, "W");
    assert_eq!(named(&log), Some((3, Confidence::Likely)));
    // Its stack shows that it waits for others, too.
    let waits = backtrace(36, 3, "daIf", "smp_call_function_single", "take_a_lock");
    assert_eq!(named(&(asks + &waits + &waiter(52, 1, 22, "W"))), None);
}

#[test]
fn rows_about_interrupts_belong_to_the_dump_that_they_stand_in() {
    let rows = "[ 52.000000] CPU#1 Utilization every 4000ms during lockup:\n\
                [ 52.000000] \t#1: 100% system,\t  0% softirq,\t  1% hardirq,\t  0% idle\n";
    let dump = waiter(52, 1, 22, " ").replacen("[ 52.000001]", &format!("{rows}[ 52.000001]"), 1);
    let incident = read(&(HARD.to_owned() + &dump));
    assert_eq!(incident.culprit(), Some(CpuId(3)), "{:?}", incident.caveats);
}

#[test]
fn many_cpus_in_one_lock_are_a_convoy_whose_head_is_not_shown() {
    let log: String =
        (1..4).map(|cpu| dump(52, cpu, 22, " ", "queued_spin_lock_slowpath", "")).collect();
    let incident = read(&log);
    assert_eq!(incident.verdict, Verdict::NotConvicted);
    assert!(incident.caveats.iter().any(|caveat| matches!(caveat, Caveat::Convoy { .. })));
}

#[test]
fn a_cpu_that_rcu_waits_for_is_convicted_if_it_never_reports_itself() {
    let rcu = "[  30.000000] rcu: INFO: rcu_sched detected stalls on CPUs/tasks:\n\
               [  30.000001] rcu: \t3-...!: (1 GPs behind) idle=3e0/1/0x4 softirq=2/2 fqs=5\n";
    let log = rcu.to_owned() + &waiter(52, 1, 22, " ") + &waiter(76, 1, 44, "L");
    assert_eq!(named(&log), Some((3, Confidence::Likely)));
    // Too early to know: it may be a CPU that waits and has not reported itself yet.
    assert_eq!(named(&(rcu.to_owned() + &waiter(32, 1, 22, " "))), None);
    // It waits, and says so.
    assert_eq!(named(&(log.clone() + &waiter(80, 3, 22, "L"))), None);
    // Its interrupts are on.
    let on = log.replacen(
        "[ 52.000000] w",
        &(backtrace(31, 3, "daif", "compute", "work") + "[ 52.000000] w"),
        1,
    );
    assert_ne!(on, log);
    assert_eq!(named(&on), None);
}

#[test]
fn a_cpu_that_does_not_answer_a_request_is_convicted_if_there_was_time_to() {
    let request = waiter(36, 1, 22, " ") + "[  36.000000] Sending NMI from CPU 1 to CPUs 3:\n";
    let later = waiter(60, 1, 44, "L");
    assert_eq!(named(&(request.clone() + &later)), Some((3, Confidence::Likely)));
    let answer = backtrace(36, 3, "daif", "read_lines", "vfs_read");
    assert_eq!(named(&(request.clone() + &answer + &later)), None);
    assert_eq!(named(&(request.clone() + &waiter(37, 2, 22, "L"))), None);
    // Nothing says why it was asked: the beginning is missing.
    let (_, without_cause) = request.split_at(waiter(36, 1, 22, " ").len());
    assert_eq!(named(&(without_cause.to_owned() + &waiter(60, 1, 44, " "))), None);
}

#[test]
fn a_cpu_that_did_not_stop_is_convicted_and_the_panicking_one_is_not() {
    let panic = "[  52.100000] Kernel panic - not syncing: softlockup: hung tasks\n\
                 [  52.200000] SMP: stopping secondary CPUs\n\
                 [  53.300000] SMP: failed to stop secondary CPUs 1,3\n";
    assert_eq!(named(&(waiter(52, 1, 22, " ") + panic)), Some((3, Confidence::Likely)));
    let three = panic.replace("1,3", "1-3");
    assert_eq!(named(&(waiter(52, 1, 22, " ") + &three)), None);
}

#[test]
fn the_only_cpu_that_did_not_report_itself_is_convicted_if_their_number_is_known() {
    let reports: String = [0, 1, 3].map(|cpu| waiter(52, cpu, 22, " ")).concat();
    let log = "[   0.300000] smp: Brought up 1 node, 4 CPUs\n".to_owned() + &reports;
    let incident = read(&log);
    assert_eq!(incident.culprit(), Some(CpuId(2)));
    assert!(matches!(incident.facts[0].kind, FactKind::OnlyOneLeft { nr_cpus: 4 }));
    assert_eq!(named(&reports), None);
    assert_eq!(named(&log.replace("4 CPUs", "5 CPUs")), None);
}

/// Registers of a waiter on x86: its own area, a call in CPU `target`'s area, and one in CPU `last`'s.
fn x86(secs: u32, cpu: u64, target: u64, last: u64) -> String {
    let area = |cpu: u64| 0xffff_8ad4_bec0_0000 + cpu * 0x8_0000;
    format!(
        "[ {secs}.000000] watchdog: BUG: soft lockup - CPU#{cpu} stuck for 22s! [task/{cpu}:10{cpu}]\n\
         [ {secs}.000002] CPU: {cpu} PID: 10{cpu} Comm: task/{cpu} Tainted: G      6.1.0 #1\n\
         [ {secs}.000003] RIP: 0010:smp_call_function_many_cond+0xf1/0x330\n\
         [ {secs}.000004] RSP: 0018:ffffd36200323e90 EFLAGS: 00000202\n\
         [ {secs}.000005] RAX: {cpu:016x} RBX: {own:016x} RCX: 0000000000000011\n\
         [ {secs}.000006] RDX: 0000000000000001 RSI: {call:016x} RDI: ffff8ad48110b5c8\n\
         [ {secs}.000007] RBP: 0000000000000000 R08: {last:016x} R09: ffff8ad48110b600\n\
         [ {secs}.000008] R10: 0000000000000000 R11: 0000000000000000 R12: 0000000000000000\n\
         [ {secs}.000009] FS:  0000000000000000(0000) GS:{gs:016x}(0000) knlGS:0000000000000000\n\
         [ {secs}.000010] Call Trace:\n\
         [ {secs}.000011]  <TASK>\n\
         [ {secs}.000012]  kick_all_cpus_sync+0x2f/0x50\n\
         [ {secs}.000013]  </TASK>\n",
        own = area(cpu) + 0x3_2e00,
        call = area(target) + 0x3_94a0 + cpu * 0x20,
        last = area(last) + 0x3_94a0 + cpu * 0x20,
        gs = area(cpu),
    )
}

#[test]
fn a_pointer_into_a_cpus_area_convicts_it_on_x86() {
    let log = "[   0.300000] smp: Brought up 1 node, 8 CPUs\n".to_owned();
    let two = x86(52, 2, 5, 7) + &x86(52, 7, 5, 6);
    let incident = read(&(log.clone() + &two));
    assert_eq!(incident.culprit(), Some(CpuId(5)));
    // Both registers name a CPU in all waiters: no telling which is the awaited one.
    assert_eq!(named(&(log.clone() + &x86(52, 2, 5, 7) + &x86(52, 3, 5, 7))), None);
    // What they point at reports itself.
    assert_eq!(named(&(log + &two + &x86(60, 5, 2, 2))), None);
}

#[test]
fn scrambled_registers_point_nowhere() {
    let log = "[   0.200000] kasan: KernelAddressSanitizer initialized (KASAN)\n\
               [   0.300000] smp: Brought up 1 node, 8 CPUs\n";
    let two = x86(52, 2, 5, 7) + &x86(52, 7, 5, 6);
    assert_eq!(named(&(log.to_owned() + &two)), None);
}

#[test]
fn the_wait_of_a_victim_lies_between_two_samples() {
    let log = "[  360.462046] watchdog: BUG: soft lockup - CPU#35 stuck for 22s! [docker-containe:29506]\n";
    let incident = read(log);
    let victim = &incident.victims[0];
    let ms = |ms: u64| KernelTime::from_ns(ms * 1_000_000 + 46_000);
    assert_eq!(victim.began, Some((ms(336_462), ms(340_462))));
    let why = victim.reckoning.expect("its number follows from its stamp");
    assert_eq!((why.samples, why.now_units, why.fed_units), (6, 335, 313));
    assert!(victim.next.is_none(), "it reported once: nothing says how often it does");
}

#[test]
fn a_cpu_that_reports_again_and_again_will_print_what_the_law_says() {
    let log = waiter(52, 1, 22, " ") + &waiter(76, 1, 44, "L");
    let next = read(&log).victims[0].next.expect("it reported twice");
    assert_eq!((next.time, next.number), (KernelTime::from_secs(100), 67));
}

#[test]
fn numbers_that_do_not_follow_from_their_stamps_mean_late_timers() {
    let log: String = [(60, 31), (97, 33), (140, 29)]
        .map(|(secs, number)| dump(secs, 1, number, "L", "compute", ""))
        .concat()
        .replace("kick_all_cpus_sync", "do_work")
        .replacen("G L", "G  ", 1);
    let incident = read(&log);
    assert_eq!(incident.verdict, Verdict::NobodyAtFault { why: Harmless::LateTimers });
    assert!(incident.advice.contains(&Advice::LookAtTheHost));
}

#[test]
fn incidents_of_two_boots_are_kept_apart() {
    let first = csd(30, 1, 2, 0);
    let second = "[    0.000000] Linux version 6.1.0 (gcc) #1 SMP\n".to_owned() + &csd(90, 1, 4, 5);
    let incidents = diagnose((first + &second).as_bytes());
    let culprits: Vec<_> = incidents.iter().map(Diagnosis::culprit).collect();
    assert_eq!(culprits, [Some(CpuId(0)), Some(CpuId(5))]);
}

#[test]
fn what_is_a_silent_cpu_today_was_not_one_an_hour_ago() {
    let before = HARD.to_owned() + &waiter(52, 1, 22, " ");
    let after = csd(5000, 1, 2, 6);
    let incidents = diagnose((before + &after).as_bytes());
    let culprits: Vec<_> = incidents.iter().map(Diagnosis::culprit).collect();
    assert_eq!(culprits, [Some(CpuId(3)), Some(CpuId(6))]);
}

#[test]
fn two_dumps_that_are_mixed_convict_no_cpu() {
    let one = backtrace(36, 3, "daIf", "poll_device", "driver_reset");
    let other = backtrace(36, 4, "daif", "read_lines", "vfs_read");
    let mixed: String =
        one.lines().zip(other.lines()).map(|(a, b)| format!("{a}\n{b}\n")).collect();
    let incident = read(&(HARD.to_owned() + &mixed + &waiter(52, 1, 22, " ")));
    assert_eq!(incident.verdict, Verdict::NotConvicted);
    assert!(incident.caveats.iter().any(|caveat| matches!(caveat, Caveat::Holes { .. })));
}

#[test]
fn any_bytes_give_a_verdict_and_no_panic() {
    let mut random = crate::random::Random(7);
    let whole =
        NESTED.to_owned() + HARD + &csd(30, 1, 2, 0) + &x86(52, 2, 5, 7) + &x86(60, 7, 5, 6);
    for _ in 0..3000 {
        let mut bytes = whole.clone().into_bytes();
        for _ in 0..=random.below(20) {
            let at = random.below(bytes.len() as u64) as usize;
            match random.below(4) {
                0 => bytes[at] = random.below(256) as u8,
                1 => bytes[at] = b'0' + random.below(10) as u8,
                2 => _ = bytes.remove(at),
                _ => bytes.insert(at, b"\n9f[ \xff"[random.below(6) as usize]),
            }
        }
        diagnose(&bytes);
    }
}
