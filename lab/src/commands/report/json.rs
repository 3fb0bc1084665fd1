//! JSON: [exercism's results, version 3](https://exercism.org/docs/building/tooling/test-runners/interface), and more.
//!
//! | field | whose | what |
//! |---|---|---|
//! | `version` | exercism | 3 |
//! | `status` | exercism | `pass`, `fail`, or `error`: something does not compile, or a run is not complete |
//! | `message` | exercism | with `error`: why |
//! | `tests[]` | exercism | `name`, `status`, `message`, `output`, `test_code` (here the rule, in words), `task_id` (here the exercise's number in the course) |
//! | `tests[]` | lab | `exercise`, `tier`, `points`, `detail` (columns, a console, the seed and the schedule), `mistake` |
//! | `lab` | lab | `version` 1; `points`, `of`; `exercises[]`: `id`, `title`, `question`, `status`, `points` (predictions included), `of`, `stall` (why the run is not complete), `source` (SHA-256), `seconds`, `hints`, `tries` |
//!
//! A field that is added does not raise a version; a field that goes or changes its meaning does.

use serde::Serialize;

use super::{Row, is_counted, printed, trouble};
use crate::channel::{Check, Status, Tier};
use crate::commands::Desk;
use crate::stop::Stop;

#[derive(Serialize)]
struct Results {
    version: u32,
    status: &'static str,
    message: Option<String>,
    tests: Vec<Test>,
    lab: Lab,
}

#[derive(Serialize)]
struct Test {
    name: String,
    status: &'static str,
    message: Option<String>,
    output: Option<String>,
    test_code: Option<String>,
    task_id: usize,
    exercise: String,
    tier: Option<Tier>,
    points: u32,
    detail: Option<String>,
    mistake: Option<String>,
}

#[derive(Serialize)]
struct Lab {
    version: u32,
    points: u32,
    of: u32,
    exercises: Vec<Exercise>,
}

#[derive(Serialize)]
struct Exercise {
    id: String,
    title: String,
    question: String,
    status: &'static str,
    points: u32,
    of: u32,
    stall: Option<String>,
    source: String,
    seconds: f64,
    hints: u32,
    tries: u32,
}

pub(super) fn render(desk: &Desk, rows: &[Row<'_>]) -> Result<String, Stop> {
    let progress = desk.store.load()?;
    let mut tests = Vec::new();
    let mut exercises = Vec::new();
    let mut message = None;
    for (exercise, graded) in rows {
        let number = desk.course.exercises.iter().position(|known| known.id == exercise.id);
        let task_id = number.unwrap_or(0) + 1;
        let failed = |check: &&Check| check.status == Status::Fail;
        for check in graded.checks.iter().filter(|check| is_counted(check.status)) {
            let output = if failed(&check) { printed(graded) } else { None };
            tests.push(of_check(&exercise.id, task_id, check, output));
        }
        let trouble = trouble(graded);
        if let Some((what, why)) = &trouble {
            message.get_or_insert_with(|| format!("{}: {why}", exercise.id));
            tests.push(of_trouble(&exercise.id, task_id, what, why));
        }
        let entry = progress.entry(exercise);
        exercises.push(Exercise {
            id: exercise.id.clone(),
            title: exercise.title.clone(),
            question: exercise.question.clone(),
            status: match (graded.passed(), &trouble) {
                (true, _) => "pass",
                (false, None) => "fail",
                (false, Some(_)) => "error",
            },
            points: desk.points(&progress, exercise),
            of: exercise.points,
            stall: trouble.map(|(_, why)| why),
            source: graded.source.clone(),
            seconds: graded.took.as_secs_f64(),
            hints: entry.hints,
            tries: entry.tries,
        });
    }
    let results = Results {
        version: 3,
        status: match (&message, rows.iter().all(|(_, graded)| graded.passed())) {
            (Some(_), _) => "error",
            (None, true) => "pass",
            (None, false) => "fail",
        },
        message,
        tests,
        lab: Lab {
            version: 1,
            points: exercises.iter().map(|exercise| exercise.points).sum(),
            of: exercises.iter().map(|exercise| exercise.of).sum(),
            exercises,
        },
    };
    serde_json::to_string_pretty(&results).map_err(Stop::grader)
}

fn of_check(exercise: &str, task_id: usize, check: &Check, output: Option<String>) -> Test {
    let passed = check.status == Status::Pass;
    Test {
        name: format!("{exercise}: {}", check.name),
        status: if passed { "pass" } else { "fail" },
        message: check.message.clone(),
        output,
        test_code: Some(check.rule.clone()),
        task_id,
        exercise: exercise.to_owned(),
        tier: Some(check.tier),
        points: if passed { check.points } else { 0 },
        detail: check.detail.clone(),
        mistake: check.mistake.clone(),
    }
}

fn of_trouble(exercise: &str, task_id: usize, what: &str, why: &str) -> Test {
    Test {
        name: format!("{exercise}: {what}"),
        status: "error",
        message: Some(why.to_owned()),
        output: None,
        test_code: None,
        task_id,
        exercise: exercise.to_owned(),
        tier: None,
        points: 0,
        detail: None,
        mistake: None,
    }
}
