//! The atomics that parts are built on: `std`'s, or loom's when the crate is compiled with `--cfg loom`.
//!
//! A [part](crate::parts) that imports its atomics from here runs unchanged on the machine and under the model checker.
//! `crossbeam-utils` calls the same facade `primitive`.

#[cfg(loom)]
pub use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
#[cfg(not(loom))]
pub use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
