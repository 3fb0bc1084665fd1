//! Known answers to ex01: the number.

use softlockup::KernelTime;
use softlockup::scenario::nested_oops::Before;

use crate::ex01::{Answer, checks};
use crate::variants::{Variant, right, solution, wrong};

mod number;
mod right;
mod window;

/// Solution, alternatives, mutants.
pub(super) const VARIANTS: &[&[Variant]] = &[right::VARIANTS, number::VARIANTS, window::VARIANTS];

const SOLUTION: Answer = {
    use ex01_read_the_number_solution::*;
    Answer { sample_period_ns, timestamp_units, printed_seconds, onset_window }
};
