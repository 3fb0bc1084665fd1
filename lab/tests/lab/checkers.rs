//! The model checkers are built in the background. Here a cargo of ours builds them when it is allowed to.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use crate::course::{Course, until};
use crate::watch::Watch;

/// A course whose model checkers are not built before [`Gated::open`].
struct Gated(Course);

impl Gated {
    fn new() -> Self {
        let course = Course::new();
        let (cargo, gate) = (course.path("cargo.sh"), course.path("gate"));
        let real = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in *models*) while [ ! -e '{}' ]; do sleep 0.02; done;; esac\nexec '{real}' \"$@\"\n",
            gate.display()
        );
        fs::write(&cargo, script).unwrap();
        fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
        Self(course)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.0.command(args);
        command.env("CARGO", self.0.path("cargo.sh"));
        command
    }

    fn open(&self) {
        fs::write(self.0.path("gate"), "").unwrap();
    }

    fn is_building(&self) -> bool {
        let processes = self.0.processes();
        processes.iter().any(|line| line.contains("cargo.sh build") && line.contains("models"))
    }
}

#[test]
fn what_is_known_is_told_while_the_model_checkers_are_built() {
    let course = Gated::new();
    let watch = Watch::of(course.command(&["watch"]));
    watch.says("0 of 14 points");
    course.0.solve("ex02_lock");
    watch.says("a free lock can be taken");
    watch.says("No verdict yet");
    let known = course.0.progress();
    assert!(known["exercise"].get("ex02").is_none_or(|ex02| ex02.get("passed").is_none()));
    course.open();
    watch.says("of two takers one gets it");
    watch.says("Passed.");
    watch.says("5 of 14 points");
    watch.quit();
}

#[test]
fn a_save_discards_the_verdict_that_was_waited_for() {
    let course = Gated::new();
    let right = fs::read_to_string(course.0.path("solutions/ex02_lock/src/lib.rs")).unwrap();
    let watch = Watch::of(course.command(&["watch"]));
    watch.says("0 of 14 points");
    course.0.solve("ex02_lock");
    watch.says("No verdict yet");
    let always = right.rsplit_once('{').unwrap().0.to_owned()
        + "{\n    lock.store(true, Ordering::Release);\n    true\n}\n";
    fs::write(course.0.file("ex02_lock"), always).unwrap();
    watch.says("No verdict yet");
    course.open();
    watch.says("both got it, or none");
    watch.says("Not yet.");
    watch.quit();
    assert!(course.0.progress()["exercise"]["ex02"].get("passed").is_none());
}

#[test]
fn a_verdict_that_is_owed_comes_though_another_exercise_was_saved_meanwhile() {
    let course = Gated::new();
    let watch = Watch::of(course.command(&["watch"]));
    watch.says("0 of 14 points");
    course.0.solve("ex02_lock");
    watch.says("No verdict yet");
    course.0.solve("ex01_add");
    watch.says("Passed.");
    course.open();
    watch.says("of two takers one gets it");
    watch.says("Passed.");
    watch.quit();
    assert!(course.0.progress()["exercise"]["ex02"].get("passed").is_some());
}

#[test]
fn other_exercises_do_not_wait_for_the_model_checkers() {
    let course = Gated::new();
    let watch = Watch::of(course.command(&["watch"]));
    watch.says("0 of 14 points");
    until("they are being built", || course.is_building());
    course.0.solve("ex01_add");
    watch.says("Passed.");
    assert!(course.is_building());
    watch.quit();
}

#[test]
#[cfg(target_os = "linux")]
fn quitting_ends_their_build() {
    let course = Gated::new();
    let watch = Watch::of(course.command(&["watch"]));
    watch.says("0 of 14 points");
    until("they are being built", || course.is_building());
    watch.quit();
    assert_eq!(course.0.processes(), Vec::<String>::new());
}

#[test]
#[cfg(target_os = "linux")]
fn no_build_outlives_a_killed_grader() {
    for (signal, number) in [("INT", 2), ("TERM", 15), ("HUP", 1), ("KILL", 9)] {
        if is_ignored_here(number) {
            continue; // as under nohup: a program that is started so keeps ignoring it
        }
        let course = Gated::new();
        course.0.solve("ex02_lock");
        let mut lab = course.command(&["check", "ex02"]).stdout(Stdio::null()).spawn().unwrap();
        until("they are being built", || course.is_building());
        let kill = Command::new("kill").args(["-s", signal, &lab.id().to_string()]).status();
        assert!(kill.unwrap().success());
        assert!(!lab.wait().unwrap().success());
        until("all are gone", || course.0.processes().is_empty());
    }
}

/// Whether this process was started with a signal ignored.
#[cfg(target_os = "linux")]
fn is_ignored_here(number: u32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap().trim();
    u64::from_str_radix(mask, 16).unwrap() & 1 << (number - 1) != 0
}
