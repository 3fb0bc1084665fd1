//! Grades `exercises/ex09_buddy`.

use std::process::ExitCode;

use checks::ex09::{self, ID};
use ex09_buddy::MyBuddy;

fn main() -> ExitCode {
    checks::grade::main_of(ID, ex09::checks::<MyBuddy>(), ex09::replayed::<MyBuddy>)
}
