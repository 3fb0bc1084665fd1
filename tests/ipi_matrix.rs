//! The example as a user runs it. What it measures is the host's affair: nothing here depends on a number.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

/// `cargo test` runs no test that an example has inside: here they are.
#[path = "../examples/ipi_matrix/main.rs"]
#[expect(dead_code, reason = "what only `main` calls")]
mod example;

/// `cargo test` builds the examples beside the tests.
fn ipi_matrix() -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push(format!("examples/ipi_matrix{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is built by `cargo test` without --test", path.display());
    path
}

fn run(args: &str) -> Output {
    Command::new(ipi_matrix()).args(args.split_whitespace()).output().unwrap()
}

/// Runs it on two cores for a moment, and returns what it prints.
fn stdout(args: &str) -> String {
    let output = run(&format!("--cores {} --slices 2 {args}", two_cores()));
    assert!(output.status.success(), "{args}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Expects exit code 2, nothing on stdout, and one line that contains `words`.
fn refused(args: &str, words: &str) {
    assert_refused(&run(args), words);
}

fn assert_refused(output: &Output, words: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(output.stdout.is_empty());
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.starts_with("ipi_matrix: ") && stderr.contains(words), "{stderr}");
}

fn usable_cores() -> Vec<usize> {
    core_affinity::get_core_ids().unwrap().iter().map(|core| core.id).collect()
}

/// The turn to measure: two that measure on the same cores take turns of the scheduler's instead. `None` on a host with
/// one core, where there is nothing to measure.
fn turn() -> Option<MutexGuard<'static, ()>> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    (usable_cores().len() >= 2).then_some(turn)
}

fn two_cores() -> String {
    let cores = usable_cores();
    format!("{},{}", cores[0], cores[1])
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn three_tables_and_the_host_are_printed_and_the_effort_is_said_beforehand() {
    let Some(_turn) = turn() else { return };
    let output = run(&format!("--cores {} --slices 2", two_cores()));
    let (text, stderr) = (String::from_utf8(output.stdout).unwrap(), output.stderr);
    for words in [
        "CPU:  ",
        "cores:  ",
        "SMT siblings:  ",
        "governor:  ",
        "hypervisor:  ",
        "kernel:  ",
        "clocksource:  ",
        "Instant::now:  ",
        "load average:  ",
        "\nfloor, ns: ",
        "\nmailbox, ns: ",
        "\nmailbox / floor: ",
        "\nmeasuring threads: preempted ",
    ] {
        assert!(text.contains(words), "{words:?} is not in {text}");
    }
    assert!(!text.contains('\u{1b}'), "a pipe has no colours");
    let stderr = String::from_utf8(stderr).unwrap();
    assert!(stderr.contains("note: 1 pair of 2 cores, about "), "{stderr}");
    assert!(!stderr.contains('\r'), "no progress is shown to a pipe: {stderr}");
}

#[test]
fn colours_are_where_they_are_asked_for() {
    let Some(_turn) = turn() else { return };
    assert!(stdout("--color always").contains("\u{1b}[48;5;"));
    assert!(!stdout("--color never").contains('\u{1b}'));
}

#[test]
fn csv_has_a_header_and_a_line_for_each_pair() {
    let Some(_turn) = turn() else { return };
    let text = stdout("--csv");
    assert_eq!(stdout("--csv -").lines().next(), text.lines().next());
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 2, "{text}");
    assert_eq!(rows[0][..5], ["core_a", "core_b", "floor_ns", "mailbox_ns", "ratio"]);
    assert_eq!(rows[1].len(), rows[0].len());
    assert_eq!(rows[1][..2].join(","), two_cores());
    assert!(rows[1][2..5].iter().all(|number| number.parse::<f64>().unwrap() > 0.0), "{text}");
}

#[test]
fn json_is_one_object_with_the_host_and_the_pairs() {
    let Some(_turn) = turn() else { return };
    let value: Value = serde_json::from_str(&stdout("--json")).expect("one JSON object");
    assert_eq!((&value["schema"], &value["version"]), (&"softlockup.ipi_matrix".into(), &1.into()));
    assert_eq!(value["slices"], 2);
    assert_eq!(value["host"]["cores_measured"], value["cores"]);
    assert_eq!(value["pairs"].as_array().unwrap().len(), 1);
    let pair = &value["pairs"][0];
    assert_eq!(pair["cores"], value["cores"]);
    for number in ["floor_ns", "mailbox_ns", "ratio"] {
        assert!(pair[number].as_f64().unwrap() > 0.0, "{number} in {value}");
    }
    assert_eq!(pair["fates"].as_array().unwrap().len(), 2);
}

#[test]
fn files_are_written_beside_the_tables() {
    let Some(_turn) = turn() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (svg, csv, json) = (path("it.svg"), path("it.csv"), path("it.json"));
    let files = [("--svg", &svg), ("--csv", &csv), ("--json", &json)];
    let flags = files.map(|(flag, path)| format!("{flag} {}", path.display())).join(" ");
    assert!(stdout(&flags).contains("mailbox / floor"), "the tables are printed, too");
    assert_eq!(files_in(folder.path()).len(), 3, "nothing temporary is left");

    let text = fs::read_to_string(svg).unwrap();
    assert!(
        text.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && text.ends_with("</svg>\n")
    );
    assert_well_formed(&text);
    for words in ["Round trip between host cores", ">floor, ns<", ">mailbox, ns<", ">core<"] {
        assert!(text.contains(words), "{words}");
    }
    assert_eq!(text.matches("<title>cores ").count(), 3 * 2);
    assert_eq!(fs::read_to_string(csv).unwrap().lines().count(), 2);
    serde_json::from_str::<Value>(&fs::read_to_string(json).unwrap()).unwrap();
}

/// Every element that is opened is closed, in its order, and no text has a bracket.
fn assert_well_formed(xml: &str) {
    let mut open = Vec::new();
    for tag in xml.split('<').skip(1) {
        let (tag, text) = tag.split_once('>').expect("a tag ends");
        assert!(!text.contains('>'), "{text}");
        let name = tag.trim_start_matches('/').split([' ', '/']).next();
        match (tag.starts_with('/'), tag.ends_with('/')) {
            (true, _) => assert_eq!(open.pop(), Some(name), "{tag}"),
            (false, true) => {}
            (false, false) => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn bad_flags_get_one_line_and_exit_code_2() {
    refused("--bogus", "--bogus");
    refused("--cores 5-2", "such as 0,2-5");
    refused("--cores x", "such as 0,2-5");
    refused("--cores 1023,70000", "such as 0,2-5");
    refused("--cores", "--cores");
    refused("--slices 0", "1..=100000");
    refused("--color blue", "possible values: auto, always, never");
    refused("--csv --json", "cannot be one file");
    refused("--csv x --svg x", "cannot be one file");
    refused("--svg /no/such/folder/x.svg", "cannot write /no/such/folder/x.svg");
}

#[test]
fn cores_that_this_process_may_not_use_are_refused() {
    let usable = usable_cores();
    let foreign = (0..).find(|core| !usable.contains(core)).unwrap();
    refused(&format!("--cores {},{foreign}", usable[0]), &format!("may not use core {foreign}"));
    refused(&format!("--cores {0},{0}", usable[0]), &format!("core {} twice", usable[0]));
}

#[test]
fn one_core_is_too_few() {
    let core = usable_cores()[0].to_string();
    refused(&format!("--cores {core}"), "needs two host cores, and --cores names one");
    let mut taskset = Command::new("taskset");
    if let Ok(output) = taskset.args(["-c", &core]).arg(ipi_matrix()).output() {
        assert_refused(&output, "needs two host cores, and this process may use one");
    }
}

#[test]
fn help_names_every_flag() {
    let output = run("--help");
    let help = String::from_utf8(output.stdout).unwrap();
    for flag in ["--cores", "--slices", "--svg", "--csv", "--json", "--color"] {
        assert!(help.contains(flag), "{flag}");
    }
}
