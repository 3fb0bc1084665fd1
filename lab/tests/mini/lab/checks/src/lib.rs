//! What all checks share: the report.

pub mod ex01;
pub mod ex02;

use std::env;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::panic::catch_unwind;

/// A check: its name, its tier, its rule, its points, and what it does.
pub struct Check {
    pub name: &'static str,
    pub tier: &'static str,
    pub rule: &'static str,
    pub points: u32,
    pub run: Box<dyn Fn() -> Result<(), String>>,
}

fn value(flag: &str) -> Option<String> {
    let mut args = env::args().skip_while(|arg| arg != flag);
    args.nth(1)
}

/// Runs checks and reports them.
pub fn main_of(exercise: &str, checks: Vec<Check>) {
    if env::args().any(|arg| arg == "--replay") {
        println!("yours | stock\nthe whole incident of {exercise}");
        return;
    }
    let path = value("--report").expect("--report FILE");
    let nonce = value("--nonce").expect("--nonce HEX");
    let only = value("--only");
    let mut report = OpenOptions::new().create(true).append(true).open(path).expect("the report");
    write(&mut report, &format!(r#"{{"line":"start","nonce":"{nonce}","exercise":"{exercise}","version":1}}"#));
    for check in checks.iter().filter(|check| only.as_deref().is_none_or(|only| only.split(',').any(|tier| tier == check.tier))) {
        let Check { name, tier, rule, points, run } = check;
        write(&mut report, &format!(r#"{{"line":"begin","check":"{name}","tier":"{tier}","rule":"{rule}","points":{points}}}"#));
        let outcome = catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<&str>().map(|text| text.to_string()).or_else(|| panic.downcast_ref::<String>().cloned());
            Err(format!("The code panicked: {}", text.unwrap_or_default()))
        });
        match outcome {
            Ok(()) => write(&mut report, &format!(r#"{{"line":"end","check":"{name}","status":"pass"}}"#)),
            Err(message) => {
                let message = message.replace(['"', '\\', '\n'], " ");
                write(&mut report, &format!(r#"{{"line":"end","check":"{name}","status":"fail","message":"{message}","detail":"CPU#0 | CPU#1"}}"#));
                break;
            }
        }
    }
    write(&mut report, &format!(r#"{{"line":"done","nonce":"{nonce}"}}"#));
}

fn write(report: &mut File, line: &str) {
    report.write_all(format!("{line}\n").as_bytes()).expect("the report");
}
