//! Grades `exercises/ex08_time_out`.

use std::process::ExitCode;

use checks::ex08::{self, ID};
use ex08_time_out::MyStallDetector;

fn main() -> ExitCode {
    checks::grade::main_of(ID, ex08::checks::<MyStallDetector>(), ex08::replayed::<MyStallDetector>)
}
