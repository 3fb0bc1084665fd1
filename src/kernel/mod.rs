//! The kernel: one concept a file, named by Linux's word for it. What a concept remembers is in `state/`.
//!
//! | to read about | open |
//! |---|---|
//! | one CPU; what all CPUs share; what others see of one | [`cpu`], `shared`, `percpu` |
//! | interrupts: the flag, and what each vector runs | [`irq`], `entry` |
//! | preemption and the stopper | [`preempt`] |
//! | tasks, and how one dies | [`task`] |
//! | calling other CPUs, and waiting for them | [`smp`], [`csd`], `call_single_queue`, `mailbox` |
//! | a caller that waits too long | `csd_debug` |
//! | from a null pointer to an oops | [`fault`], `die`, [`notifier`] |
//! | giving up; stopping the others; switching off and restarting | `panic`, `stop`, `reboot` |
//! | soft lockups; a threshold that changes | `watchdog`, `heartbeat`, [`sysctl`] |
//! | printing, which takes time | `printk` |
//! | grace periods that stay open | `rcu`, `rcu_stall` |
//! | hard lockups, and asking a CPU what it does | [`hardlockup`], [`nmi`] |

pub(crate) mod call_single_queue;
pub mod cpu;
pub mod csd;
pub(crate) mod csd_debug;
pub(crate) mod die;
pub(crate) mod entry;
pub mod fault;
pub mod hardlockup;
pub(crate) mod heartbeat;
pub mod irq;
pub(crate) mod mailbox;
pub mod nmi;
pub mod notifier;
pub(crate) mod panic;
pub(crate) mod percpu;
pub mod preempt;
pub(crate) mod printk;
pub(crate) mod rcu;
pub(crate) mod rcu_stall;
pub(crate) mod reboot;
pub(crate) mod shared;
pub mod smp;
pub(crate) mod state;
pub(crate) mod stop;
pub mod sysctl;
pub mod task;
pub(crate) mod watchdog;
