//! What breaks programs: flags that nobody tried together, places that cannot be written, limits, signals, garbled
//! consoles, code that panics.
//!
//! Every case is seeded, and the same in every run; `SOFTLOCKUP_TORTURE=10` makes ten times as many. Nothing is timed: a
//! program that does not end is killed after minutes, and that is a failure.

#[path = "../common/random.rs"]
#[expect(dead_code, reason = "other tests make calls with it, too")]
mod random;

mod command_lines;
mod example;
#[cfg(target_os = "linux")]
mod host;
mod parts;

/// How many times as many cases as usual.
fn times() -> u64 {
    let times = std::env::var("SOFTLOCKUP_TORTURE").ok();
    times.map_or(1, |times| times.parse().expect("SOFTLOCKUP_TORTURE is a number"))
}
