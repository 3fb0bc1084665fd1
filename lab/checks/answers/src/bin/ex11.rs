//! Grades `exercises/ex11_read_the_console`.

use std::process::ExitCode;

use checks::ex11::{self, ID};
use ex11_read_the_console::silent_cpu;

fn main() -> ExitCode {
    checks::grade::main_of(ID, ex11::checks(silent_cpu), || ex11::replayed(silent_cpu))
}
