//! Grades `exercises/ex10_whose_fault`.

use std::process::ExitCode;

use checks::ex10::{self, ID};
use ex10_whose_fault::diagnose;

fn main() -> ExitCode {
    checks::grade::main_of(ID, ex10::checks(diagnose), || ex10::replayed(diagnose))
}
