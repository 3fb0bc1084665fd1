//! Grades `exercises/ex01_read_the_number`.

use std::process::ExitCode;

use checks::ex01::{self, Answer, ID};
use ex01_read_the_number::{onset_window, printed_seconds, sample_period_ns, timestamp_units};

const ANSWER: Answer = Answer { sample_period_ns, timestamp_units, printed_seconds, onset_window };

fn main() -> ExitCode {
    checks::grade::main_of(ID, ex01::checks(ANSWER), || ex01::replayed(ANSWER))
}
