//! The forms that real consoles have: one line for each, and what it says. `tests/dmesg.rs` reads whole logs.

mod damage;
mod dumps;
mod headlines;
mod loggers;
mod noise;
mod rcu;
mod registers;
mod size;

use softlockup::CpuId;
use softlockup::dmesg::{CpuList, Message, parse};

/// What a text says, in order.
fn says(text: &str) -> Vec<Message> {
    parse(text.as_bytes()).into_iter().map(|entry| entry.message).collect()
}

/// A text, whole and behind a stamp on each line, says this.
fn assert_says(text: &str, expected: &[Message]) {
    assert_eq!(says(text), expected, "{text}");
    let stamp = |line: &str| format!("[   12.345678][    C7] {line}\r\n");
    let stamped: String = text.lines().map(stamp).collect();
    assert_eq!(says(&stamped), expected, "{stamped}");
}

/// A text belongs to no class, line by line.
fn assert_unknown(text: &str) {
    let lines: Vec<_> = text.lines().map(|line| Message::Other(line.trim().to_owned())).collect();
    assert_eq!(says(text), lines);
}

fn list(cpus: &[u32]) -> CpuList {
    cpus.iter().copied().map(CpuId).collect()
}
