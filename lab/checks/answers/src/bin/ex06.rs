//! Grades `exercises/ex06_call_queue`.

use std::process::ExitCode;

use checks::ex06::{self, ID};
use ex06_call_queue::MyCallQueue;

fn main() -> ExitCode {
    checks::grade::main_of(ID, ex06::checks::<MyCallQueue>(), ex06::replayed::<MyCallQueue>)
}
