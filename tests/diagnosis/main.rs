//! The reader's verdict: which CPU does not answer, and when a log cannot tell.
//!
//! It must never name a CPU that the log does not convict: on recorded consoles of real kernels, on consoles of every
//! scenario of the machine, whole and damaged, and on any bytes.

#[path = "../common/random.rs"]
#[expect(dead_code, reason = "these tests make no calls")]
mod random;

mod acquitted;
mod asked;
mod beginnings;
mod damage;
mod machine;
mod powerpc;
mod real;
mod rules;
