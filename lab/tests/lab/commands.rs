//! Each command, and what is said to a wrong one.

use std::fs;

use crate::course::Course;

#[test]
fn status_shows_what_is_next() {
    let said = Course::new().lab(&[]);
    assert_eq!(said.code, Some(0));
    for words in ["0 of 14 points", "question 1", "Next: ex01", "predict ex01.sum VALUE"] {
        assert!(said.out.contains(words), "{words:?} is missing in {said:#?}");
    }
    assert!(!said.out.contains('\u{1b}'), "colours in a pipe");
}

#[test]
fn an_exercise_has_many_names() {
    let course = Course::new();
    for name in ["ex01", "1", "01", "ex01_add", "add"] {
        assert!(course.lab(&["hint", name]).out.contains("ex01  hint"), "{name}");
    }
}

#[test]
fn what_is_asked_wrongly_is_answered_in_one_line() {
    let course = Course::new();
    let wrong: [&[&str]; 9] = [
        &["check", "ex99"],
        &["chekc"],
        &["check", "--every"],
        &["predict", "ex77.x", "1"],
        &["predict", "ex01.sum", "many"],
        &["reset", "ex01", "--undo", "--yes"],
        &["solution", "ex01"],
        &["report"],
        &["--course", "/nowhere"],
    ];
    for args in wrong {
        let said = course.lab(args);
        assert_eq!(said.code, Some(2), "{args:?}: {said:#?}");
        assert_eq!((said.err.lines().count(), said.out.as_str()), (1, ""), "{args:?}: {said:#?}");
    }
}

#[test]
fn hints_come_one_by_one_and_are_counted() {
    let course = Course::new();
    for number in [1, 2, 3, 1] {
        let said = course.lab(&["hint", "ex01"]);
        assert!(said.out.contains(&format!("hint {number} of 3")), "{said:#?}");
        assert_eq!(said.out.contains("the next `hint` begins again with the first"), number == 3);
    }
    let again = course.lab(&["hint", "ex02"]).out + &course.lab(&["hint", "ex01"]).out;
    assert!(!again.contains("seen all"), "{again}");
    course.lab(&["hint", "ex01"]);
    let said = course.lab(&["hint", "ex01"]);
    assert!(said.out.starts_with("You have seen all 3 hints of ex01."), "{said:#?}");
    assert_eq!(course.progress()["exercise"]["ex01"]["hints"].as_integer(), Some(7));
}

#[test]
fn marks_have_a_key() {
    let course = Course::new();
    assert!(course.lab(&["list"]).words().contains("begun: a file of yours was graded"));
    assert!(course.lab(&[]).out.contains("exNN… begun"));
}

#[test]
fn an_error_names_a_file_as_the_learner_does() {
    let course = Course::new();
    course.add("let sum = ;");
    let [check, replay] = ["check", "replay"].map(|command| course.lab(&[command, "ex01"]));
    let path = course.path("report.json");
    let report = course.lab(&["report", "--json", path.to_str().unwrap(), "ex01"]);
    assert!(report.err.ends_with("report.json: 0 of 8 points\n"), "{report:#?}");
    let root = course.path("").canonicalize().unwrap();
    for said in [&check.out, &replay.out, &fs::read_to_string(path).unwrap()] {
        assert!(said.contains("--> exercises/ex01_add/src/lib.rs:"), "{said}");
        assert!(!said.contains(root.to_str().unwrap()), "{said}");
    }
    course.add("panic!(\"a sum of {one} and {other}\")");
    let said = course.lab(&["report", "--json", "-", "ex01"]).out;
    assert!(said.contains("panicked at exercises/ex01_add/src/lib.rs:"), "{said}");
    assert!(!said.contains(root.to_str().unwrap()), "{said}");
}

#[test]
fn a_file_that_is_missing_costs_no_report() {
    let course = Course::new();
    fs::remove_file(course.file("ex01_add")).unwrap();
    let said = course.lab(&["report", "--json", "-"]);
    assert!(said.err.contains("lab: ex01: cannot read"), "{said:#?}");
    assert_eq!(said.code, Some(2), "{said:#?}");
    assert!(said.out.contains(r#""id": "ex02""#), "{said:#?}");
    assert!(said.out.contains(r#""stall": "cannot read"#), "{said:#?}");
}

#[test]
fn a_classroom_is_one_table() {
    let course = Course::new();
    fs::create_dir_all(course.path("room/ada")).unwrap();
    let report = r#"{"version":3,"lab":{"exercises":[{"id":"ex01","points":7}]}}"#;
    fs::write(course.path("room/ada/report.json"), report).unwrap();
    fs::write(course.path("room/bob.json"), report.replace('7', "2")).unwrap();
    let room = course.path("room");
    let said = course.lab(&["report", "--classroom", room.to_str().unwrap()]);
    let lines: Vec<_> = said.out.lines().map(str::split_whitespace).map(Vec::from_iter).collect();
    assert_eq!(lines[0], ["student", "points", "of", "14", "ex01", "ex02"]);
    assert_eq!(lines[1..], [["ada", "7", "7", "-"], ["bob", "2", "2", "-"]]);

    for folder in ["room/eve", "room/.git"] {
        fs::create_dir(course.path(folder)).unwrap();
    }
    let said = course.lab(&["report", "--classroom", room.to_str().unwrap()]);
    assert!(said.words().ends_with("bob 2 2 - eve no report"), "{said:#?}");
    assert_eq!(said.code, Some(0));

    fs::write(course.path("room/bob.json"), "[]").unwrap();
    let said = course.lab(&["report", "--classroom", room.to_str().unwrap()]);
    assert!(said.err.contains("bob.json is no report") && said.code == Some(2), "{said:#?}");
    let said = course.lab(&["report", "--classroom", "/nowhere"]);
    assert!(said.err.contains("no report in /nowhere") && said.code == Some(2), "{said:#?}");
}

#[test]
fn reset_keeps_the_learner_s_file_and_can_be_undone() {
    let course = Course::new();
    course.solve("ex01_add");
    let mine = fs::read_to_string(course.file("ex01_add")).unwrap();

    let asked = course.lab(&["reset", "ex01"]);
    assert_eq!(asked.code, Some(2), "nothing can answer, so nothing is changed: {asked:#?}");
    assert_eq!(fs::read_to_string(course.file("ex01_add")).unwrap(), mine);

    let reset = course.lab(&["reset", "ex01", "--yes"]);
    assert_eq!(reset.code, Some(0));
    let saved = reset.out.lines().find_map(|line| line.split_once("is saved as ")).unwrap().1;
    assert_eq!(fs::read_to_string(course.path(saved.trim_end_matches('.'))).unwrap(), mine);
    assert!(fs::read_to_string(course.file("ex01_add")).unwrap().contains("todo!"));
    assert_eq!(course.lab(&["reset", "--undo", "ex01", "--yes"]).code, Some(0));
    assert_eq!(fs::read_to_string(course.file("ex01_add")).unwrap(), mine);
}

#[test]
fn a_deleted_file_can_be_reset() {
    let course = Course::new();
    fs::remove_file(course.file("ex01_add")).unwrap();
    let said = course.lab(&["check", "ex01"]);
    assert!(said.err.contains("`cargo lab reset ex01 --yes` puts it back"), "{said:#?}");
    assert_eq!(course.lab(&["reset", "ex01", "--yes"]).code, Some(0));
    assert_eq!(course.lab(&["check", "ex01"]).code, Some(1));
}

#[test]
fn the_solution_is_shown_after_the_exercise_passed() {
    let course = Course::new();
    assert_eq!(course.lab(&["solution", "ex01"]).code, Some(2));
    assert!(course.lab(&["solution", "ex01", "--force"]).out.contains("one + other"));
    course.solve("ex01_add");
    course.lab(&["check", "ex01"]);
    assert!(course.lab(&["solution", "ex01"]).out.contains("one + other"));
}

#[test]
fn the_model_lane_runs_when_all_else_passed() {
    let course = Course::new();
    course.solve("ex02_lock");
    let said = course.lab(&["check", "ex02"]);
    assert!(said.words().contains("pass model of two takers one gets it"), "{said:#?}");
    assert_eq!(course.score("ex02"), 5);
}

#[test]
fn a_report_is_exercism_s_and_more() {
    let course = Course::new();
    course.solve("ex01_add");
    let said = course.lab(&["report", "--json", "-"]);
    assert_eq!(said.code, Some(1));
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&json["version"], &json["status"]), (&3.into(), &"fail".into()));
    assert_eq!(json["tests"][1]["name"], "ex01: oracle::add::numbers");
    assert_eq!(
        (&json["tests"][1]["status"], &json["tests"][1]["points"]),
        (&"pass".into(), &5.into())
    );
    assert_eq!(json["tests"][2]["status"], "fail");
    assert_eq!((&json["lab"]["version"], &json["lab"]["points"]), (&1.into(), &7.into()));

    course.add("let sum = ;");
    let said = course.lab(&["report", "--json", "-", "ex01"]);
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(json["status"], "error");
    assert!(json["message"].as_str().unwrap().contains("expected expression"));
}

#[test]
fn a_report_can_be_junit() {
    let course = Course::new();
    course.solve("ex01_add");
    let path = course.path("junit.xml");
    let said = course.lab(&["report", "--junit", path.to_str().unwrap(), "--json", "/dev/null/x"]);
    assert_eq!(said.code, Some(2), "a file that cannot be written: {said:#?}");
    let said = course.lab(&["report", "--junit", path.to_str().unwrap()]);
    let xml = fs::read_to_string(path).unwrap();
    assert!(xml.contains(r#"tests="3" skipped="0" failures="1" errors="0""#), "{xml}");
    assert_eq!(said.code, Some(1));
}

#[test]
fn help_and_completions_are_there() {
    let course = Course::new();
    let help = course.lab(&["--help"]);
    assert!(
        help.out.contains("cargo lab") && help.out.contains("Exit code") && help.code == Some(0)
    );
    for shell in ["bash", "fish", "zsh", "powershell", "elvish"] {
        assert!(course.lab(&["completions", shell]).out.contains("watch"), "{shell}");
    }
}

#[test]
fn the_course_is_found_from_any_folder_of_it() {
    let course = Course::new();
    let mut command = course.command(&["list"]);
    command.env_remove("LAB_ROOT").current_dir(course.path("exercises/ex02_lock/src"));
    let output = command.output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("Take a lock"));
}
