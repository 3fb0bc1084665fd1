//! Grades `exercises/ex04_die_lock`.

use std::process::ExitCode;

use checks::ex04::{self, ID};
use ex04_die_lock::MyDieLock;

fn main() -> ExitCode {
    checks::grade::main_of(ID, ex04::checks::<MyDieLock>(), ex04::replayed::<MyDieLock>)
}
