//! Every known answer goes through the checks of its exercise: solutions and alternatives pass, and each mutant is refused
//! by the check that is to refuse it, in words that teach.
//!
//! Answers that end their process are left to `cargo lab verify`. Without the feature `models`, mutants that only a model
//! refuses are left out. `VARIANTS=ex04` runs one exercise, and prints what each mutant's author reads; `VARIANTS=all` prints all.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};

use checks::mistakes;
use checks::variants::{Kind, Variant, all};

#[test]
fn each_known_answer_is_judged_as_it_must_be() {
    let only = std::env::var("VARIANTS").ok();
    panic::set_hook(Box::new(|_| {})); // mutants panic
    let asked = |(exercise, answer): &(&str, Variant)| {
        only.as_ref().is_none_or(|only| only == "all" || only == exercise) && !answer.hostile
    };
    let mut said = String::new();
    let judge_it = |(exercise, answer)| judge(exercise, answer, only.is_some(), &mut said).err();
    let wrong: Vec<String> = all().into_iter().filter(asked).filter_map(judge_it).collect();
    drop(panic::take_hook());
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    if only.is_none_or(|only| only == "all") {
        let unheard = |(check, name): &(&str, &str)| {
            !said.contains(name) && (cfg!(feature = "models") || !check.starts_with("model"))
        };
        let unheard: Vec<_> = mistakes::all().filter(unheard).collect();
        assert!(unheard.is_empty(), "no known answer makes these mistakes: {unheard:#?}");
    }
}

/// What the first check says that refuses `answer`.
fn refused(answer: &Variant) -> Option<(&'static str, String)> {
    (answer.checks)().into_iter().find_map(|check| {
        let id = check.id;
        let message = match panic::catch_unwind(AssertUnwindSafe(|| check.run())) {
            Ok(end) => end.err().map(|it| with_mistake(it.message, it.mistake))?,
            Err(payload) => told(&*payload),
        };
        Some((id, message))
    })
}

fn with_mistake(message: String, mistake: Option<&str>) -> String {
    mistake
        .map_or(message.clone(), |name| format!("{message}\n    This mistake has a name: {name}"))
}

/// What `lab` makes of a panic that ends the process.
fn told(payload: &(dyn Any + Send)) -> String {
    let owned = payload.downcast_ref::<String>().map(String::as_str);
    let message = owned.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or_default();
    match message.strip_prefix("not yet implemented") {
        Some(what) => format!("it is not written yet{what}"),
        None => format!("the code panicked: {message}"),
    }
}

fn judge(exercise: &str, answer: Variant, show: bool, said: &mut String) -> Result<(), String> {
    let Variant { name, kind, .. } = answer;
    let refused = refused(&answer);
    *said += refused.as_ref().map_or("", |(_, message)| message);
    if let (true, Some((id, message))) = (show, &refused) {
        println!("{exercise} {name}\n    {id}\n    {message}");
    }
    match (kind, refused) {
        (Kind::Solution | Kind::Alternative, None) => Ok(()),
        (Kind::Mutant { by, .. }, None) if by.starts_with("model") && !cfg!(feature = "models") => {
            Ok(())
        }
        (Kind::Mutant { by, .. }, None) => {
            Err(format!("{exercise} {name}: passes, and {by} was to refuse it"))
        }
        (Kind::Solution | Kind::Alternative, Some((id, message))) => {
            Err(format!("{exercise} {name}: is right, and {id} refuses it: {message}"))
        }
        (Kind::Mutant { by, words }, Some((id, message))) => {
            let unsaid: Vec<_> = words.iter().filter(|word| !message.contains(**word)).collect();
            match (id.starts_with(by), unsaid.is_empty()) {
                (false, _) => {
                    Err(format!("{exercise} {name}: {id} refuses it, and not {by}: {message}"))
                }
                (true, false) => {
                    Err(format!("{exercise} {name}: {unsaid:?} are missing in: {message}"))
                }
                (true, true) => Ok(()),
            }
        }
    }
}

#[test]
fn each_exercise_has_enough_known_answers() {
    for exercise in [
        "ex01", "ex02", "ex03", "ex04", "ex05", "ex06", "ex07", "ex08", "ex09", "ex10", "ex11",
        "ex12",
    ] {
        let kinds: Vec<Kind> =
            all().into_iter().filter(|it| it.0 == exercise).map(|it| it.1.kind).collect();
        let of = |wanted: fn(&Kind) -> bool| kinds.iter().filter(|kind| wanted(kind)).count();
        assert_eq!(of(|kind| *kind == Kind::Solution), 1, "{exercise}");
        assert!(of(|kind| *kind == Kind::Alternative) >= 3, "{exercise}");
        let mutants = if ["ex01", "ex08", "ex11"].contains(&exercise) { 6 } else { 10 };
        assert!(of(|kind| matches!(kind, Kind::Mutant { .. })) >= mutants, "{exercise}");
    }
}

#[test]
fn no_two_answers_to_an_exercise_have_the_same_name() {
    let mut names: Vec<_> = all().into_iter().map(|(exercise, it)| (exercise, it.name)).collect();
    names.sort_unstable();
    let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
fn a_mistake_is_named_by_its_check_and_its_words_and_by_nothing_less() {
    let message = "`wait` with the flags 0x3 came back too early, after 0 looks";
    let name = mistakes::name("contract::csd_lock::wait", message);
    assert!(name.unwrap().starts_with("`==` for `&`"));
    assert_eq!(mistakes::name("contract::call_queue::takes_in_order", message), None);
    assert_eq!(mistakes::name("contract::csd_lock::wait", "locking a free csd gave 1"), None);
}
