//! The console of x86-64: what it prints otherwise than arm64.
//!
//! In Linux: `arch/x86/mm/fault.c`, `show_fault_oops`; `arch/x86/kernel/dumpstack.c`, `show_regs`, `__die_header`.

use std::fmt;

use crate::cpumask::CpuId;
use crate::incident::console::kallsyms::{Kallsyms, Place};
use crate::incident::console::{Console, Printer};
use crate::incident::view::{CpuView, Regs};

/// EFLAGS with interrupts on, and off: bit 9, beside the one that is always set.
const EFLAGS_IF: u32 = 0x202;
const EFLAGS_NO_IF: u32 = 0x002;

impl Printer<'_> {
    /// `show_trace_log_lvl`.
    pub(super) fn show_trace_log_lvl(&mut self, places: &[Place<'_>]) -> fmt::Result {
        self.line(format_args!("Call Trace:"))?;
        self.line(format_args!(" <TASK>"))?;
        places.iter().try_for_each(|place| self.line(format_args!(" {place}")))?;
        self.line(format_args!(" </TASK>"))
    }
}

impl Console {
    /// What the header of an oops calls it: by the exception that is being reported, the innermost one.
    pub(super) fn what_oopsed(view: &CpuView) -> &'static str {
        let stack = view.stack();
        match stack.iter().find(|func| func.starts_with("exc_")) {
            Some(&"exc_invalid_op") => "invalid opcode",
            _ => "Oops",
        }
    }

    /// `show_fault_oops`. The page tables are empty, so the walk ends at once.
    pub(super) fn show_fault_oops(
        &self,
        p: &mut Printer<'_>,
        addr: u64,
        write: bool,
    ) -> fmt::Result {
        let what = if addr < 4096 {
            "kernel NULL pointer dereference"
        } else {
            "unable to handle page fault"
        };
        let access = if write { "write" } else { "read" };
        let error_code = u32::from(write) << 1;
        p.line(format_args!("BUG: {what}, address: {addr:016x}"))?;
        p.line(format_args!("#PF: supervisor {access} access in kernel mode"))?;
        p.line(format_args!("#PF: error_code({error_code:#06x}) - not-present page"))?;
        p.line(format_args!("PGD 0 P4D 0 "))
    }

    /// `show_regs`, with the call trace but without registers that mean nothing here.
    pub(super) fn show_regs_x86(
        &self,
        p: &mut Printer<'_>,
        cpu: CpuId,
        view: &CpuView,
        regs: &Regs<'_>,
    ) -> fmt::Result {
        self.cpu_line(p, cpu, view)?;
        let eflags = if regs.irqs_off { EFLAGS_NO_IF } else { EFLAGS_IF };
        let places = Kallsyms(self.kernel).call_trace(&regs.stack);
        if let Some(rip) = places.first() {
            p.line(format_args!("RIP: 0010:{rip}"))?;
        }
        p.line(format_args!("RSP: 0018:0000000000000000 EFLAGS: {eflags:08x}"))?;
        // The function at RIP itself has no return address on the stack.
        p.show_trace_log_lvl(places.get(1..).unwrap_or_default())
    }
}
