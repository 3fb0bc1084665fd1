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
mod fault;
pub(crate) mod kallsyms;
mod rcu;
mod x86;

use std::fmt::{self, Write};

use crate::config::{Config, ConsoleTime, PrintOrder};
use crate::cpumask::{CpuId, CpuMask};
use crate::incident::Incident;
use crate::incident::console::kallsyms::Kallsyms;
use crate::incident::view::{CpuView, Regs, View};
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

/// Flags that say what already went wrong on this machine, in the kernel's order.
#[derive(Clone, Copy, Debug, Default)]
struct Taint {
    die: bool,
    warn: bool,
    soft_lockup: bool,
}

/// What the GIC's priority mask is with interrupts off and on, where they are masked by priority (pseudo-NMIs).
const GIC_PRIO_IRQOFF: u32 = 0xc0;
const GIC_PRIO_IRQON: u32 = 0xe0;

/// The exception class of a BRK instruction, which `BUG()` is.
const EC_BRK: u32 = 0x3c;

/// The frames of `dump_stack` itself, the innermost first.
const DUMP_STACK: [&str; 4] = ["dump_backtrace", "show_stack", "dump_stack_lvl", "dump_stack"];

/// The modules of the machine: both are out-of-tree and unsigned, which taints it from the start.
const MODULES: &str = "kbox(OE) kpgen_kbox(OE)";

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
        match record.event {
            Event::SoftLockup { .. } => self.taint.soft_lockup = true,
            Event::OopsEnd => self.taint.die = true,
            Event::Warn => self.taint.warn = true,
            _ => {}
        }
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

    /// The body of an oops report, in the order in which this kernel prints it.
    fn show_oops(&self, p: &mut Printer<'_>, cpu: CpuId, view: &CpuView) -> fmt::Result {
        let regs = view.regs();
        let process = format_args!(
            "Process {} (pid: {}, stack limit = 0x(____ptrval____))",
            view.comm, view.pid
        )
        .to_string();
        match (self.kernel, self.print_order) {
            (Kernel::Arm64V4_19, PrintOrder::Stock) => {
                self.modules(p)?;
                p.line(format_args!("{process}"))?;
                self.show_regs(p, cpu, view, &regs)?;
                fault_register(p, view)?;
            }
            (Kernel::Arm64V4_19, PrintOrder::Vendor) => {
                self.modules(p)?;
                self.show_regs(p, cpu, view, &regs)?;
                fault_register(p, view)?;
                p.line(format_args!("{process}"))?;
            }
            (Kernel::X86V6_1, _) => {
                self.show_regs(p, cpu, view, &regs)?;
                return self.modules(p);
            }
            (Kernel::Arm64V6_1 | Kernel::Arm64V6_12, _) => {
                self.modules(p)?;
                self.show_regs(p, cpu, view, &regs)?;
                fault_register(p, view)?;
            }
        }
        self.call_trace(p, &regs)?;
        let code = regs.stack.first().and_then(|func| Kallsyms(self.kernel).code(func));
        code.map_or(Ok(()), |code| p.line(format_args!("Code: {code}")))
    }

    /// `dump_stack`: the stack of what runs.
    fn dump_stack(&self, p: &mut Printer<'_>, cpu: CpuId, view: &CpuView) -> fmt::Result {
        self.cpu_line(p, cpu, view)?;
        if self.kernel.is_x86() {
            let mut stack = vec!["dump_stack_lvl"];
            stack.extend(view.stack());
            return p.show_trace_log_lvl(&Kallsyms(self.kernel).call_trace(&stack));
        }
        let mut stack = DUMP_STACK.to_vec();
        stack.extend(view.stack());
        self.call_trace(p, &Regs { stack, irqs_off: view.irqs_off() })
    }

    /// `dump_cpu_task`, `sched_show_task`. Of a task that runs the kernel knows only where it was switched to.
    fn task_dump(&self, p: &mut Printer<'_>, of: CpuId) -> fmt::Result {
        let CpuView { ref comm, pid, .. } = *self.view.cpu(of);
        p.line(format_args!("Task dump for CPU {of}:"))?;
        if self.kernel == Kernel::Arm64V4_19 {
            return p.line(format_args!("{comm:<15} R  running task        0 {pid:5}"));
        }
        p.line(format_args!(
            "task:{comm:<15} state:R  running task     stack:0     pid:{pid:<5} ppid:2      flags:0x00000008"
        ))?;
        self.call_trace(p, &Regs { stack: vec!["__switch_to"], irqs_off: false })
    }

    fn modules(&self, p: &mut Printer<'_>) -> fmt::Result {
        p.line(format_args!("Modules linked in: {MODULES}"))
    }

    /// `dump_stack_print_info`.
    fn cpu_line(&self, p: &mut Printer<'_>, cpu: CpuId, view: &CpuView) -> fmt::Result {
        let CpuView { ref comm, pid, .. } = *view;
        let release = self.kernel.release();
        let taint = self.taint.columns(self.kernel);
        match self.kernel {
            Kernel::Arm64V4_19 => p.line(format_args!(
                "CPU: {cpu} PID: {pid} Comm: {comm} Kdump: loaded Tainted: {taint} {release}"
            )),
            Kernel::Arm64V6_1 | Kernel::X86V6_1 => p.line(format_args!(
                "CPU: {cpu} PID: {pid} Comm: {comm} Tainted: {taint} {release}"
            )),
            Kernel::Arm64V6_12 => {
                p.line(format_args!(
                    "CPU: {cpu} UID: 0 PID: {pid} Comm: {comm} Tainted: {taint} {release} "
                ))?;
                p.line(format_args!("Tainted: {}", self.taint.names()))
            }
        }
    }

    /// `show_regs`.
    fn show_regs(
        &self,
        p: &mut Printer<'_>,
        cpu: CpuId,
        view: &CpuView,
        regs: &Regs<'_>,
    ) -> fmt::Result {
        if self.kernel.is_x86() {
            return self.show_regs_x86(p, cpu, view, regs);
        }
        self.cpu_line(p, cpu, view)?;
        self.pstate(p, regs, view.csd_wait().is_some())?;
        let symbols = Kallsyms(self.kernel);
        if let Some(pc) = symbols.call_trace(&regs.stack).first() {
            p.line(format_args!("pc : {pc}"))?;
        }
        if let Some(lr) = symbols.link_register(&regs.stack) {
            p.line(format_args!("lr : {lr}"))?;
        }
        if self.pseudo_nmi {
            let pmr = if regs.irqs_off { GIC_PRIO_IRQOFF } else { GIC_PRIO_IRQON };
            p.line(format_args!("pmr_save: {pmr:08x}"))?;
        }
        self.registers(p, view)
    }

    /// `daif` in lower case is the proof that interrupts were on; a capital `I` that they were off. The condition
    /// flags are those of the article's two dumps.
    fn pstate(&self, p: &mut Printer<'_>, regs: &Regs<'_>, waits: bool) -> fmt::Result {
        const PSR_I_BIT: u32 = 0x80;
        const PSR_MODE_EL1H: u32 = 0x5;
        let (nzcv, flags) = match waits && self.kernel == Kernel::Arm64V4_19 {
            true => (0x8000_0000, "Nzcv"),
            false => (0x6000_0000, "nZCv"),
        };
        // With pseudo-NMIs interrupts are masked by priority, and this bit is not set.
        let masked = regs.irqs_off && !self.pseudo_nmi;
        let (daif, bit) = if masked { ("daIf", PSR_I_BIT) } else { ("daif", 0) };
        let newer = match self.kernel {
            Kernel::Arm64V4_19 => "",
            Kernel::Arm64V6_1 | Kernel::Arm64V6_12 | Kernel::X86V6_1 => " -TCO -DIT -SSBS BTYPE=--",
        };
        let pstate = nzcv | bit | PSR_MODE_EL1H;
        p.line(format_args!("pstate: {pstate:08x} ({flags} {daif} -PAN -UAO{newer})"))
    }

    /// The registers that mean something here: for a waiter x1, the flags of its csd; and on 4.19 x0, the CPU whose
    /// answer it waits for, and x4, the mask of the CPUs it called. (On 6.12 x0 is a pointer, which the machine has not.)
    fn registers(&self, p: &mut Printer<'_>, view: &CpuView) -> fmt::Result {
        if let Some(wait) = view.csd_wait() {
            if self.kernel != Kernel::Arm64V4_19 {
                return p.line(format_args!("x1 : {:016x}", wait.flags));
            }
            if wait.mask != 0 {
                p.line(format_args!("x4 : {:016x}", wait.mask))?;
            }
            p.line(format_args!("x1 : {:016x} x0 : {:016x}", wait.flags, wait.on.0))?;
        }
        Ok(())
    }

    fn call_trace(&self, p: &mut Printer<'_>, regs: &Regs<'_>) -> fmt::Result {
        if self.kernel.is_x86() {
            return Ok(()); // part of `show_regs` there
        }
        p.line(format_args!("Call trace:"))?;
        let places = Kallsyms(self.kernel).call_trace(&regs.stack);
        places.iter().try_for_each(|place| p.line(format_args!(" {place}")))
    }
}

/// x1 held the pointer that led nowhere.
fn fault_register(p: &mut Printer<'_>, view: &CpuView) -> fmt::Result {
    view.fault.map_or(Ok(()), |fault| p.line(format_args!("x1 : {:016x}", fault.addr)))
}

impl Taint {
    /// The flags in the columns of `print_tainted`, a blank where one is not set.
    fn columns(self, kernel: Kernel) -> String {
        let set = |flag, letter| if flag { letter } else { ' ' };
        let (die, warn, lockup) =
            (set(self.die, 'D'), set(self.warn, 'W'), set(self.soft_lockup, 'L'));
        let columns = format!("G      {die} {warn}  OE{lockup}   ");
        match kernel {
            Kernel::Arm64V4_19 => columns,
            // One more flag since 6.0: `TAINT_TEST`.
            Kernel::Arm64V6_1 | Kernel::Arm64V6_12 | Kernel::X86V6_1 => columns + " ",
        }
    }

    /// The flags by name, as 6.x lists them.
    fn names(self) -> String {
        let flags = [
            (self.die, "[D]=DIE"),
            (self.warn, "[W]=WARN"),
            (true, "[O]=OOT_MODULE"),
            (true, "[E]=UNSIGNED_MODULE"),
            (self.soft_lockup, "[L]=SOFTLOCKUP"),
        ];
        let set: Vec<_> = flags.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect();
        set.join(", ")
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
