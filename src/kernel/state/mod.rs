//! What the kernel remembers: one file a concept, named like the file with the code that uses it. (`bit_lock.rs`,
//! `flag.rs` and `standstill.rs` are tools for several of them.)
//!
//! Each file says at its head which CPU writes what, which CPU reads it, and in which order. What only its own CPU sees
//! is a `Cell`; what others see is an atomic. (What the host must know of a CPU's thread is in `percpu.rs`; the csds'
//! fields are in `csd.rs`; halting is in `shared.rs`.)
//!
//! In Linux: per-CPU variables (`DEFINE_PER_CPU`) and the globals at the head of each `.c` file.

pub(crate) mod bit_lock;
pub(crate) mod csd_debug;
pub(crate) mod die;
pub(crate) mod flag;
pub(crate) mod hardlockup;
pub(crate) mod heartbeat;
pub(crate) mod nmi;
pub(crate) mod panic;
pub(crate) mod preempt;
pub(crate) mod printk;
pub(crate) mod rcu;
pub(crate) mod smp;
pub(crate) mod standstill;
pub(crate) mod task;
pub(crate) mod watchdog;
