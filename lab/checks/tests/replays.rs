//! The replays of an exercise can speak: of mutants that a contract refuses before.

use checks::check::Tier;
use checks::variants::all;

fn refuse(exercise: &str, mutant: &str, words: &str) {
    let (_, answer) =
        all().into_iter().find(|it| it.0 == exercise && it.1.name == mutant).expect("it is known");
    let replays = (answer.checks)().into_iter().filter(|check| check.tier == Tier::Replay);
    let said = replays.map(|replay| replay.run()).find_map(Result::err).expect("one refuses it");
    assert!(said.message.contains(words), "{mutant}: {}", said.message);
}

#[test]
fn the_replays_of_exercise_8_see_reports_that_flood_or_do_not_come() {
    refuse("ex08", "a due that does not move", "expected 1 report of that, and there were");
    refuse("ex08", "never", "there were 0");
    refuse("ex08", "the soft-lockup watchdog's 20 s", "there were 0");
}

#[test]
fn the_replays_of_exercise_9_see_a_cpu_that_is_not_watched_and_a_false_alarm() {
    refuse("ex09", "does not go round", "no CPU named any");
    refuse("ex09", "the last watches none", "no CPU named any");
    refuse("ex09", "reports at each look", "and then CPU#63 named CPU#0");
    refuse("ex09", "ignores miss_thresh", "there were 2 reports");
    refuse("ex09", "misses add up", "healthy");
}
