//! The binary that runs was made from the file that is graded.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use crate::course::{Course, add};

#[test]
fn an_old_time_stamp_does_not_hide_a_change() {
    let course = Course::new();
    course.solve("ex01_add");
    assert_eq!(course.lab(&["check", "ex01"]).code, Some(0));

    // As `cp -p`, a restored backup or an unpacked archive leave a file.
    course.add("7");
    let file = File::options().append(true).open(course.file("ex01_add")).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(86_400)).unwrap();
    assert_eq!(course.lab(&["check", "ex01"]).code, Some(1));

    course.solve("ex01_add");
    let file = File::options().append(true).open(course.file("ex01_add")).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(172_800)).unwrap();
    assert_eq!(course.lab(&["check", "ex01"]).code, Some(0));
}

#[test]
fn each_save_is_graded_however_fast_they_come() {
    let course = Course::new();
    for number in 0..6 {
        let (body, code) = if number % 2 == 0 { ("one + other", 0) } else { ("one - other", 1) };
        fs::write(course.file("ex01_add"), add(body)).unwrap();
        assert_eq!(course.lab(&["check", "ex01"]).code, Some(code), "save {number}");
    }
}

#[test]
fn the_compiler_speaks_of_the_learner_s_file_alone() {
    let course = Course::new();
    course.add("let sum = ;");
    let said = course.lab(&["check", "ex01"]);
    assert!(said.out.contains("expected expression") && said.out.contains("ex01_add/src/lib.rs:6"));
    assert!(!said.out.contains("lab/checks") && said.code == Some(1), "{said:#?}");
}

#[test]
fn a_changed_signature_is_said_to_be_that() {
    let course = Course::new();
    fs::write(course.file("ex01_add"), "//! An answer.\n").unwrap();
    let said = course.lab(&["check", "ex01"]);
    assert!(said.words().contains("cannot find value `add`"), "{said:#?}");
    assert!(said.words().contains("must stay as they were handed out") && said.code == Some(1));
}

#[test]
fn a_broken_exercise_breaks_no_other() {
    let course = Course::new();
    course.add("let sum = ;");
    course.solve("ex02_lock");
    assert_eq!(course.lab(&["check", "ex02"]).code, Some(0));
}

#[test]
fn a_grader_that_fails_says_so() {
    let course = Course::new();
    fs::write(course.path("lab/checks/Cargo.toml"), "[package]\nname = 7\n").unwrap();
    let said = course.lab(&["check", "ex01"]);
    assert_eq!(said.code, Some(3));
    assert!(said.err.starts_with("lab: ex01: cargo could not build the checks"), "{said:#?}");
}
