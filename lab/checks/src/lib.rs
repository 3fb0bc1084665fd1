//! What a learner's parts must do.

#[cfg(feature = "models")]
pub mod models;
