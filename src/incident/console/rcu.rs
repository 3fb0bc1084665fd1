//! What RCU prints of a grace period that stays open.
//!
//! In Linux: `kernel/rcu/tree_stall.h`, `print_cpu_stall_info`, `print_other_cpu_stall`,
//! `rcu_check_gp_kthread_starvation`; 4.19 to 6.12. Here it differs: counters that the machine does not keep are 0, and the
//! kernel thread has no stack to show.

use std::fmt;

use crate::cpumask::CpuId;
use crate::incident::console::{Console, Printer};
use crate::record::Event;
use crate::time::{JIFFY_NS, NSEC_PER_SEC};
use crate::version::Kernel;

/// What `jiffies` is at boot: five minutes before its lower half wraps.
const INITIAL_JIFFIES: u64 = (1 << 32) - 300 * NSEC_PER_SEC / JIFFY_NS;

/// For so many CPUs RCU's thread waits one jiffy longer before it looks again. In Linux: `kernel/rcu/tree.c`, `rcu_init`.
const RCU_JIFFIES_FQS_DIV: usize = 256;

impl Console {
    /// `print_cpu_stall`, `print_other_cpu_stall`.
    pub(super) fn rcu_stall(&self, p: &mut Printer<'_>, cpu: CpuId, event: &Event) -> fmt::Result {
        let name = self.kernel.rcu_name();
        match *event {
            Event::RcuStall { self_detected: true } => {
                p.line(format_args!("rcu: INFO: {name} self-detected stall on CPU"))
            }
            Event::RcuStall { self_detected: false } => {
                p.line(format_args!("rcu: INFO: {name} detected stalls on CPUs/tasks:"))
            }
            Event::RcuStallCpu { on, age_ns } => {
                let began = p.time - age_ns;
                let dark_since = self.view.cpu(on).irqs_off_since.filter(|_| on != cpu);
                let until = dark_since.unwrap_or(p.time);
                let ticks = until.ns_since(began) / JIFFY_NS;
                // An irq_work that the CPU has not run yet, if it takes no interrupts.
                let irq_work = if dark_since.is_some() { '0' } else { '.' };
                p.line(format_args!(
                    "rcu: \t{on}-...{irq_work}: ({ticks} ticks this GP) idle=0000/1/0x0 softirq=0/0 fqs=0 "
                ))
            }
            Event::RcuStallAge { self_detected, age_ns } => {
                let jiffies = age_ns / JIFFY_NS;
                let ncpus = match self.kernel {
                    Kernel::Arm64V4_19 => String::new(),
                    _ => format!(" ncpus={}", self.view.nr_cpus()),
                };
                match self_detected {
                    true => p.line(format_args!("rcu: \t(t={jiffies} jiffies g=0 q=0{ncpus})")),
                    false => p.line(format_args!(
                        "rcu: \t(detected by {cpu}, t={jiffies} jiffies, g=0, q=0{ncpus})"
                    )),
                }
            }
            Event::RcuAllSeen { idle_ns } => {
                let now = INITIAL_JIFFIES + p.time.ns() / JIFFY_NS;
                let idle = idle_ns / JIFFY_NS;
                let active = now - idle;
                let next_fqs = 1 + self.view.nr_cpus() / RCU_JIFFIES_FQS_DIV;
                p.line(format_args!(
                    "rcu: All QSes seen, last {name} kthread activity {idle} ({now}-{active}), \
                     jiffies_till_next_fqs={next_fqs}, root ->qsmask 0x0"
                ))?;
                match self.kernel {
                    Kernel::Arm64V4_19 => self.sched_show_task(p, cpu), // it might be at fault
                    Kernel::Arm64V6_1 | Kernel::Arm64V6_12 | Kernel::X86V6_1 => Ok(()),
                }
            }
            Event::RcuKthreadStarved { on, for_ns } => {
                let jiffies = for_ns / JIFFY_NS;
                p.line(format_args!(
                    "rcu: {name} kthread starved for {jiffies} jiffies! g0 f0x0 RCU_GP_WAIT_FQS(5) \
                     ->state=0x0 ->cpu={on}"
                ))?;
                match self.kernel {
                    Kernel::Arm64V4_19 => Ok(()),
                    Kernel::Arm64V6_1 | Kernel::Arm64V6_12 | Kernel::X86V6_1 => p.line(format_args!(
                        "rcu: \tUnless {name} kthread gets sufficient CPU time, OOM is now expected behavior."
                    )),
                }
            }
            Event::RcuKthreadLastRan => {
                p.line(format_args!("rcu: Stack dump where RCU GP kthread last ran:"))
            }
            _ => Ok(()),
        }
    }
}
