//! The model lane accepts right parts of many shapes, and refuses wrong ones for the right reason.
//!
//! No test depends on time: executions are counted. The two tests of the watcher need the thread's own time on a core.

mod call_queue;
mod csd_lock;
mod die_lock;
mod irq_state;
mod replays;
mod verdicts;
