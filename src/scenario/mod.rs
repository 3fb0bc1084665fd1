//! Incidents to live through: each sets up a machine, its tasks and its notifiers.

pub mod nested_oops;
