//! Replay: what a checks binary tells of an incident.

use crate::course::Course;

#[test]
fn what_is_not_written_is_not_replayed() {
    let said = Course::new().lab(&["replay", "ex01"]);
    assert_eq!(said.code, Some(1));
    assert!(said.words().contains("nothing is written yet"), "{said:#?}");
    assert!(!said.out.contains("incident of"), "{said:#?}");
}

#[test]
fn replay_prints_what_the_checks_tell() {
    let course = Course::new();
    course.solve("ex01_add");
    let said = course.lab(&["replay", "ex01"]);
    assert_eq!(said.code, Some(0));
    assert!(said.out.ends_with("yours | stock\nthe whole incident of ex01\n"), "{said:#?}");
}

#[test]
fn two_consoles_are_shown_where_they_differ_with_the_rule_that_is_broken() {
    let course = Course::new();
    course.add("if one == 0 { 0 } else { 7 }");
    course.beside("Kernel panic: 7", "Kernel panic: 4");
    let said = course.lab(&["replay", "ex01"]);
    let expected = "They differ first in line 2 of your console. Yours: Kernel panic: 7 The stock machine's: \
                    Kernel panic: 4 `panic` prints this line";
    assert!(said.words().contains(expected), "{said:#?}");
    assert!(said.words().contains("which your part breaks: two numbers are added."), "{said:#?}");
    assert_eq!(said.code, Some(1));
}

#[test]
fn equal_consoles_do_not_hide_a_broken_rule() {
    let course = Course::new();
    course.add("if one == 0 { 0 } else { 7 }");
    course.beside("same", "same");
    let said = course.lab(&["replay", "ex01"]);
    assert!(said.out.contains("print the same console, 2 lines"), "{said:#?}");
    let words = "your part breaks a rule that this one does not show: two numbers are added.";
    assert!(said.words().contains(words), "{said:#?}");
}
