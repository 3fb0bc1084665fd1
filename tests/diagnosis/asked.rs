//! A CPU that asks others for their backtraces waits until all have answered, for ten seconds at most: the stamp of its
//! next line tells whether they did.

use softlockup::CpuId;
use softlockup::dmesg::diagnosis::{Caveat, FactKind, Verdict, diagnose};

/// The CPU that the only incident of a log names.
fn named(log: &str) -> Option<u32> {
    let incidents = diagnose(log.as_bytes());
    assert_eq!(incidents.len(), 1, "{log}");
    incidents[0].culprit().map(|cpu| cpu.0)
}

/// A stall of RCU whose reporter, CPU 2, asks CPU 1 and goes on `gap_us` later. CPU 1 has its interrupts off.
fn stall(caller: &str, gap_us: u64) -> String {
    let next = 40_000_000 + gap_us;
    format!(
        "[   39.990000]{caller} rcu: INFO: rcu_sched detected stalls on CPUs/tasks:\n\
         [   39.990100]{caller} rcu: \t1-...0: (3 ticks this GP) idle=51c/1/0x4000000000000000 softirq=71/71 fqs=905\n\
         [   39.990200]{caller} rcu: \t(detected by 2, t=5002 jiffies, g=77, q=12 ncpus=4)\n\
         [   40.000000]{caller} Sending NMI from CPU 2 to CPUs 1:\n\
         [   {}.{:06}]{caller} rcu: rcu_sched kthread starved for 990 jiffies! g77 f0x0 RCU_GP_WAIT_FQS(5) ->state=0x402 ->cpu=3\n",
        next / 1_000_000,
        next % 1_000_000
    )
}

#[test]
fn an_asker_that_goes_on_after_ten_seconds_convicts_the_cpu_it_asked() {
    for caller in ["", "[    C2]"] {
        let log = stall(caller, 10_004_213);
        assert_eq!(named(&log), Some(1), "{caller}");
        let incident = diagnose(log.as_bytes()).remove(0);
        let fact = incident
            .facts
            .iter()
            .find(|fact| matches!(fact.kind, FactKind::KeptTheAskerWaiting { .. }))
            .expect("the asker's clock is a fact");
        assert_eq!((fact.cpu, fact.line), (CpuId(1), 5));
        assert_eq!(
            fact.kind,
            FactKind::KeptTheAskerWaiting { asked_by: CpuId(2), waited_ns: 10_004_213_000 }
        );
        let words = "CPU 2, which had asked CPU 1 for its backtrace, waited 10.0 s for it in vain";
        assert_eq!(fact.to_string(), words);
    }
}

#[test]
fn an_asker_that_goes_on_at_once_was_answered_though_no_answer_is_in_the_log() {
    for caller in ["", "[    C2]"] {
        // The log goes on for long enough, and has no line of CPU 1.
        let log = stall(caller, 1_013) + "[   99.000000] unrelated: words\n";
        assert_eq!(named(&log), None, "{caller}");
        let incident = diagnose(log.as_bytes()).remove(0);
        let is_of_the_request = |kind: &FactKind| {
            matches!(kind, FactKind::NoBacktrace { .. } | FactKind::KeptTheAskerWaiting { .. })
        };
        assert!(!incident.facts.iter().any(|fact| is_of_the_request(&fact.kind)), "{caller}");
    }
}

#[test]
fn a_pause_that_no_asker_makes_proves_nothing() {
    for gap_us in [4_000_000, 12_000_000, 60_000_000] {
        let log = stall("", gap_us);
        let incident = diagnose(log.as_bytes()).remove(0);
        let waited = |kind: &FactKind| matches!(kind, FactKind::KeptTheAskerWaiting { .. });
        assert!(!incident.facts.iter().any(|fact| waited(&fact.kind)), "{gap_us}");
    }
    // Ten seconds later another CPU prints: that says nothing about the asker.
    let other = stall("[    C2]", 10_004_213).replacen("213][    C2]", "213][    C0]", 1);
    assert_eq!(named(&other), None);
}

#[test]
fn two_cpus_that_keep_their_asker_waiting_are_both_silent() {
    let both = stall("", 10_004_213).replacen(
        "[   50.004213]",
        "[   50.004100] Sending NMI from CPU 2 to CPUs 3:\n[   60.008300]",
        1,
    );
    let incident = diagnose(both.as_bytes()).remove(0);
    assert_eq!(incident.verdict, Verdict::NotConvicted);
    assert!(incident.caveats.contains(&Caveat::Conflict { cpus: vec![CpuId(1), CpuId(3)] }));
}

#[test]
fn headlines_alone_convict_by_two_facts_and_not_by_one() {
    let rcu = "[   39.990000] rcu: INFO: rcu_sched detected stalls on CPUs/tasks:\n\
               [   39.990100] rcu: \t3-...0: (17 ticks this GP) idle=51c/1/0x4000000000000000 softirq=71/71 fqs=905\n";
    let hard = "[   41.000000] watchdog: Watchdog detected hard LOCKUP on cpu 3\n";
    assert_eq!(named(&(rcu.to_owned() + hard)), Some(3));
    assert_eq!(named(rcu), None);
    assert_eq!(named(hard), None);
    // They say it of different CPUs.
    assert_eq!(named(&(rcu.to_owned() + &hard.replace("cpu 3", "cpu 0"))), None);
}

#[test]
fn a_healthy_log_is_not_called_incomplete() {
    let incident = diagnose(b"[    1.000000] systemd[1]: started\n").remove(0);
    assert_eq!(incident.verdict, Verdict::NoLockup);
    assert_eq!(incident.caveats, []);
}

#[test]
fn a_panic_that_alone_tells_of_a_hard_lockup_convicts_its_cpu() {
    let panic = "[   61.000000] Kernel panic - not syncing: Watchdog detected hard LOCKUP on cpu 6\n\
                 [   61.000100] CPU: 6 PID: 0 Comm: swapper/6 Not tainted 3.16.0 #1\n\
                 [   61.000200] Call Trace:\n\
                 [   61.000300]  <NMI>  [<ffffffff81508b11>] dump_stack+0x45/0x56\n\
                 [   61.000400]  [<ffffffff81501c2d>] panic+0xc8/0x1d7\n";
    assert_eq!(named(panic), Some(6));
    assert_eq!(named(&panic.replace("Watchdog detected hard LOCKUP on cpu 6", "words")), None);
}
