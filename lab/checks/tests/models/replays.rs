//! An execution can be named and run again. (That each counterexample can is checked where it is found.)

use checks::models::{Verdict, die_lock, replay};
use softlockup::parts::die_lock::{Arm64DieLock, NestingDieLock};

fn inconclusive(verdict: Verdict) -> String {
    match verdict {
        Verdict::Inconclusive { why } => why,
        other => panic!("{other:?}"),
    }
}

fn replay_of(verdict: Verdict) -> String {
    match verdict {
        Verdict::Wrong { replay, .. } => replay,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_text_that_names_no_execution_gives_no_answer() {
    for text in
        ["", "spin", "loom die_lock/one-and-one", "loom die_lock/one preemptions=x execution=1"]
    {
        let why = inconclusive(replay(text, || panic!("the check must not run")));
        assert!(why.contains("names no execution"), "{why}");
    }
}

#[test]
fn a_model_of_another_check_gives_no_answer() {
    let check = || die_lock(Arm64DieLock::new, false);
    let why = inconclusive(replay("loom csd_lock/one-call preemptions=0 execution=1", check));
    assert!(why.contains("has no model csd_lock/one-call"), "{why}");
}

#[test]
fn an_execution_that_breaks_no_rule_any_more_gives_no_answer() {
    let named = replay_of(die_lock(Arm64DieLock::new, true));
    let why = inconclusive(replay(&named, || die_lock(NestingDieLock::new, true)));
    assert!(why.contains("breaks no rule"), "{why}");
}

#[test]
fn a_replay_is_for_one_check_only() {
    let check = || die_lock(Arm64DieLock::new, true);
    let named = replay_of(check());
    _ = replay(&named, check);
    assert!(matches!(die_lock(Arm64DieLock::new, false), Verdict::Right { .. }));
}

#[test]
fn the_same_part_gets_the_same_verdict() {
    let check = || die_lock(Arm64DieLock::new, false);
    assert_eq!(check(), check());
    assert!(matches!(check(), Verdict::Right { complete: true, .. }), "{:?}", check());
}
