//! powerpc's dumps, whose registers stand in two groups, and its own watchdog.

use softlockup::CpuId;
use softlockup::dmesg::diagnosis::{Caveat, Confidence, Diagnosis, FactKind, Verdict, diagnose};

fn read(log: &str) -> Diagnosis {
    let mut incidents = diagnose(log.as_bytes());
    assert_eq!(incidents.len(), 1, "{log}");
    incidents.remove(0)
}

fn named(log: &str) -> Option<(u32, Confidence)> {
    match read(log).verdict {
        Verdict::Named { cpu, confidence, .. } => Some((cpu.0, confidence)),
        _ => None,
    }
}

/// A CPU that its own watchdog found.
fn hard(secs: u32, cpu: u32, function: &str) -> String {
    format!(
        "[  {secs}.000000] watchdog: CPU {cpu} self-detected hard LOCKUP @ {function}+0x40/0x90\n\
         [  {secs}.000001] watchdog: CPU {cpu} TB:30720000000, last heartbeat TB:25600000000 (10000ms ago)\n\
         [  {secs}.000002] CPU: {cpu} PID: 40{cpu} Comm: worker Not tainted 5.10.0 #1\n\
         [  {secs}.000003] NIP:  c000000000111110 LR: c000000000222220 CTR: c000000000333330\n\
         [  {secs}.000004] REGS: c00000003fff3d70 TRAP: 0900   Not tainted  (5.10.0)\n\
         [  {secs}.000005] MSR:  9000000000009033 <SF,HV,EE,ME,IR,DR,RI,LE>  CR: 44002422  XER: 20040000\n\
         [  {secs}.000006] CFAR: c000000000111150 IRQMASK: 1 \n\
         [  {secs}.000007] GPR00: c000000000222220 c00000001234b7b0 c000000001771f00 c00000000a71bf00 \n\
         [  {secs}.000008] GPR04: 0000000000000000 0000000000000001 0000000000000002 0000000000000003 \n\
         [  {secs}.000009] NIP [c000000000111110] {function}+0x40/0x90\n\
         [  {secs}.000010] LR [c000000000222220] start_device+0x20/0x80\n\
         [  {secs}.000011] Call Trace:\n\
         [  {secs}.000012] [c00000001234b7b0] [c00000001234b7f0] 0xc00000001234b7f0 (unreliable)\n\
         [  {secs}.000013] [c00000001234b7f0] [c000000000222220] start_device+0x20/0x80\n\
         [  {secs}.000014] [c00000001234be20] [c00000000000bed8] ret_from_kernel_thread+0x5c/0x64\n"
    )
}

/// RCU waits for this CPU, which did not answer.
fn silent(secs: u32, cpu: u32) -> String {
    format!(
        "[  {secs}.000000] rcu: INFO: rcu_sched detected stalls on CPUs/tasks:\n\
         [  {secs}.000001] rcu: \t{cpu}-...0: (0 ticks this GP) idle=45e/1/0x4000000000000000 softirq=6/6 fqs=30\n\
         [  {secs}.000002] rcu: \t(detected by 1, t=6002 jiffies, g=82, q=46)\n\
         [  {secs}.000003] Sending NMI from CPU 1 to CPUs {cpu}:\n\
         [  {secs}.500000] CPU {cpu} didn't respond to backtrace IPI, inspecting paca.\n"
    )
}

#[test]
fn registers_in_two_groups_are_of_one_dump() {
    let incident = read(&hard(60, 5, "poll_device"));
    assert!(!incident.caveats.iter().any(|caveat| matches!(caveat, Caveat::Holes { .. })));
    assert_eq!(incident.culprit(), Some(CpuId(5)));
    let loops = |kind: &FactKind| matches!(kind, FactKind::LoopsWithIrqsOff { .. });
    assert!(incident.facts.iter().any(|fact| fact.cpu == CpuId(5) && loops(&fact.kind)));
}

#[test]
fn registers_of_two_cpus_are_not_of_one_dump() {
    let one = hard(60, 5, "poll_device");
    let general = one.lines().find(|line| line.contains("GPR00")).expect("it has registers");
    // A second general group, with a line between: of another CPU.
    let mixed = one.replace(" NIP [c", &format!(" words\n{general}\n[  60.000009] NIP [c"));
    let incident = read(&mixed);
    assert_eq!(incident.verdict, Verdict::NotConvicted, "{mixed}");
    assert!(incident.caveats.iter().any(|caveat| matches!(caveat, Caveat::Holes { .. })));
}

#[test]
fn a_cpu_in_a_lock_for_whose_answer_nobody_waits_is_a_victim() {
    let incident = read(&hard(60, 5, "_raw_spin_lock_irq"));
    assert_eq!(incident.verdict, Verdict::NotConvicted);
    assert!(incident.facts.iter().any(|fact| fact.cpu == CpuId(5)), "it is shown as a hint");
}

#[test]
fn cpus_in_a_lock_do_not_hide_the_one_that_does_not_answer() {
    let locked = hard(60, 5, "_raw_spin_lock_irq") + &hard(61, 6, "_raw_spin_lock_irq");
    assert_eq!(named(&(silent(59, 7) + &locked)), Some((7, Confidence::Likely)));
    // One that runs with interrupts off does.
    let looping = silent(59, 7) + &hard(60, 5, "poll_device");
    assert_ne!(read(&looping).culprit(), Some(CpuId(7)));
}
