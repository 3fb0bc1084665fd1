//! What is kept, and what survives.

use std::fs;

use crate::course::Course;

#[test]
fn a_passed_exercise_stays_passed() {
    let course = Course::new();
    course.solve("ex01_add");
    assert_eq!(course.lab(&["check"]).code, Some(0));
    course.add("7");
    assert_eq!(course.lab(&["check", "ex01"]).code, Some(1));
    let status = course.lab(&[]);
    assert!(status.out.contains("7 of 14 points") && status.out.contains("ex01*"), "{status:#?}");
    assert!(status.out.contains("Next: ex02"), "{status:#?}");
}

#[test]
fn points_come_check_by_check() {
    let course = Course::new();
    course.add("if one == 0 { 0 } else { 7 }");
    assert_eq!(course.lab(&["check", "ex01"]).code, Some(1));
    assert_eq!(course.score("ex01"), 2);
}

#[test]
fn a_damaged_file_is_rebuilt_by_grading() {
    let course = Course::new();
    course.solve("ex01_add");
    course.lab(&["check", "ex01"]);
    fs::write(course.path("lab-progress.toml"), [0xff, 0xfe, b'\n']).unwrap();
    let _ = fs::remove_file(course.path("lab-progress.backup.toml"));
    let said = course.lab(&[]);
    assert!(said.err.contains("damaged") && said.code == Some(0), "{said:#?}");
    assert!(said.words().contains("`cargo lab check --all` finds out"), "{said:#?}");
    course.lab(&["check", "--all"]);
    assert!(course.lab(&[]).out.contains("7 of 14 points"));
}

#[test]
fn a_deleted_file_comes_back_from_its_backup() {
    let course = Course::new();
    course.solve("ex01_add");
    course.lab(&["check", "ex01"]);
    course.lab(&["hint", "ex02"]);
    fs::remove_file(course.path("lab-progress.toml")).unwrap();
    assert!(course.lab(&[]).out.contains("7 of 14 points"));
}

#[test]
fn an_exercise_that_is_as_it_was_handed_out_is_not_begun() {
    let course = Course::new();
    course.lab(&["report", "--json", "-"]);
    course.lab(&["check", "--all"]);
    assert!(course.lab(&[]).out.contains("(ex01)"), "it was never changed");
    course.add("7");
    course.lab(&["check", "ex01"]);
    assert!(course.lab(&[]).out.contains("ex01…"), "it was changed and graded");
}
