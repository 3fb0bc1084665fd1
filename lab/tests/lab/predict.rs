//! Predictions: what they bring, and what is said of those that are open or lost.

use crate::course::Course;

#[test]
fn the_first_prediction_counts() {
    let course = Course::new();
    let said = course.lab(&["predict", "ex01.sum", "22"]);
    assert!(said.words().contains("It is 4. You put them side by side."), "{said:#?}");
    assert_eq!(said.code, Some(1));
    let again = course.lab(&["predict", "ex01.sum", "4"]);
    assert!(again.out.ends_with("Your first answer counts: 22, which was wrong.\n"), "{again:#?}");
    assert_eq!(again.code, Some(1));
    assert_eq!(course.progress()["prediction"]["ex01.sum"]["right"].as_bool(), Some(false));

    assert_eq!(course.lab(&["predict", "ex02.who", "The", "Second"]).code, Some(0));
    assert!(course.lab(&[]).out.contains("1 of 14 points"));
}

#[test]
fn a_passed_exercise_names_the_point_that_is_open_or_lost() {
    let course = Course::new();
    course.solve("ex01_add");
    let said = course.lab(&["check", "ex01"]);
    assert!(said.out.contains("7 of 8 points"), "{said:#?}");
    assert!(said.words().contains("1 point still open: predict with `cargo lab predict ex01.sum`"));
    course.lab(&["predict", "ex01.sum", "22"]);
    let said = course.lab(&["check", "ex01"]);
    assert!(said.words().contains("1 point lost: you predicted 22."), "{said:#?}");
}

#[test]
fn a_passed_exercise_with_its_predictions_has_all_its_points() {
    let course = Course::new();
    course.solve("ex01_add");
    course.lab(&["predict", "ex01.sum", "4"]);
    let said = course.lab(&["check", "ex01"]);
    assert!(said.out.contains("8 of 8 points") && !said.out.contains("1 point"), "{said:#?}");
}

#[test]
fn the_book_s_predictions_are_listed_by_chapter_and_bring_no_points() {
    let course = Course::new();
    let listed = course.lab(&["predict"]);
    let chapter = listed.out.split_once("why-22  a chapter of the book: no points\n").unwrap().1;
    let lines: Vec<_> = chapter.lines().take(2).map(str::trim).collect();
    assert_eq!(lines, ["q1.about           open", "q1.exact           open"], "{listed:#?}");
    assert!(listed.out.contains("ex01.sum           open, worth 1"), "{listed:#?}");
    assert!(course.lab(&["predict", "why-22"]).out.contains("About how many?"));

    let near = course.lab(&["predict", "q1.about", "23"]);
    assert_eq!(near.code, Some(0));
    assert!(near.out.starts_with("Right.  It is 22: near enough."), "{near:#?}");
    assert_eq!(course.lab(&["predict", "q1.exact", "23"]).code, Some(1));
    assert!(course.lab(&["predict"]).out.contains("q1.exact           wrong: you said 23"));
    assert!(course.lab(&[]).out.contains("0 of 14 points"));
}
