//! Grades `exercises/ex02_heartbeat`.

use std::process::ExitCode;

use checks::ex02::{self, ID};
use ex02_heartbeat::MyDetector;

fn main() -> ExitCode {
    checks::grade::main_of(ID, ex02::checks::<MyDetector>(), ex02::replayed::<MyDetector>)
}
