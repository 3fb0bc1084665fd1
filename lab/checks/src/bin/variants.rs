//! Grades the known answers, for `cargo lab verify`: `variants --list` names them, one JSON object a line, and
//! `variants EXERCISE NAME --report FILE --nonce HEX [--only contract,replay]` grades one of them.

use std::process::ExitCode;

use checks::grade;
use checks::variants::{Kind, Variant, all};
use serde_json::json;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next();
    if first.as_deref() == Some("--list") {
        all().iter().for_each(list);
        return ExitCode::SUCCESS;
    }
    let name = arguments.next();
    let wanted = |(exercise, answer): &(&str, Variant)| {
        Some(*exercise) == first.as_deref() && Some(answer.name) == name.as_deref()
    };
    let Some((exercise, Variant { checks, .. })) = all().into_iter().find(wanted) else {
        eprintln!("it takes --list, or the exercise and the name of one answer that --list names");
        return ExitCode::from(2);
    };
    grade::main_with(exercise, checks(), String::new, arguments.collect())
}

fn list(&(exercise, Variant { name, kind, hostile, .. }): &(&str, Variant)) {
    let (kind, by, words) = match kind {
        Kind::Solution => ("solution", "", &[][..]),
        Kind::Alternative => ("alternative", "", &[][..]),
        Kind::Mutant { by, words } => ("mutant", by, words),
    };
    let line = json!({"exercise": exercise, "name": name, "kind": kind, "refused_by": by, "words": words,
        "hostile": hostile});
    println!("{line}");
}
