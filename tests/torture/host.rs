//! Places that cannot be written, small limits, and signals. All by `sh`, which has one child at a time.

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use crate::example::{ended_well, program};

/// Runs a line of `sh` in which `$0` is the program.
fn sh(line: &str) -> Output {
    let kill = format!("exec timeout -s KILL 300 sh -c '{line}' \"$0\"");
    Command::new("sh").args(["-c", &kill]).arg(program()).output().unwrap()
}

#[test]
fn a_stdout_that_is_full_is_said_in_one_line() {
    for flags in ["", "--quiet", "--report json", "--help", "--version"] {
        let output = sh(&format!("\"$0\" {flags} >/dev/full"));
        ended_well(flags, &output);
        assert_eq!(output.status.code(), Some(2), "{flags}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("standard output: No space left"), "{flags}: {stderr}");
    }
}

#[test]
fn a_stderr_that_is_full_or_closed_changes_nothing() {
    for stderr in ["/dev/full", "&-"] {
        // It has notes to give: of CPU#35, which a machine of 8 does not have.
        let output = sh(&format!("\"$0\" --cpus 8 2>{stderr}"));
        assert!(output.status.success(), "{stderr}: {output:?}");
        assert_eq!(output.stdout, sh("\"$0\" --cpus 8").stdout);
        let refused = sh(&format!("\"$0\" --cpus 0 2>{stderr}"));
        assert_eq!(refused.status.code(), Some(2), "{stderr}");
    }
}

/// `… 2>&1 | head -1`: the notes meet a closed pipe as well as the console does.
#[test]
fn a_pager_that_is_closed_is_no_error_whatever_is_written_to_it() {
    for flags in ["--cpus 8", "--cpus 8 --quiet", "--help", "--report json"] {
        let output = sh(&format!("(\"$0\" {flags} 2>&1; echo $? >&3) 3>&2 | true"));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "0\n", "{flags}");
    }
}

#[test]
fn few_file_descriptors_are_enough_or_are_said_to_be_too_few() {
    for files in 4..12 {
        let output = sh(&format!("ulimit -n {files}; \"$0\" --cpus 8 --quiet --records /dev/null"));
        ended_well(&format!("ulimit -n {files}"), &output);
    }
}

#[test]
fn small_stacks_and_files_harm_nothing() {
    let plain = sh("\"$0\" --cpus 8").stdout;
    for limit in ["-s 1024", "-c 0", "-f 0"] {
        let output = sh(&format!("ulimit {limit}; \"$0\" --cpus 8"));
        ended_well(limit, &output);
        assert!(output.stdout == plain, "ulimit {limit} changed what is printed");
    }
}

fn state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

fn signal(name: &str, pid: u32) {
    let kill = format!("kill -s {name} {pid}");
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

/// It is stopped when its first line is out, and goes on: in virtual time it prints what it always prints; in
/// wall-clock time, whatever it finds, it ends.
#[test]
fn a_run_that_is_stopped_and_continued_goes_on() {
    let undisturbed = sh("\"$0\"").stdout;
    for (flags, is_virtual) in [(&[][..], true), (&["--clock", "wall:2000"], false)] {
        let mut child = Command::new(program());
        child.args(flags).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut text = Vec::new();
        stdout.read_until(b'\n', &mut text).unwrap();
        for _ in 0..3 {
            signal("STOP", child.id());
            while !matches!(state(child.id()), Some('T' | 'Z') | None) {}
            signal("CONT", child.id());
        }
        std::io::Read::read_to_end(&mut stdout, &mut text).unwrap();
        let output = child.wait_with_output().unwrap();
        ended_well(&format!("{flags:?}"), &output);
        assert!(output.status.success());
        if is_virtual {
            assert!(text == undisturbed, "{}", String::from_utf8_lossy(&text));
        }
    }
}
