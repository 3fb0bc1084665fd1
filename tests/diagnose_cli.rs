//! The program `diagnose` as a user runs it: its exit codes, its two forms of output, and one clear line for bad input.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// `cargo test` builds the examples beside the tests.
fn diagnose() -> Command {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push(format!("examples/diagnose{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is built by `cargo test` without --test", path.display());
    let mut command = Command::new(path);
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command
}

fn root(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn recorded(name: &str) -> PathBuf {
    root("tests/ground-truth").join(format!("{name}.log"))
}

fn of_file(path: PathBuf, flags: &[&str]) -> Output {
    diagnose().args(flags).arg(path).output().unwrap()
}

/// With this on standard input.
fn of_text(text: &[u8], flags: &[&str]) -> Output {
    let mut child = diagnose()
        .args(flags)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    _ = child.stdin.take().unwrap().write_all(text); // it may have ended by then
    child.wait_with_output().unwrap()
}

fn text(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

/// Expects exit code 2, nothing on standard output, and one line that contains `words`.
fn refused(output: &Output, words: &str) {
    let stderr = std::str::from_utf8(&output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(output.stdout.is_empty());
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.starts_with("diagnose: ") && stderr.contains(words), "{stderr}");
}

#[test]
fn a_named_cpu_is_status_0() {
    let output = of_file(root("tests/golden/article.txt"), &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output).starts_with("CPU 0 does not answer.  certain (1 fact)\n"));
    for words in ["336.462", "22 = 335 - 313", "libvirtd", "line 1 ", "kmsg dumpers"] {
        assert!(text(&output).contains(words), "{words:?} is not in {}", text(&output));
    }
}

#[test]
fn the_readme_shows_what_it_prints() {
    let output = of_file(recorded("x86-d61-nest1-again-smp4"), &[]);
    let readme = fs::read_to_string(root("README.md")).unwrap();
    assert!(readme.contains(text(&output)), "README.md lacks this:\n{}", text(&output));
}

#[test]
fn each_other_verdict_has_a_status_of_its_own() {
    let answered = b"\
[   30.000000] smp: csd: Detected non-responsive CSD lock (#1) on CPU#2, waiting 5000020352 ns for CPU#00 f+0x0/0x4(0x0).
[   33.000000] smp: csd: CSD lock (#1) got unstuck on CPU#02, CPU#00 released the lock.\n";
    assert_eq!(of_text(answered, &[]).status.code(), Some(1));
    let lockup = b"[  360.462046] watchdog: BUG: soft lockup - CPU#35 stuck for 22s! [docker-containe:29506]\n";
    let output = of_text(lockup, &["-"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output).contains("Why no CPU is named\n"));
    assert_eq!(of_text(b"[    1.000000] all is well\n", &[]).status.code(), Some(4));
    let healthy = of_file(recorded("a64-612-nest0-smp4"), &[]);
    assert_eq!(healthy.status.code(), Some(4));
}

#[test]
fn bad_input_is_one_line_and_status_2() {
    refused(&of_file(root("tests/no-such-file"), &[]), "cannot read");
    refused(&of_file(root("tests"), &[]), "cannot read");
    refused(&of_text(b"", &[]), "standard input is empty: give it the text of a console");
    refused(&of_text(b" \n\n", &[]), "is empty");
    refused(&of_text(b"x", &["--guess"]), "--help");
    refused(&of_text(b"x", &["--color", "green"]), "possible values: auto, always, never");
}

#[test]
fn help_and_version_succeed() {
    for flag in ["--help", "-h", "--version"] {
        let output = of_text(b"", &[flag]);
        assert_eq!(output.status.code(), Some(0), "{flag}");
        assert!(output.stderr.is_empty());
        let widest = text(&output).lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(80), "{flag}: {widest:?}");
    }
    let help = of_text(b"", &["--help"]);
    for words in ["Exit status:", "JSON:", "Examples:", "softlockup.diagnosis", "NO_COLOR"] {
        assert!(text(&help).contains(words), "{words}");
    }
}

#[test]
fn json_is_one_object_with_the_documented_fields() {
    let output = of_file(recorded("a64-612-csd-smp4"), &["--json"]);
    assert_eq!(output.status.code(), Some(0));
    let object: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(object["schema"], "softlockup.diagnosis");
    assert_eq!(object["version"], 1);
    assert_eq!(object["exit_status"], 0);
    let incident = &object["incidents"][0];
    assert_eq!(incident["verdict"], "named");
    assert_eq!(incident["cpu"], 0);
    assert_eq!(incident["confidence"], "certain");
    assert!(incident["facts_for_it"].as_u64() >= Some(2));
    let fact = &incident["facts"][0];
    assert_eq!((&fact["fact"], &fact["weight"]), (&"csd_target".into(), &"certain".into()));
    assert!(fact["line"].as_u64() > Some(0) && fact["text"].is_string());
    let victim = &incident["victims"][0];
    assert_eq!(victim["cpu"], 3);
    assert_eq!(victim["printed"][0], 26);
    assert_eq!(victim["reckoning"]["samples"], 7);
    assert_eq!(victim["began_ns"][0], 24_504_048_000_u64);
    assert_eq!(incident["numbers"]["misfit"], 0);
    assert!(incident["advice"].as_array().unwrap().iter().all(|advice| advice["text"].is_string()));
    let none: Value = serde_json::from_slice(&of_text(b"well\n", &["--json"]).stdout).unwrap();
    assert_eq!(none["exit_status"], 4);
    assert_eq!(none["incidents"][0]["verdict"], "no_lockup");
}

#[test]
fn text_has_80_columns_and_colour_only_if_asked_for() {
    for name in ["a64-612-oops-execbusy-smp4", "a64-612-pnmi-smp4", "x86-d61-nest1-again-smp4"] {
        let plain = of_file(recorded(name), &[]);
        assert!(!text(&plain).contains('\x1b'), "{name}: it is no terminal");
        let widest = text(&plain).lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(80), "{name}: {widest:?}\n{}", text(&plain));
        let colored = of_file(recorded(name), &["--color", "always"]);
        assert!(text(&colored).starts_with("\x1b["), "{name}");
    }
}

#[test]
fn it_fits_on_a_screen_or_two() {
    let output = of_file(recorded("a64-612-csd-smp4"), &[]);
    assert!(text(&output).lines().count() <= 48, "{}", text(&output));
}

#[test]
fn a_pipe_that_is_closed_early_is_no_error() {
    let mut child = diagnose()
        .arg(recorded("a64-612-csd-smp4"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_one_line_and_status_2() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = diagnose().arg(recorded("a64-612-csd-smp4")).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn of_several_incidents_the_last_is_told_at_length() {
    let log = "\
[   30.000000] smp: csd: Detected non-responsive CSD lock (#1) on CPU#2, waiting 5000020352 ns for CPU#00 f+0x0/0x4(0x0).
[    0.000000] Linux version 6.1.0 (gcc) #1 SMP
[   90.000000] watchdog: BUG: soft lockup - CPU#35 stuck for 22s! [a:1]\n";
    let output = of_text(log.as_bytes(), &[]);
    assert_eq!(output.status.code(), Some(3), "that of the last one");
    let first = "Incident 1, lines 1 to 1: CPU 0 does not answer.  certain (1 fact)\n";
    assert!(text(&output).starts_with(first), "{}", text(&output));
    assert!(text(&output).contains("\nIncident 2, lines 2 to 3\nThere is a lockup;"));
}

#[test]
fn a_replay_stands_below_the_verdict_and_leaves_the_exit_code() {
    let recorded = recorded("x86-d61-nest1-again-smp4");
    let (plain, with) = (of_file(recorded.clone(), &[]), of_file(recorded, &["--replay"]));
    assert_eq!(with.status.code(), plain.status.code());
    let replay = text(&with).strip_prefix(text(&plain)).unwrap();
    assert!(replay.starts_with("\nReplay\n"), "{replay}");
    assert_eq!(replay.lines().filter(|line| line.contains("| equal, ")).count(), 6, "{replay}");
    assert!(replay.ends_with("6 of 6 numbers equal; stamps within 96.4 ms\n"), "{replay}");
    assert!(replay.lines().all(|line| line.chars().count() <= 80), "{replay}");
}

#[test]
fn a_replay_without_a_name_says_that_its_silent_cpu_is_a_stand_in() {
    let log = b"[   30.500000] watchdog: BUG: soft lockup - CPU#1 stuck for 21s! [a:1]";
    let output = of_text(log, &["--replay"]);
    assert_eq!(output.status.code(), Some(3));
    let shown = text(&output);
    assert!(shown.contains("CPU 2 is only a stand-in"), "{shown}");
    assert!(shown.contains("| +1, "), "{shown}");
    assert!(shown.ends_with("0 of 1 numbers equal; stamps within 0.0 ms\n"), "{shown}");
}

#[test]
fn where_nothing_can_be_lived_through_the_replay_says_why() {
    let output = of_text(b"watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [a:1]", &["--replay"]);
    assert_eq!(output.status.code(), Some(3));
    let shown = text(&output);
    assert!(shown.contains("no soft lockup has a stamp"), "{shown}");
    refused(&of_text(b"x", &["--replay", "--json"]), "--json");
}
