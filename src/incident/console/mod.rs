//! The console: what a serial line would have shown, in the kernel's exact shape.
//!
//! What a line says about the incident comes from records. Where a real line carries something the machine does not
//! have (an address, a register that means nothing here), it is left out; or it is 0, as offsets and page tables are;
//! or it says what the kernel says when it will not show a pointer: `(____ptrval____)`. Constants of the article's
//! console, such as condition flags and instruction words, are marked where they stand.
//!
//! In Linux: `kernel/watchdog.c`, `arch/arm64/kernel/{traps,process}.c`, `arch/arm64/mm/fault.c`, `kernel/panic.c`,
//! `lib/dump_stack.c`. Here it differs: the text is made after the fact; printing takes time only with
//! [`Config::console_time`].

mod csd;
mod dump;
mod fault;
pub(crate) mod kallsyms;
mod rcu;
mod taint;
mod x86;

use std::fmt::{self, Write};

use crate::config::Config;
use crate::config::console::{ConsoleTime, PrintOrder};
use crate::cpumask::CpuMask;
use crate::incident::Incident;
use crate::incident::console::kallsyms::Kallsyms;
use crate::incident::console::taint::Taint;
use crate::incident::view::{Regs, View};
use crate::record::{Event, Record};
use crate::time::KernelTime;
use crate::version::Kernel;

impl Incident {
    /// The text that a serial line would have shown.
    pub fn console(&self) -> String {
        let mut console = Console::new(&self.config);
        let mut text = String::new();
        for record in &self.records {
            console.print(record, &mut text);
        }
        text
    }
}

/// Prints records one after another; feed it all of them, in order.
#[derive(Debug)]
pub struct Console {
    kernel: Kernel,
    print_order: PrintOrder,
    pseudo_nmi: bool,
    console_time: Option<ConsoleTime>,
    view: View,
    taint: Taint,
}

/// The exception class of a BRK instruction, which `BUG()` is.
const EC_BRK: u32 = 0x3c;

impl Console {
    /// The console of a machine.
    pub fn new(config: &Config) -> Self {
        Console {
            kernel: config.kernel,
            print_order: config.print_order,
            pseudo_nmi: config.pseudo_nmi,
            console_time: config.console_time,
            view: View::new(config),
            taint: Taint::default(),
        }
    }

    /// Appends the lines that `record` prints, if any, to `out`.
    pub fn print(&mut self, record: &Record, out: &mut String) {
        self.view.apply(record);
        let mut printer = Printer { time: record.time, console_time: self.console_time, out };
        // Writing to a `String` cannot fail.
        _ = self.print_event(record, &mut printer);
        self.taint.add(record);
    }

    fn print_event(&self, record: &Record, p: &mut Printer<'_>) -> fmt::Result {
        let &Record { cpu, ref event, .. } = record;
        let view = self.view.cpu(cpu);
        let (comm, pid) = (&view.comm, view.pid);
        match *event {
            Event::Fault { addr, write, .. } if self.kernel.is_x86() => {
                self.show_fault_oops(p, addr, write)
            }
            Event::Fault { addr, write, esr } => self.unable_to_handle(p, addr, write, esr),
            Event::Oops { count, esr } if self.kernel.is_x86() => {
                let what = Self::what_oopsed(view);
                p.line(format_args!("{what}: {esr:04x} [#{count}] PREEMPT SMP NOPTI"))
            }
            Event::Oops { count, esr } => {
                let width = match self.kernel {
                    Kernel::Arm64V4_19 => 8,
                    Kernel::Arm64V6_1 | Kernel::Arm64V6_12 | Kernel::X86V6_1 => 16,
                };
                let what = if esr >> 26 == EC_BRK { "Oops - BUG" } else { "Oops" };
                p.line(format_args!("Internal error: {what}: {esr:0width$x} [#{count}] SMP"))
            }
            Event::ShowRegs => self.show_oops(p, cpu, view),
            Event::OopsEnd => p.line(format_args!("---[ end trace {:016x} ]---", 0)),
            Event::DoExit { irqs_off, preempt_count } => {
                if irqs_off && self.kernel != Kernel::Arm64V4_19 {
                    p.line(format_args!("note: {comm}[{pid}] exited with irqs disabled"))?;
                }
                if preempt_count != 0 {
                    let count = preempt_count;
                    p.line(format_args!("note: {comm}[{pid}] exited with preempt_count {count}"))?;
                }
                Ok(())
            }
            Event::Printk { ref text } => p.line(format_args!("{text}")),
            Event::SoftLockup { printed } => {
                p.line(format_args!(
                    "watchdog: BUG: soft lockup - CPU#{cpu} stuck for {printed}s! [{comm}:{pid}]"
                ))?;
                self.modules(p)?;
                self.show_regs(p, cpu, view, &view.regs())?;
                self.call_trace(p, &view.regs())
            }
            Event::Warn => {
                p.line(format_args!("------------[ cut here ]------------"))?;
                let stack = view.stack();
                let places = Kallsyms(self.kernel).call_trace(&stack);
                if let Some(place) = places.first() {
                    p.line(format_args!(
                        "WARNING: CPU: {cpu} PID: {pid} at kernel/smp.c:0 {place}"
                    ))?;
                }
                self.modules(p)?;
                let regs = Regs { stack, irqs_off: view.irqs_off() };
                self.show_regs(p, cpu, view, &regs)?;
                self.call_trace(p, &regs)?;
                p.line(format_args!("---[ end trace {:016x} ]---", 0))
            }
            Event::ShowIrqRegs => {
                self.show_regs(p, cpu, view, &view.regs())?;
                self.call_trace(p, &view.regs())
            }
            ref rcu @ (Event::RcuStall { .. }
            | Event::RcuStallCpu { .. }
            | Event::RcuStallAge { .. }
            | Event::RcuAllSeen { .. }
            | Event::RcuKthreadStarved { .. }
            | Event::RcuKthreadLastRan) => self.rcu_stall(p, cpu, rcu),
            Event::Backtrace if view.pid == 0 => {
                let idle = if self.kernel.is_x86() { "default_idle" } else { "default_idle_call" };
                let place = Kallsyms(self.kernel).symbol(idle);
                p.line(format_args!("NMI backtrace for cpu {cpu} skipped: idling at {place}"))
            }
            Event::Backtrace => {
                p.line(format_args!("NMI backtrace for cpu {cpu}"))?;
                self.show_regs(p, cpu, view, &view.regs())?;
                self.call_trace(p, &view.regs())
            }
            Event::HardLockup { cpu: named } => {
                p.line(format_args!("watchdog: Watchdog detected hard LOCKUP on cpu {named}"))?;
                self.modules(p)?;
                if named == cpu {
                    self.show_regs(p, cpu, view, &view.regs())?;
                    self.call_trace(p, &view.regs())?;
                }
                Ok(())
            }
            Event::BacktraceRequest { of } => {
                p.line(format_args!("Sending NMI from CPU {cpu} to CPUs {of}:"))
            }
            Event::BacktraceRequests { ref of } => {
                let list = CpuMask::of(of);
                p.line(format_args!("Sending NMI from CPU {cpu} to CPUs {list}:"))
            }
            Event::OwnBacktrace => {
                p.line(format_args!("NMI backtrace for cpu {cpu}"))?;
                self.dump_stack(p, cpu, view)
            }
            Event::TaskDump { of } => self.task_dump(p, of),
            Event::DumpStack => self.dump_stack(p, cpu, view),
            Event::Bug => {
                p.line(format_args!("------------[ cut here ]------------"))?;
                p.line(format_args!("kernel BUG at kernel/smp.c:0!"))
            }
            Event::Panic { ref reason } => {
                p.line(format_args!("Kernel panic - not syncing: {reason}"))
            }
            Event::RetryStop { .. } if self.kernel.is_x86() => {
                p.line(format_args!("Shutting down cpus with NMI"))
            }
            Event::StoppingCpus | Event::FailedToStop { .. } if self.kernel.is_x86() => {
                Ok(()) // `native_stop_other_cpus` says nothing else
            }
            Event::StoppingCpus => p.line(format_args!("SMP: stopping secondary CPUs")),
            Event::RetryStop { ref cpus } => {
                p.line(format_args!("SMP: retry stop with NMI for CPUs {cpus}"))
            }
            Event::FailedToStop { ref cpus } => {
                p.line(format_args!("SMP: failed to stop secondary CPUs {cpus}"))
            }
            Event::PanicEnd { ref reason } => {
                p.line(format_args!("---[ end Kernel panic - not syncing: {reason} ]---"))
            }
            Event::RebootingIn { secs } => p.line(format_args!("Rebooting in {secs} seconds..")),
            Event::Restart => p.line(format_args!("reboot: Restarting system")),
            Event::PowerOff => p.line(format_args!("reboot: Power down")),
            ref csd => self.csd_debug(p, cpu, csd),
        }
    }
}

/// Stamps lines as printk does.
struct Printer<'a> {
    time: KernelTime,
    /// Whether each line's stamp is later than the one before, by the time that took.
    console_time: Option<ConsoleTime>,
    out: &'a mut String,
}

impl Printer<'_> {
    fn line(&mut self, text: fmt::Arguments<'_>) -> fmt::Result {
        let before = self.out.len();
        writeln!(self.out, "[{:>12}] {text}", self.time)?;
        if let Some(speed) = self.console_time {
            self.time = self.time + speed.duration_ns(self.out.len() - before + 1);
        }
        Ok(())
    }
}
