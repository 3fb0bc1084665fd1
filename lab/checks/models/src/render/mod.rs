//! A counterexample as a learner reads it: a column for each CPU, and one sentence.

pub(crate) mod columns;
pub(crate) mod rows;
pub(crate) mod source;
pub(crate) mod why;
