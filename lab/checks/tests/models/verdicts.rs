//! What the tests expect of a verdict.

use checks::models::{Verdict, replay};

/// Each engine by itself accepts it.
#[track_caller]
pub(crate) fn right(check: impl Fn() -> Verdict) {
    for engine in ["loom", "shuttle"] {
        match replay(engine, &check) {
            Verdict::Right { executions, .. } => {
                assert!(executions > 10, "{executions} executions of {engine} are too few");
            }
            Verdict::Wrong { rule, why, columns, replay } => {
                panic!("a right part is refused.\n{rule}\n{columns}{why}\n{replay}")
            }
            Verdict::Inconclusive { why } => panic!("{engine} gives no answer: {why}"),
        }
    }
}

/// A rule breaks, and in this way. The columns can be read, the execution can be run again, and each engine by itself
/// refuses the part.
///
/// Returns the columns and the sentence.
#[track_caller]
pub(crate) fn wrong(kind: &str, check: impl Fn() -> Verdict) -> (String, String) {
    let found = wrong_for_one_engine(kind, &check);
    if kind != "HANGS" {
        for engine in ["loom", "shuttle"] {
            let verdict = replay(engine, &check);
            let refused = matches!(verdict, Verdict::Wrong { .. });
            assert!(refused, "{engine} lets a wrong part through: {verdict:?}");
        }
    }
    found
}

/// As `wrong`, but one of the engines cannot see it.
#[track_caller]
pub(crate) fn wrong_for_one_engine(kind: &str, check: impl Fn() -> Verdict) -> (String, String) {
    let verdict = check();
    let Verdict::Wrong { rule, why, columns, replay: named } = &verdict else {
        panic!("a wrong part is let through: {verdict:?}");
    };
    if std::env::var_os("SHOW").is_some() {
        eprintln!("{rule}\n{columns}{why}\n{named}\n");
    }
    assert!(why.starts_with(kind), "refused as {why}\n{columns}");
    if kind != "HANGS" {
        assert_eq!(replay(named, &check), verdict, "{named} names another execution");
        let rows = columns.lines().skip(1).filter(|line| !line.contains("...")).count();
        assert!(rows <= 20, "{rows} rows are too many\n{columns}");
        assert!(columns.contains("^^^"), "no row fails\n{columns}");
    }
    (columns.clone(), why.clone())
}
