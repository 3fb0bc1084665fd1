//! What RCU prints of a grace period that stays open.
//!
//! In Linux: `kernel/rcu/tree_stall.h`, `print_cpu_stall_info`, `print_other_cpu_stall`. Here it differs: counters that the
//! machine does not keep are 0.

use std::fmt;

use crate::cpumask::CpuId;
use crate::incident::console::{Console, Printer};
use crate::record::Event;
use crate::time::JIFFY_NS;
use crate::version::Kernel;

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
            Event::RcuStallAge { self_detected, age_ns, all_seen } => {
                let jiffies = age_ns / JIFFY_NS;
                let ncpus = match self.kernel {
                    Kernel::Arm64V4_19 => String::new(),
                    _ => format!(" ncpus={}", self.view.nr_cpus()),
                };
                match self_detected {
                    true => {
                        p.line(format_args!("rcu: \t(t={jiffies} jiffies g=0 q=0{ncpus})"))?;
                    }
                    false => p.line(format_args!(
                        "rcu: \t(detected by {cpu}, t={jiffies} jiffies, g=0, q=0{ncpus})"
                    ))?,
                }
                match all_seen {
                    true => p.line(format_args!("rcu: All QSes seen, root ->qsmask 0x0")),
                    false => Ok(()),
                }
            }
            Event::RcuKthreadStarved { on, for_ns } => {
                let jiffies = for_ns / JIFFY_NS;
                p.line(format_args!(
                    "rcu: {name} kthread starved for {jiffies} jiffies! g0 f0x0 RCU_GP_WAIT_FQS(5) \
                     ->state=0x0 ->cpu={on}"
                ))
            }
            Event::RcuKthreadLastRan => {
                p.line(format_args!("rcu: Stack dump where RCU GP kthread last ran:"))
            }
            _ => Ok(()),
        }
    }
}
