//! What a report shows of a CPU: its registers, where it is and how it got there.
//!
//! In Linux: `arch/arm64/kernel/process.c`, `show_regs`; `lib/dump_stack.c`, `dump_stack_print_info`;
//! `kernel/sched/core.c`, `dump_cpu_task`, `sched_show_task`.

use std::fmt;

use crate::config::console::PrintOrder;
use crate::cpumask::CpuId;
use crate::incident::console::kallsyms::Kallsyms;
use crate::incident::console::{Console, Printer};
use crate::incident::view::{CpuView, Regs};
use crate::version::Kernel;

/// What the GIC's priority mask is with interrupts off and on, where they are masked by priority (pseudo-NMIs).
const GIC_PRIO_IRQOFF: u32 = 0xc0;
const GIC_PRIO_IRQON: u32 = 0xe0;

/// The frames of `dump_stack` itself, the innermost first.
const DUMP_STACK: [&str; 4] = ["dump_backtrace", "show_stack", "dump_stack_lvl", "dump_stack"];

/// The modules of the machine: both are out-of-tree and unsigned, which taints it from the start.
const MODULES: &str = "kbox(OE) kpgen_kbox(OE)";

impl Console {
    /// The body of an oops report, in the order in which this kernel prints it.
    pub(super) fn show_oops(&self, p: &mut Printer<'_>, cpu: CpuId, view: &CpuView) -> fmt::Result {
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
    pub(super) fn dump_stack(
        &self,
        p: &mut Printer<'_>,
        cpu: CpuId,
        view: &CpuView,
    ) -> fmt::Result {
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

    /// `dump_cpu_task`, where the CPU cannot be asked.
    pub(super) fn task_dump(&self, p: &mut Printer<'_>, of: CpuId) -> fmt::Result {
        p.line(format_args!("Task dump for CPU {of}:"))?;
        self.sched_show_task(p, of)
    }

    /// `sched_show_task`, of the task that runs there: the kernel knows only where it was switched to.
    pub(super) fn sched_show_task(&self, p: &mut Printer<'_>, on: CpuId) -> fmt::Result {
        let CpuView { ref comm, pid, .. } = *self.view.cpu(on);
        if self.kernel == Kernel::Arm64V4_19 {
            return p.line(format_args!("{comm:<15} R  running task        0 {pid:5}"));
        }
        p.line(format_args!(
            "task:{comm:<15} state:R  running task     stack:0     pid:{pid:<5} ppid:2      flags:0x00000008"
        ))?;
        self.call_trace(p, &Regs { stack: vec!["__switch_to"], irqs_off: false })
    }

    pub(super) fn modules(&self, p: &mut Printer<'_>) -> fmt::Result {
        p.line(format_args!("Modules linked in: {MODULES}"))
    }

    /// `dump_stack_print_info`.
    pub(super) fn cpu_line(&self, p: &mut Printer<'_>, cpu: CpuId, view: &CpuView) -> fmt::Result {
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
    pub(super) fn show_regs(
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
    pub(super) fn pstate(&self, p: &mut Printer<'_>, regs: &Regs<'_>, waits: bool) -> fmt::Result {
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
    pub(super) fn registers(&self, p: &mut Printer<'_>, view: &CpuView) -> fmt::Result {
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

    pub(super) fn call_trace(&self, p: &mut Printer<'_>, regs: &Regs<'_>) -> fmt::Result {
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
