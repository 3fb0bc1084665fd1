//! The atomics that parts are built on: `std`'s, or those of a model checker.
//!
//! A [part](crate::parts) that imports its atomics from here runs unchanged on the machine and under a model checker.
//! `crossbeam-utils` calls the same facade `primitive`.
//!
//! | built with | an atomic is | for |
//! |---|---|---|
//! | nothing | `std`'s | the machine |
//! | the feature `model` | `std`'s, or a number if a model is being checked on the thread that makes it | `lab/checks/`, where one build serves the machine and two model checkers |
//! | `--cfg loom` | loom's | `tests/loom.rs` |

#[cfg(all(feature = "model", not(loom)))]
mod model;

#[cfg(loom)]
pub use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
#[cfg(all(feature = "model", not(loom)))]
pub use model::{AtomicBool, AtomicU32, AtomicU64, Engine, Site, Update, fence, set_engine};
#[cfg(all(feature = "model", not(loom)))]
pub use std::sync::atomic::Ordering;
#[cfg(not(any(loom, feature = "model")))]
pub use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
