//! Grades `exercises/ex05_csd_lock`.

use std::process::ExitCode;

use checks::ex05::{self, ID};
use ex05_csd_lock::MyCsdLock;

fn main() -> ExitCode {
    checks::grade::main_of(ID, ex05::checks::<MyCsdLock>(), ex05::replayed::<MyCsdLock>)
}
