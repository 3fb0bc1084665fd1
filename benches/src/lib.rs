//! What the benchmarks share.

pub mod broadcast;
pub mod contenders;
pub mod cost;
pub mod ideal;
pub mod locks;
pub mod random;
pub mod report;
pub mod seen;
pub mod stuck;
pub mod threads;

/// Whether criterion runs each benchmark once and measures nothing: unless `cargo bench` started it.
pub fn is_test() -> bool {
    !is_given("--bench") || is_given("--test")
}

/// Whether `flag` is on the command line.
pub fn is_given(flag: &str) -> bool {
    std::env::args().any(|arg| arg == flag)
}
