//! The course is graded too.

use std::fs;

use crate::course::Course;

/// Changes a file of the course.
fn change(course: &Course, file: &str, from: &str, to: &str) {
    let text = fs::read_to_string(course.path(file)).unwrap();
    assert!(text.contains(from));
    fs::write(course.path(file), text.replace(from, to)).unwrap();
}

#[test]
fn a_right_course_is_right() {
    let said = Course::new().lab(&["verify"]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert!(said.out.contains("2 exercises, 2 solutions, 3 mutants, 2 alternatives"));
}

#[test]
fn blessed_exercises_are_what_is_handed_out() {
    let course = Course::new();
    fs::remove_dir_all(course.path("lab/handed-out")).unwrap();
    assert_eq!(course.lab(&["verify", "ex01", "--bless"]).code, Some(0));
    assert!(course.path("lab/handed-out/ex01_add/lib.rs").exists());
}

#[test]
fn without_models_what_only_they_refuse_is_left_out() {
    let said = Course::new().lab(&["verify", "--no-models", "--jobs", "1"]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert!(said.out.contains("2 exercises, 2 solutions, 2 mutants, 2 alternatives"));
}

#[test]
fn a_mutant_that_is_accepted_is_named() {
    let course = Course::new();
    change(&course, "lab/checks/src/bin/variants.rs", "=> side_by_side,", "=> by_counting,");
    let said = course.lab(&["verify", "ex01"]);
    assert!(said.words().contains("ex01 side_by_side is accepted"), "{said:#?}");
    assert_eq!(said.code, Some(1));
}

#[test]
fn a_mutant_that_is_refused_with_other_words_or_by_another_check_is_named() {
    let course = Course::new();
    change(&course, "lab/checks/src/bin/variants.rs", "2 and 2 are 4", "2 and 2 are 5");
    change(&course, "lab/checks/src/bin/variants.rs", "oracle::add::nothing", "oracle::add::all");
    let said = course.lab(&["verify", "ex01"]);
    assert!(said.words().contains("should be told \"2 and 2 are 5\""), "{said:#?}");
    assert!(said.words().contains("should be refused by oracle::add::all"), "{said:#?}");
}

#[test]
fn a_refused_alternative_and_a_poor_solution_are_named() {
    let course = Course::new();
    change(&course, "lab/checks/src/bin/variants.rs", "fold(one,", "fold(one + 1,");
    change(&course, "lab/checks/src/ex01.rs", "points: 5", "points: 4");
    let said = course.lab(&["verify", "ex01"]);
    assert!(said.words().contains("ex01 by_counting is refused"), "{said:#?}");
    assert!(said.words().contains("worth 6 points together, and should be worth 7"), "{said:#?}");
}

#[test]
fn files_that_are_wrong_are_named() {
    let course = Course::new();
    course.solve("ex01_add");
    fs::write(course.path("exercises/ex02_lock/hints.md"), "One.\n\n---\n\nTwo.\n").unwrap();
    change(
        &course,
        "exercises/predictions.toml",
        "answer = \"the second\"",
        "answer = \"the last\"",
    );
    let said = course.lab(&["verify"]);
    assert!(said.words().contains("are not equal"), "{said:#?}");
    assert!(said.words().contains("as it was handed out it has 7 points"), "{said:#?}");
    assert!(said.words().contains("2 hints, and not 3"), "{said:#?}");
    assert!(said.words().contains("\"the last\" is not among its choices"), "{said:#?}");
}
