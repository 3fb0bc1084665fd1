//! The report of a checks binary.

use checks::check::{Check, Failure, Tier};
use checks::grade::grade;
use serde_json::{Value, json};

#[test]
fn a_report_ends_at_the_first_check_that_fails() {
    let check = |id, run: fn() -> Result<(), Failure>| Check::new(Tier::Oracle, id, "rule", 2, run);
    let checks = vec![
        check("one", || Ok(())),
        check("two", || Err(Failure::new("no").with_mistake("off by one"))),
        check("three", || panic!("it is never run")),
    ];
    let mut report = Vec::new();
    assert!(!grade("ex00", checks, "abc", &mut report).unwrap());
    let lines: Vec<Value> =
        String::from_utf8(report).unwrap().lines().map(|line| line.parse().unwrap()).collect();
    let lines: Vec<_> =
        lines.iter().map(|line| (line["line"].as_str().unwrap(), &line["status"])).collect();
    let (pass, fail) = (json!("pass"), json!("fail"));
    let none = &Value::Null;
    assert_eq!(
        lines,
        [
            ("start", none),
            ("begin", none),
            ("end", &pass),
            ("begin", none),
            ("end", &fail),
            ("done", none)
        ]
    );
}
