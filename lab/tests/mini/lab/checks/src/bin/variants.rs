//! Solutions, mutants and alternatives: `variants --list`, `variants EX NAME --report FILE --nonce HEX`.

use std::sync::atomic::{AtomicBool, Ordering};

const LIST: &str = r#"{"exercise":"ex01","name":"solution","kind":"solution"}
{"exercise":"ex01","name":"side_by_side","kind":"mutant","refused_by":"oracle::add::numbers","words":["2 and 2 are 4"]}
{"exercise":"ex01","name":"ends_early","kind":"mutant","refused_by":"oracle::add::nothing","words":["exit code 0"]}
{"exercise":"ex01","name":"by_counting","kind":"alternative"}
{"exercise":"ex02","name":"solution","kind":"solution"}
{"exercise":"ex02","name":"check_then_act","kind":"mutant","refused_by":"model::lock","words":["both got it"]}
{"exercise":"ex02","name":"compare_exchange","kind":"alternative"}"#;

fn side_by_side(one: u32, other: u32) -> u32 {
    format!("{one}{other}").parse().unwrap_or(0)
}

fn by_counting(one: u32, other: u32) -> u32 {
    (0..other).fold(one, |sum, _| sum + 1)
}

fn check_then_act(lock: &AtomicBool) -> bool {
    lock.store(true, Ordering::Release);
    true
}

fn compare_exchange(lock: &AtomicBool) -> bool {
    lock.compare_exchange(false, true, Ordering::AcqRel, Ordering::Relaxed).is_ok()
}

fn main() {
    let args: Vec<_> = std::env::args().collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let ex01: fn(u32, u32) -> u32 = match args[1..] {
        ["--list", ..] => return println!("{LIST}"),
        ["ex01", "solution", ..] => ex01_add_solution::add,
        ["ex01", "side_by_side", ..] => side_by_side,
        ["ex01", "ends_early", ..] => |_, _| std::process::exit(0),
        ["ex01", "by_counting", ..] => by_counting,
        ["ex02", name, ..] => {
            let answer: fn(&AtomicBool) -> bool = match name {
                "solution" => ex02_lock_solution::try_lock,
                "check_then_act" => check_then_act,
                _ => compare_exchange,
            };
            return checks::main_of("ex02", checks::ex02::checks(answer));
        }
        _ => panic!("which variant?"),
    };
    checks::main_of("ex01", checks::ex01::checks(ex01));
}
