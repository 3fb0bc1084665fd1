//! Each answer of `exercises/predictions.toml` is computed again, by the machine that the question is about.

use std::collections::BTreeMap;

use checks::replay::live;
use softlockup::scenario::nested_oops::NestedOops;
use softlockup::{Incident, Parts, Scenario};
use toml::{Table, Value};

mod calls;
mod detectors;
mod oopses;
mod whose_fault;

/// A prediction, and what computes its answer.
type Answer = (&'static str, fn() -> String);

/// Each prediction of an exercise.
const ANSWERS: &[Answer] = &[
    ("ex01.cpu58", detectors::the_number_of_cpu_58),
    ("ex02.forgetful", detectors::seconds_until_a_forgetful_detector_reports_again),
    ("ex02.touched", detectors::touched_taken_for_a_time),
    ("ex03.answered", calls::second_of_the_answer),
    ("ex04.hangs", oopses::a_right_lock_hangs),
    ("ex05.equal", calls::reports_with_equal_for_and),
    ("ex06.lifo", calls::lifo_changes_the_console),
    ("ex06.ipis", calls::ipis_for_eleven_calls),
    ("ex07.posts", calls::posts_one_by_one),
    ("ex08.lost", calls::seconds_until_a_lost_interrupt_comes_again),
    ("ex09.reporter", detectors::who_reports_cpu_0),
    ("ex10.reported", whose_fault::who_prints_in_a_chain),
    ("ex11.six_twelve", whose_fault::a_console_of_six_twelve_names_the_cpu),
    ("ex12.headers", oopses::headers_with_the_lock_of_x86),
];

/// The predictions that belong to an exercise, with their answers. (A chapter's own are computed where it is built.)
fn predictions() -> BTreeMap<String, String> {
    let text = include_str!("../../../../exercises/predictions.toml");
    let table: Table = text.parse().expect("it is TOML");
    let entries = table["prediction"].as_array().expect("it is a list");
    let of_exercises = entries.iter().filter(|entry| entry.get("exercise").is_some());
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        other => panic!("{other:?} is no answer"),
    };
    of_exercises.map(|entry| (text(&entry["id"]), text(&entry["answer"]))).collect()
}

#[test]
fn each_answer_is_what_the_machine_shows() {
    let predictions = predictions();
    let wrong = ANSWERS.iter().filter_map(|&(id, compute)| {
        let (shown, written) = (compute(), predictions.get(id));
        let same = written.is_some_and(|written| *written == shown);
        (!same).then(|| format!("{id}: the machine shows {shown}, the file says {written:?}"))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn no_prediction_of_an_exercise_is_left_out() {
    let computed = |id: &String| ANSWERS.iter().any(|(known, _)| known == id);
    let left_out: Vec<String> = predictions().into_keys().filter(|id| !computed(id)).collect();
    assert!(left_out.is_empty(), "add to ANSWERS what computes {left_out:?}");
}

#[test]
fn a_prediction_that_is_left_out_would_be_seen() {
    let predictions = predictions();
    assert!(predictions.len() >= 14, "{predictions:?}");
    assert!(predictions.contains_key("ex01.cpu58"));
}

fn run(scenario: &impl Scenario, parts: Parts) -> Incident {
    live(scenario, parts).expect("it ends")
}

/// The article's incident.
fn article(parts: Parts) -> Incident {
    run(&NestedOops::default(), parts)
}

fn yes_or_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}
