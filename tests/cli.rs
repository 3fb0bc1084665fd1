//! The example as a user runs it: its flags, its files, and one clear line for whatever cannot be.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// `cargo test` builds the examples beside the tests.
fn nested_oops() -> Command {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push(format!("examples/nested_oops{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is built by `cargo test` without --test", path.display());
    Command::new(path)
}

fn run(args: &str) -> Output {
    nested_oops().args(args.split_whitespace()).output().unwrap()
}

fn stdout(args: &str) -> String {
    let output = run(args);
    assert!(output.status.success(), "{args}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn json(args: &str) -> Value {
    serde_json::from_str(&stdout(&format!("{args} --report json"))).expect("one JSON object")
}

fn lockups(report: &Value) -> Vec<(u64, u64)> {
    let lockups = report["soft_lockups"].as_array().unwrap().iter();
    lockups.map(|l| (l["cpu"].as_u64().unwrap(), l["printed_seconds"].as_u64().unwrap())).collect()
}

/// Expects exit code 2, nothing on stdout, and one line that contains `words`.
fn refused(args: &str, words: &str) {
    let output = run(args);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{args}: {stderr}");
    assert!(output.stdout.is_empty(), "{args}");
    assert_eq!(stderr.lines().count(), 1, "{args}: {stderr}");
    assert!(stderr.starts_with("nested_oops: ") && stderr.contains(words), "{args}: {stderr}");
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn without_flags_it_prints_the_golden_console_and_the_report() {
    let text = stdout("");
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/article.txt");
    let (console, report) = text.split_once("\n\nReport: ").expect("a report follows");
    assert_eq!(format!("{console}\n"), fs::read_to_string(golden).unwrap());
    for words in [
        "the machine hung",
        "Culprit: CPU#0",
        "#58",
        "23 = 481 - 458",
        "calls of #35 only",
        "6 of 64 CPUs",
    ] {
        assert!(report.contains(words), "{words:?} is not in {report}");
    }
}

#[test]
fn whichever_call_queue_it_has_it_prints_the_same() {
    assert_eq!(stdout("--call-queue mailbox"), stdout(""));
    let flags = "--scenario lost-ipi --detectors csd";
    assert_eq!(stdout(&format!("{flags} --call-queue mailbox")), stdout(flags));
    refused("--call-queue foo", "possible values: kernel, mailbox");
}

#[test]
fn the_json_report_is_one_object_with_the_documented_fields() {
    let report = json("");
    assert_eq!(report["schema"], "softlockup.report");
    assert_eq!(report["version"], 1);
    assert_eq!(report["culprit"], 0);
    assert_eq!(report["outcome"], "hung");
    assert_eq!(report["ended_ns"], 580_358_000_000u64);
    let first = &report["soft_lockups"][0];
    assert_eq!(first["cpu"], 35);
    assert_eq!(first["time_ns"], 360_462_045_000u64);
    assert_eq!(first["printed_seconds"], 22);
    assert_eq!(first["comm"], "docker-containe");
    assert_eq!(first["pid"], 29506);
    assert_eq!(first["waits_for"], serde_json::json!([0]));
    assert_eq!(first["wait_began_ns"], 338_462_000_000u64);
    assert_eq!(first["last_feed_ns"], 336_462_045_000u64);
}

#[test]
fn every_switch_of_the_kernel_changes_what_it_says() {
    let debian = stdout("--kernel 6.1 --softlockup-panic");
    assert!(debian.contains("6.1.0-56-arm64"));
    assert!(debian.contains("SMP: failed to stop secondary CPUs 0,35\n"));
    let reboots = stdout("--kernel 6.1 --softlockup-panic --panic-timeout 5");
    assert!(reboots.contains("Rebooting in 5 seconds..\n"));
    assert_eq!(reboots.matches("failed to stop secondary CPUs 0,35").count(), 2);
    let flags = "--kernel 6.12 --cpus 4 --stuck 2@300 --until 350 --detectors softlockup";
    let dumped = stdout(&format!("{flags} --softlockup-all-cpu-backtrace"));
    assert_eq!(dumped.matches("Sending NMI from CPU 2 to CPUs 0-1,3:\n").count(), 1);
    let flags = "--kernel 6.12 --cpus 4 --until 300 --stuck 2@299 --hardlockup-all-cpu-backtrace";
    assert!(stdout(flags).contains("Sending NMI from CPU 3 to CPUs 1-2:\n"));
    let changed = "--change-watchdog-thresh 5@200 --stuck 5@300.5";
    assert_eq!(lockups(&json(changed)), [(5, 11)]);
}

#[test]
fn every_policy_changes_what_it_says() {
    assert_eq!(json("--notifier harmless")["outcome"], "recovered");
    assert_eq!(json("--notifier none")["outcome"], "recovered");
    assert_eq!(json("--die-lock nesting")["culprit"], Value::Null);
    assert_eq!(json("--die-lock x86")["outcome"], "recovered");
    assert_eq!(json("--die-lock x86 --oops 9@300")["culprit"], 9);
    assert_eq!(lockups(&json("--ablate irqs-on-in-die")), [(0, 23)]);
    assert_eq!(lockups(&json("--ablate preempt-on-in-wait")), []);
    assert_eq!(lockups(&json("--ablate feed-from-timer")), []);
    assert_eq!(lockups(&json("--stuck 5@300 --stuck 6@340.25")), [(5, 22), (6, 22)]);
    assert_eq!(lockups(&json("--watchdog-thresh 20 --stuck 5@300")), [(5, 44)]);
    assert_eq!(lockups(&json("--kernel 6.12 --stuck 5@300 --until 350")), [(5, 22), (5, 44)]);
    assert!(stdout("--print-order stock").find("Code:").is_none());
    assert_eq!(json("--arch x86_64")["outcome"], "recovered");
    assert!(stdout("--arch x86_64").contains("Oops: 0000 [#2] PREEMPT SMP NOPTI"));
    let later = json("--arch x86_64 --oops 9@300 --stuck 5@310 --until 400");
    assert_eq!(
        lockups(&later),
        [(5, 22), (5, 48), (5, 74)],
        "every 28 s: printing touches the dog"
    );
    assert_eq!(json("--die-lock nesting --notifier recursing")["outcome"], "panicked");
    assert_eq!(json("--softlockup-panic")["not_stopped"], serde_json::json!([0]));
    let detections = &json("--kernel 6.12 --detectors hardlockup_buddy")["detections"];
    assert_eq!(detections[0]["detector"], "hardlockup_buddy");
    assert_eq!(detections[0]["named_cpu"], 0);
    assert_eq!(detections[0]["reporter_cpu"], 63);
    assert_eq!(detections[0]["printed_seconds"], Value::Null);
    assert_eq!(lockups(&json("--kernel 6.12 --idle --stuck 5@300 --until 330")), [(5, 26)]);
    assert!(!lockups(&json("--cpus 8 --seed 1")).is_empty());
    assert_eq!(lockups(&json("--seed 3 --turn-seed 1")), lockups(&json("--seed 3")));
}

#[test]
fn every_scenario_runs_and_is_diagnosed() {
    let diagnosis = |args: &str| {
        let report = json(args);
        (report["diagnosis"].clone(), report["diagnosed_cpus"].clone())
    };
    let is = |cause: &str, cpus: &[u32]| (Value::from(cause), Value::from(cpus));
    assert_eq!(diagnosis(""), is("self_deadlock", &[0]));
    assert_eq!(diagnosis("--scenario article --seed 1"), is("self_deadlock", &[0]));
    assert_eq!(diagnosis("--die-lock nesting"), is("none", &[]));
    assert_eq!(diagnosis("--scenario lost-ipi"), is("lost_ipi", &[3]));
    assert_eq!(diagnosis("--scenario slow-console"), is("slow_cpu", &[1]));
    let pair = is("waiting_with_interrupts_off", &[2, 6]);
    assert_eq!(diagnosis("--scenario irqs-off-caller"), pair);
    for healthy in ["busy", "masked-busy", "slow-report", "nested-irq"] {
        assert_eq!(diagnosis(&format!("--scenario {healthy}")), is("none", &[]), "{healthy}");
    }
    assert_eq!(diagnosis("--scenario callback-chain"), is("self_deadlock", &[1]));
    assert_eq!(diagnosis("--scenario wait-chains"), is("interrupts_off", &[3]));
    let flags = "--cpus 9 --kernel 6.12 --turn-seed 3 --until 120 --pseudo-nmi --softlockup-panic";
    assert_eq!(diagnosis(&format!("--scenario irqs-off-caller {flags}")), pair);

    let console = stdout("--scenario lost-ipi --detectors csd");
    assert!(console.contains("6.12.117") && console.contains("got unstuck"), "{console}");
    assert!(stdout("--scenario irqs-off-caller").contains("4.19.5"));
    let replayed = folder();
    let path = replayed.path().join("run.jsonl");
    let live = stdout(&format!("--scenario lost-ipi --records {}", path.display()));
    assert_eq!(stdout(&format!("--replay {}", path.display())), live);
}

#[test]
fn flags_of_the_article_are_refused_with_another_scenario() {
    for flag in [
        "--seed 1",
        "--stuck 5@300",
        "--busy",
        "--idle",
        "--oops 9@300",
        "--ablate feed-from-timer",
        "--die-lock arm64",
        "--notifier none",
        "--print-order stock",
    ] {
        let name = flag.split(' ').next().unwrap();
        for scenario in ["lost-ipi", "slow-console", "irqs-off-caller", "busy", "wait-chains"] {
            let words = format!("{name} goes with --scenario article only");
            refused(&format!("--scenario {scenario} {flag}"), &words);
        }
    }
    refused("--scenario foo", "article, lost-ipi, slow-console, irqs-off-caller");
    refused("--scenario lost-ipi --cpus 4", "no CPU#5 on a machine of 4");
    refused("--replay x --scenario lost-ipi", "cannot be used with");
}

#[test]
fn absent_victims_are_dropped_and_named_on_stderr() {
    let output = run("--cpus 32 --quiet");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("has no CPU#35, CPU#51, CPU#58: their arrivals are dropped"),
        "{stderr}"
    );
    assert_eq!(lockups(&json("--cpus 32")), [(30, 22), (2, 22)]);
}

#[test]
fn an_arrival_that_can_never_come_is_named_on_stderr() {
    let stderr = String::from_utf8(run("--stuck 0@300 --quiet").stderr).unwrap();
    assert!(
        stderr.contains("CPU#0 was stuck or dead before it could start every task"),
        "{stderr}"
    );
}

#[test]
fn a_saved_run_replays_to_the_same_text_without_a_machine() {
    let folder = folder();
    let records = folder.path().join("run.jsonl");
    let trace = folder.path().join("trace.json");
    let live = stdout(&format!("--records {} --trace {}", records.display(), trace.display()));
    assert_eq!(stdout(&format!("--replay {}", records.display())), live);

    let again = folder.path().join("again.json");
    stdout(&format!("--replay {} --quiet --trace {}", records.display(), again.display()));
    assert_eq!(fs::read(&trace).unwrap(), fs::read(&again).unwrap());
    assert_eq!(files_in(folder.path()).len(), 3, "nothing temporary is left");
}

#[test]
fn the_trace_is_what_perfetto_opens() {
    let folder = folder();
    let path = folder.path().join("trace.json");
    stdout(&format!("--quiet --trace {}", path.display()));
    let events: Vec<Value> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let mut open = std::collections::HashMap::<u64, Vec<String>>::new();
    let (mut last, mut flows) = (0.0, std::collections::HashMap::new());
    for event in &events {
        let tid = event["tid"].as_u64().unwrap();
        let name = event["name"].as_str().unwrap().to_owned();
        let ts = event["ts"].as_f64().unwrap();
        match event["ph"].as_str().unwrap() {
            "M" => continue,
            "B" => open.entry(tid).or_default().push(name),
            "E" => assert_eq!(open.get_mut(&tid).and_then(Vec::pop), Some(name)),
            "s" => _ = flows.insert(event["id"].as_u64().unwrap(), false),
            "f" => assert_eq!(flows.insert(event["id"].as_u64().unwrap(), true), Some(false)),
            "i" => {}
            other => panic!("{other}"),
        }
        assert!(ts >= last, "events are in order of time");
        last = ts;
    }
    assert!(open.values().all(Vec::is_empty), "every span is closed");
    let unanswered = flows.values().filter(|answered| !**answered).count();
    assert_eq!(unanswered, 1, "of all IPIs only CPU 0's was never taken");
    let named = |name: &str| events.iter().any(|e| e["args"]["name"] == name);
    assert!(named("CPU 0") && named("CPU 63") && named("CPU 0 interrupts off"));
}

#[test]
fn with_rcu_stalls_the_article_is_told_which_cpu_holds_up_the_grace_period() {
    let report = json("--rcu-stalls --until 345");
    let first = &report["detections"][0];
    assert_eq!(first["detector"], "rcu_stall", "{report}");
    assert_eq!((first["named_cpu"].as_u64(), first["reporter_cpu"].as_u64()), (Some(0), Some(1)));
    let secs = first["time_ns"].as_u64().unwrap() as f64 / 1e9;
    assert!((275.2..275.3).contains(&secs), "CPU 0 oopses at 254.2 s: {secs}");
    let console = stdout("--rcu-stalls --until 345");
    assert_eq!(console.matches("rcu: INFO: rcu_sched detected stalls on CPUs/tasks:").count(), 2);
}

#[test]
fn with_console_time_each_line_has_its_own_stamp_and_the_lockups_are_the_same() {
    assert_eq!(lockups(&json("--console-time")), lockups(&json("")));
    let lines = |args: &str| -> Vec<String> {
        let console = stdout(args);
        let report = console.lines().skip_while(|line| !line.contains("CPU#35 stuck"));
        report.take(5).map(|line| line[..15].to_owned()).collect()
    };
    let distinct = |mut stamps: Vec<String>| {
        stamps.dedup();
        stamps.len()
    };
    assert_eq!(distinct(lines("")), 1);
    assert_eq!(distinct(lines("--console-time=9600")), 5);
}

#[test]
fn bad_flags_get_one_line_and_exit_code_2() {
    refused("--cpus 0", "1 to 4096 CPUs, not 0");
    refused("--cpus 5000", "1 to 4096 CPUs, not 5000");
    refused("--die-lock foo", "possible values: arm64, x86, nesting");
    refused("--ablate foo", "possible values: irqs-on-in-die, preempt-on-in-wait, feed-from-timer");
    refused("--kernel 2.6", "possible values: 4.19, 6.1, 6.12");
    refused("--clock wall:0", "0.001 to 1000000 times the host's");
    refused("--clock wall:1e11", "0.001 to 1000000 times the host's");
    refused("--records x.json --trace x.json", "cannot be one file");
    refused("--clock wall:fast", "wall:RATIO");
    refused("--clock wall:200 --turn-seed 1", "--turn-seed");
    refused("--stuck 0@1e9", "would not end in reasonable time: stay below 1250000 s");
    refused("--until 1e6 --clock wall:10", "stay below 864000 s");
    refused("--watchdog-thresh 61", "0 to 60 seconds");
    refused("--change-watchdog-thresh 61@200", "0 to 60 seconds");
    refused("--change-watchdog-thresh 5", "5@200");
    refused("--panic-timeout 99999999999", "--panic-timeout");
    refused("--stuck 64@300", "no CPU#64 on a machine of 64");
    refused("--oops 64@300", "no CPU#64 on a machine of 64");
    refused("--stuck 5", "35@338.462");
    refused("--until -3", "seconds since boot");
    refused("--seed 1 --stuck 5@300", "cannot be used with");
    refused("--replay x --cpus 3", "cannot be used with");
    refused("--replay x --call-queue mailbox", "cannot be used with");
    refused("--arch x86_64 --kernel 4.19", "--kernel 6.1 only");
    refused("--detectors hardlockup_perf", "--pseudo-nmi");
    refused("--detectors none,csd", "none");
    refused("--detectors rcu", "possible values");
    refused("--console-time=0", "300 to 4000000 baud");
    refused("--console-time=fast", "invalid");
    refused("--replay x --rcu-stalls", "cannot be used with");
    refused("--replay x --console-time", "cannot be used with");
    refused("--bogus", "--bogus");
}

#[test]
fn unwritable_files_are_refused_before_the_machine_boots_and_leave_nothing() {
    let folder = folder();
    let inside = folder.path().join("no/such/folder/trace.json");
    refused(&format!("--trace {}", inside.display()), "cannot write");
    refused(&format!("--records {}", folder.path().display()), "cannot write");
    let good = folder.path().join("good.jsonl");
    refused(&format!("--records {} --trace {}", good.display(), inside.display()), "cannot write");
    assert!(files_in(folder.path()).is_empty());
}

#[test]
fn damaged_records_are_refused() {
    let folder = folder();
    let path = folder.path().join("run.jsonl");
    stdout(&format!(
        "--cpus 2 --quiet --stuck 1@100 --oops 0@120 --until 130 --records {}",
        path.display()
    ));
    let whole = fs::read_to_string(&path).unwrap();
    let replay = |text: &str, words: &str| {
        fs::write(&path, text).unwrap();
        refused(&format!("--replay {}", path.display()), words);
    };
    let lines: Vec<&str> = whole.lines().collect();
    replay(&whole[..whole.len() / 2], "cut short");
    replay(&lines[..lines.len() - 1].join("\n"), "cut short");
    replay(&whole.replacen("\"version\":1", "\"version\":2", 1), "records of version 2");
    replay(&whole.replacen("\"nr_cpus\":2", "\"nr_cpus\":1", 1), "no CPU#1");
    replay(&whole.replacen("\"nr_cpus\":2", "\"nr_cpus\":0", 1), "not 0");
    replay(&whole.replacen("\"event\":\"feed\"", "\"event\":\"food\"", 1), "line ");
    replay(&whole.replacen("\"to\":0", "\"to\":70", 1), "there is no CPU#70");
    replay(&format!("{whole}{}\n", lines[1]), "something follows the last line");
    replay(&[&lines[..2], &lines[1..]].concat().join("\n"), "out of order");
    replay("", "not a file of records");
    replay("{}", "not a file of records");
    replay("hello", "not a file of records");
    fs::write(&path, [0xff, 0xfe, 0x00]).unwrap();
    refused(&format!("--replay {}", path.display()), "UTF-8");
    refused("--replay /no/such/file", "No such file");
}

#[test]
fn a_pager_that_closes_the_pipe_is_no_error() {
    let folder = folder();
    let records = folder.path().join("run.jsonl");
    let mut child = nested_oops();
    child.args(["--records", records.to_str().unwrap()]);
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    // The reader is gone now.
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
    assert!(records.exists(), "what was asked for besides is written");
}

/// Runs it as a user who may have 64 threads; limits on threads do not hold for root.
#[test]
#[cfg(target_os = "linux")]
fn a_host_that_refuses_threads_is_named_in_one_line() {
    use std::os::unix::fs::PermissionsExt;
    const LIMITED: &str = r#"
        as_user=""
        [ "$(id -u)" != 0 ] || as_user="setpriv --reuid 65534 --regid 65534 --clear-groups"
        exec prlimit --nproc=64 $as_user "$0" "$@"
    "#;
    let folder = folder();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("nested_oops");
    fs::copy(nested_oops().get_program(), &program).unwrap();
    let mut sh = Command::new("sh");
    let output = sh.args(["-c", LIMITED]).arg(program).args(["--cpus", "4096"]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(output.stdout.is_empty());
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains("the host refused a thread for CPU#"), "{stderr}");
}

#[test]
fn help_names_every_flag() {
    let help = stdout("--help");
    for scenario in [
        "article",
        "lost-ipi",
        "slow-console",
        "irqs-off-caller",
        "busy",
        "masked-busy",
        "slow-report",
        "callback-chain",
        "nested-irq",
        "wait-chains",
    ] {
        assert!(help.contains(&format!("{scenario}:")), "{scenario}");
    }
    for flag in [
        "scenario",
        "cpus",
        "seed",
        "until",
        "turn-seed",
        "stuck",
        "oops",
        "ablate",
        "clock",
        "kernel",
        "watchdog-thresh",
        "rcu-stalls",
        "console-time",
        "call-queue",
        "die-lock",
        "notifier",
        "print-order",
        "records",
        "replay",
        "trace",
        "report",
        "quiet",
    ] {
        assert!(help.contains(&format!("--{flag}")), "{flag}");
    }
}
