//! Random flags, and every two flags together.

use softlockup::dmesg;

use crate::example::{ended_well, run};
use crate::random::Random;

/// Each flag with the values that it may get, some of them wrong.
const FLAGS: [(&str, &[&str]); 33] = [
    (
        "--scenario",
        &["article", "lost-ipi", "slow-console", "irqs-off-caller", "busy", "wait-chains", "none"],
    ),
    ("--cpus", &["8", "1", "2", "36", "64", "0", "-1", "x"]),
    ("--seed", &["1", "7", "18446744073709551615", "-1"]),
    ("--until", &["300.5", "0", "1", "260", "420", "nan", "inf", "1e300"]),
    ("--turn-seed", &["0", "3", "y"]),
    ("--stuck", &["1@260", "0@255", "3@300.25", "1@1e18", "63@250", "1", "@"]),
    ("--busy", &[]),
    ("--idle", &[]),
    ("--oops", &["1@260", "0@300", "7@254.202", "64@1"]),
    ("--ablate", &["irqs-on-in-die", "preempt-on-in-wait", "feed-from-timer"]),
    ("--clock", &["lockstep", "wall:4000", "wall:1e6", "wall:-1", "wall:nan", "wall"]),
    ("--arch", &["arm64", "x86_64"]),
    ("--kernel", &["4.19", "6.1", "6.12"]),
    ("--watchdog-thresh", &["10", "0", "1", "60", "61"]),
    ("--change-watchdog-thresh", &["5@200", "0@100", "60@0", "5@1e300", "5"]),
    (
        "--detectors",
        &["softlockup,csd", "none", "softlockup", "csd", "hardlockup_buddy", "hardlockup_perf", ""],
    ),
    ("--pseudo-nmi", &[]),
    ("--softlockup-panic", &[]),
    ("--hardlockup-panic", &[]),
    ("--softlockup-all-cpu-backtrace", &[]),
    ("--hardlockup-all-cpu-backtrace", &[]),
    ("--panic-timeout", &["5", "0", "-1", "2147483647", "-2147483648"]),
    ("--panic-on-oops", &[]),
    ("--panic-on-ipistall", &["20000", "0", "1", "18446744073709551615"]),
    ("--console-time", &["=9600", "=115200", "=300", "=4000000", "=0", ""]),
    ("--rcu-stalls", &[]),
    ("--call-queue", &["kernel", "mailbox"]),
    ("--die-lock", &["arm64", "x86", "nesting"]),
    ("--notifier", &["faulting", "recursing", "harmless", "none"]),
    ("--print-order", &["stock", "vendor"]),
    ("--trace", &["/dev/null", "/dev/full", "/", "/no/such/folder/x", ""]),
    ("--report", &["text", "json", "xml"]),
    ("--quiet", &[]),
];

/// Appends a flag, with one of its values.
fn add(args: &mut Vec<String>, (flag, values): (&str, &[&str]), random: &mut Random) {
    if values.is_empty() {
        return args.push(flag.to_owned());
    }
    let value = values[random.below(values.len() as u64) as usize];
    match flag {
        "--console-time" => args.push(format!("{flag}{value}")),
        _ => args.extend([flag.to_owned(), value.to_owned()]),
    }
}

/// Runs it. What it prints is read back; and if it is cut off somewhere, what stands before the cut is of the same kinds and
/// times. (A call trace that is cut off is shorter.)
fn lives_through(args: &[String], random: &mut Random) {
    let output = run(args);
    let what = args.join(" ");
    ended_well(&what, &output);
    let at = random.below(output.stdout.len() as u64 + 1) as usize;
    let (whole, head) = (dmesg::parse(&output.stdout), dmesg::parse(&output.stdout[..at]));
    // The line that is cut, and the one that it might have continued.
    let same = head.len().saturating_sub(2);
    let kind = |entry: &dmesg::Entry| (entry.time, std::mem::discriminant(&entry.message));
    let kinds = |entries: &[dmesg::Entry]| entries[..same].iter().map(kind).collect::<Vec<_>>();
    assert_eq!(kinds(&head), kinds(&whole), "{what}, cut off at {at}");
}

#[test]
fn a_random_command_line_ends_with_success_or_with_one_line_that_says_why_not() {
    for case in 0..30 * crate::times() {
        let mut random = Random(case);
        let mut args = Vec::new();
        for _ in 0..random.below(8) {
            add(&mut args, FLAGS[random.below(FLAGS.len() as u64) as usize], &mut random);
        }
        lives_through(&args, &mut random);
    }
}

#[test]
fn a_stall_that_is_never_long_enough_for_a_panic_causes_none() {
    let flags = "--cpus 8 --stuck 1@260 --until 280 --detectors csd --panic-on-ipistall";
    let stdout = |value: &str| {
        let args: Vec<String> = flags.split(' ').chain([value]).map(str::to_owned).collect();
        let output = run(&args);
        ended_well(value, &output);
        String::from_utf8(output.stdout).unwrap()
    };
    let never = stdout("0");
    assert!(never.contains("non-responsive CSD lock") && !never.contains("kernel BUG"));
    assert_eq!(stdout(&u64::MAX.to_string()), never);
    assert!(stdout("1").contains("kernel BUG at kernel/smp.c"));
}

#[test]
fn every_two_flags_live_together() {
    // Flags that another one forbids would hide all the others on their line.
    let conflict = |a: &str, b: &str| {
        let forbidden = [
            ("--seed", "--stuck"),
            ("--busy", "--idle"),
            ("--arch", "--kernel"),
            ("--clock", "--turn-seed"),
            ("--detectors", "--pseudo-nmi"),
        ];
        forbidden.contains(&(a, b)) || forbidden.contains(&(b, a))
    };
    // The right values come first.
    let first = |flag: usize| match FLAGS[flag] {
        (name, [value, ..]) if name == "--console-time" => vec![format!("{name}{value}")],
        (name, [value, ..]) => vec![name.to_owned(), (*value).to_owned()],
        (name, []) => vec![name.to_owned()],
    };
    let mut met = vec![[false; FLAGS.len()]; FLAGS.len()];
    let mut random = Random(0);
    let (mut lines, mut succeeded) = (0, 0);
    while let Some((a, b)) = (0..FLAGS.len())
        .flat_map(|a| (a + 1..FLAGS.len()).map(move |b| (a, b)))
        .find(|&(a, b)| !met[a][b] && !conflict(FLAGS[a].0, FLAGS[b].0))
    {
        let mut line = vec![a, b];
        for _ in 0..40 {
            let more = random.below(FLAGS.len() as u64) as usize;
            let goes = |&other: &usize| other != more && !conflict(FLAGS[more].0, FLAGS[other].0);
            if line.len() < 10 && line.iter().all(goes) {
                line.push(more);
            }
        }
        for &a in &line {
            line.iter().for_each(|&b| met[a][b] = true);
        }
        let args: Vec<String> = line.iter().flat_map(|&flag| first(flag)).collect();
        let output = run(&args);
        ended_well(&args.join(" "), &output);
        lines += 1;
        succeeded += u32::from(output.status.success());
    }
    assert!(succeeded * 2 > lines, "{succeeded} of {lines}: too many were refused to try much");
}
