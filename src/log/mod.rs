//! Readers of text that kernels print. What they return can be compared with what the machine here prints.

pub mod dmesg;
mod headline;
mod prefix;
mod reader;
mod scan;
mod state;
