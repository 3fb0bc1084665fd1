//! Readers of records: the console, the trace and the report. Each is a function of an [`Incident`](crate::Incident).

mod answers;
pub mod console;
mod detection;
pub mod diagnosis;
mod kallsyms;
pub mod report;
pub(crate) mod trace;
mod view;
