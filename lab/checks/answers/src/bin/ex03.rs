//! Grades `exercises/ex03_irq_flag`.

use std::process::ExitCode;

use checks::ex03::{self, ID};
use ex03_irq_flag::MyIrqState;

fn main() -> ExitCode {
    checks::grade::main_of(ID, ex03::checks::<MyIrqState>(), ex03::replayed::<MyIrqState>)
}
