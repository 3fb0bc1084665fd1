//! Grades `exercises/ex07_call_many`.

use std::process::ExitCode;

use checks::ex07::{self, ID};
use ex07_call_many::MyCallMany;

fn main() -> ExitCode {
    checks::grade::main_of(ID, ex07::checks::<MyCallMany>(), ex07::replayed::<MyCallMany>)
}
