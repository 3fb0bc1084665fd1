//! Grades on save, and answers keys and saves while a check hangs.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use crate::course::{Course, NEVER, add, until};

/// A `lab watch` whose keys come from a pipe.
pub(crate) struct Watch {
    lab: Child,
    keys: ChildStdin,
    lines: Receiver<String>,
}

impl Watch {
    fn start(course: &Course, args: &[&str]) -> Self {
        Self::of(course.command(&[&["watch"], args].concat()))
    }

    pub(crate) fn of(mut command: Command) -> Self {
        let mut lab = command.stdin(Stdio::piped()).spawn().unwrap();
        let keys = lab.stdin.take().unwrap();
        let out = BufReader::new(lab.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { lab, keys, lines }
    }

    /// Reads on until a line has these words.
    pub(crate) fn says(&self, words: &str) {
        let mut before = Vec::new();
        loop {
            match self.lines.recv_timeout(NEVER) {
                Ok(line) if line.contains(words) => return,
                Ok(line) => before.push(line),
                Err(error) => panic!("{error}: {words:?} never came after {before:#?}"),
            }
        }
    }

    fn press(&mut self, key: &str) {
        self.keys.write_all(key.as_bytes()).unwrap();
    }

    pub(crate) fn quit(mut self) -> Option<i32> {
        self.press("q");
        self.lab.wait().unwrap().code()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.lab.kill(); // a test has failed, or it has ended already
    }
}

#[test]
fn a_save_is_graded() {
    let course = Course::new();
    let watch = Watch::start(&course, &[]);
    watch.says("Not yet.");
    course.solve("ex01_add");
    watch.says("Passed.");
    watch.says("7 of 14 points");
    assert_eq!(watch.quit(), Some(1));
    assert_eq!(course.score("ex01"), 7);
}

#[test]
fn a_rename_is_a_save() {
    let course = Course::new();
    let watch = Watch::start(&course, &[]);
    watch.says("Not yet.");
    let temporary = course.path("exercises/ex01_add/src/.lib.rs.swp");
    fs::write(&temporary, add("one + other")).unwrap();
    fs::rename(&temporary, course.file("ex01_add")).unwrap();
    watch.says("Passed.");
    watch.quit();
}

#[test]
fn polling_sees_a_save_too() {
    let course = Course::new();
    let watch = Watch::start(&course, &["--poll"]);
    watch.says("Not yet.");
    course.solve("ex01_add");
    watch.says("Passed.");
    watch.quit();
}

#[test]
fn another_exercise_s_save_makes_it_the_current_one() {
    let course = Course::new();
    let watch = Watch::start(&course, &[]);
    watch.says("Not yet.");
    course.solve("ex02_lock");
    watch.says("ex02  Take a lock");
    watch.says("Passed.");
    watch.quit();
}

#[test]
#[cfg(target_os = "linux")]
fn keys_and_saves_are_answered_while_a_check_hangs() {
    let course = Course::new();
    let is_checking = || course.processes().iter().any(|line| line.contains("--nonce"));
    let mut watch = Watch::start(&course, &[]);
    watch.says("points");
    // It sleeps for longer than this test may take: only the save can end it.
    course.add("loop { std::thread::sleep(std::time::Duration::from_millis(1)) }");
    until("the check runs", is_checking);
    watch.press("h");
    watch.says("hint 1 of 3");
    course.solve("ex01_add");
    watch.says("Passed.");
    until("the check is gone", || !is_checking());
    watch.quit();
}

#[test]
#[cfg(target_os = "linux")]
fn quitting_ends_a_check_that_hangs() {
    let course = Course::new();
    course.add("loop {}");
    let watch = Watch::start(&course, &[]);
    until("the check runs", || course.processes().iter().any(|line| line.contains("--nonce")));
    watch.quit();
    until("all are gone", || course.processes().is_empty());
}

#[test]
fn keys_go_on_check_all_and_replay() {
    let course = Course::new();
    let mut watch = Watch::start(&course, &[]);
    watch.says("points");
    watch.press("n");
    watch.says("ex02  Take a lock");
    watch.says("of 14 points");
    watch.press("r");
    watch.says("nothing is written yet");
    watch.says("of 14 points");
    watch.press("c");
    watch.says("ex01  Add two numbers");
    watch.says("ex02  Take a lock");
    watch.quit();
}
