//! What CSD-lock debugging prints.
//!
//! In Linux: `kernel/smp.c`, `csd_lock_wait_toolong`.

use std::fmt;

use crate::cpumask::CpuId;
use crate::incident::console::kallsyms::Kallsyms;
use crate::incident::console::{Console, Printer};
use crate::record::Event;

impl Console {
    /// `csd_lock_wait_toolong`.
    pub(super) fn csd_debug(&self, p: &mut Printer<'_>, cpu: CpuId, event: &Event) -> fmt::Result {
        let symbols = Kallsyms(self.kernel);
        match *event {
            Event::CsdStall { number, on, first, waited_ns, ref func } => {
                let how = if first { "Detected" } else { "Continued" };
                let func = symbols.symbol(func);
                p.line(format_args!(
                    "smp: csd: {how} non-responsive CSD lock (#{number}) on CPU#{cpu}, waiting {waited_ns} ns \
                     for CPU#{:02} {func}(0x0).",
                    on.0
                ))
            }
            Event::CsdUnresponsive { number } => {
                p.line(format_args!("smp: \tcsd: CSD lock (#{number}) unresponsive."))
            }
            Event::CsdHandlingThis { number } => {
                p.line(format_args!("smp: \tcsd: CSD lock (#{number}) handling this request."))
            }
            Event::CsdHandlingPrior { number, ref func } => {
                let func = symbols.symbol(func);
                p.line(format_args!(
                    "smp: \tcsd: CSD lock (#{number}) handling prior {func}(0x0) request."
                ))
            }
            Event::CsdResend { number, to } => p.line(format_args!(
                "smp: csd: Re-sending CSD lock (#{number}) IPI from CPU#{:02} to CPU#{:02}",
                cpu.0, to.0
            )),
            Event::CsdUnstuck { number, on } => p.line(format_args!(
                "smp: csd: CSD lock (#{number}) got unstuck on CPU#{:02}, CPU#{:02} released the lock.",
                cpu.0, on.0
            )),
            _ => Ok(()),
        }
    }
}
