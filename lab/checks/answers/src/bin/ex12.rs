//! Grades `exercises/ex12_make_it_reboot`.

use std::process::ExitCode;

use checks::ex12::{self, ID};
use ex12_make_it_reboot::{MyDieChain, MyDieLock};

fn main() -> ExitCode {
    checks::grade::main_of(
        ID,
        ex12::checks::<MyDieLock, MyDieChain>(),
        ex12::replayed::<MyDieLock, MyDieChain>,
    )
}
