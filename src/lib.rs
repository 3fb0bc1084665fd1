//! Live through a real kernel incident on pinned OS threads, take it apart, measure it and mend it.
//!
//! An arm64 server hung: CPU 0 oopsed, a die notifier oopsed inside that oops, CPU 0 spun for ever on `die_lock` with
//! interrupts off; and then, one by one over minutes, other CPUs printed `soft lockup - CPU#35 stuck for 22s!`, every
//! stack in `smp_call_function_many`. This crate builds a small SMP machine out of threads, one per CPU, and lives
//! through that:
//!
//! ```
//! use softlockup::Scenario;
//! use softlockup::scenario::nested_oops::NestedOops;
//!
//! let run = NestedOops::default().machine()?.run()?;
//! let report = run.incident.report();
//! let printed: Vec<_> =
//!     report.soft_lockups.iter().map(|lockup| (lockup.cpu.0, lockup.printed_seconds)).collect();
//! assert_eq!(printed, [(35, 22), (51, 22), (30, 22), (58, 23), (2, 22)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The [`cookbook`] has more: plug in a lock, read a console, write a scenario.
//!
//! # Where to read what
//!
//! | to | open |
//! |---|---|
//! | set up a machine and run it | [`config`], [`machine`] |
//! | live through an incident | [`scenario`] |
//! | plug in a part of your own | [`parts`] |
//! | write a task that runs on a CPU | [`kernel`]: the file list is the syllabus |
//! | read what happened | [`record`], [`incident`] |
//! | read what a real kernel printed | [`dmesg`] |
//! | let the machine live through what a log shows | [`replay`] |
//!
//! At the root stand the names that most programs need. Everything else has one public path.
//!
//! # What it does not do
//!
//! It executes no kernel code and measures no kernel: it is a model whose rules are Linux's. An interrupt is taken at
//! an *interruption point* ([`ThisCpu::relax`], the end of an IRQ-off section, the idle loop) and nowhere else. Tasks
//! run one after another on the CPU they were given to. Memory, files and scheduling classes do not exist.

#[cfg(panic = "abort")]
compile_error!(
    "softlockup halts CPUs and kills tasks by unwinding: build it with panic = \"unwind\""
);

pub mod config;
pub mod cookbook;
pub mod cpumask;
pub mod dmesg;
mod hardware;
mod host;
pub mod incident;
pub mod kernel;
pub mod machine;
pub mod parts;
mod random;
pub mod record;
mod recorder;
pub mod replay;
pub mod scenario;
pub mod sync;
pub mod time;
pub mod vector;
pub mod version;

pub use config::{Clock, Config};
pub use cpumask::CpuId;
pub use incident::Incident;
pub use kernel::cpu::Cpu;
pub use kernel::task::Task;
pub use machine::Machine;
pub use parts::Parts;
pub use parts::this_cpu::ThisCpu;
pub use record::{Event, Record};
pub use scenario::Scenario;
pub use time::KernelTime;
pub use version::Kernel;

/// Compiles and runs the README's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
