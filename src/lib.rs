//! Live through a real kernel incident on pinned OS threads, take it apart, measure it and mend it.
//!
//! An arm64 server hung: CPU 0 oopsed, a die notifier oopsed inside that oops, CPU 0 spun for ever on `die_lock` with
//! interrupts off; and then, one by one over minutes, other CPUs printed `soft lockup - CPU#35 stuck for 22s!`, every
//! stack in `smp_call_function_many`. This crate builds a small SMP machine out of threads, one per CPU, and lives
//! through that:
//!
//! ```
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
//! # Where to read what
//!
//! The file list is the syllabus; a reader who knows Linux guesses the file from the concept.
//!
//! - *Interrupts and preemption*: [`irq`], [`preempt`], [`Task`].
//! - *Calls between CPUs*: [`CsdLock`], [`CallQueue`], [`smp_call_function_many`].
//! - *Oopses*: [`Cpu::null_deref`], [`DieLock`], [`NotifierBlock`].
//! - *The watchdog*: [`get_timestamp`], [`LockupDetector`].
//! - *The machine around them*: [`Machine`], [`Config`], [`Clock`], [`Parts`].
//! - *What happened*: [`Record`], [`Incident`], [`read`].
//! - *What real kernels printed*: [`log`].
//! - *Trying a part without a machine*: [`FakeCpu`], [`contract`].
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

mod boot;
mod call_queue;
mod clock;
mod config;
pub mod contract;
mod cpu;
mod cpumask;
mod csd;
mod csd_debug;
mod csd_table;
mod deadline;
mod die;
mod die_lock;
mod fake_cpu;
mod fault;
mod flag;
pub mod hardlockup;
mod host;
mod incident;
pub mod irq;
mod lockup_detector;
pub mod log;
mod machine;
mod mailbox;
pub mod nmi;
mod notifier;
mod panic;
mod parts;
pub mod preempt;
mod random;
pub mod read;
mod record;
mod recorder;
pub mod scenario;
mod smp;
pub mod sync;
mod task;
mod this_cpu;
mod time;
mod version;
mod watchdog;

pub use call_queue::{CallQueue, CsdId, KernelCallQueue, Link, Links};
pub use clock::Clock;
pub use config::{
    Ablation, BringUp, Config, ConfigError, Detectors, LoseIpi, MAX_CPUS, MAX_WATCHDOG_THRESH_SECS,
    Sysctl,
};
pub use cpu::{Cpu, Frame};
pub use cpumask::{CpuId, CpuMask};
pub use csd::{CSD_FLAG_LOCK, CSD_FLAG_SYNCHRONOUS, CSD_TYPE_SYNC, CsdLock, KernelCsdLock};
pub use die::PrintOrder;
pub use die_lock::{AnyDieLock, Arm64DieLock, DieLock, NestingDieLock, X86DieLock};
pub use fake_cpu::{FakeCpu, Stuck};
pub use fault::{Access, MAX_NESTED_OOPSES};
pub use hardlockup::{BuddyRule, HardlockupVerdict, HardlockupWatch, is_hardlockup};
pub use incident::{Incident, LoadError};
pub use irq::Vector;
pub use lockup_detector::{
    AnyLockupDetector, CumulativeDetector, Heartbeat, LockupDetector, Pid, SampleContext, Verdict,
    WarnOnceDetector,
};
pub use machine::{HostReport, Machine, Run, RunError};
pub use mailbox::MailboxCallQueue;
pub use notifier::{NotifierBlock, Notify};
pub use parts::Parts;
pub use record::{Event, Record, Symbol};
pub use smp::{
    CallFunction, Wait, kick_all_cpus_sync, smp_call_function_many, smp_call_function_single,
};
pub use task::Task;
pub use this_cpu::ThisCpu;
pub use time::{
    KernelTime, NSEC_PER_SEC, NSEC_PER_TIMESTAMP_UNIT, get_timestamp, sample_period_ns,
    softlockup_thresh,
};
pub use version::KernelVersion;

/// Compiles and runs the README's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
