//! What a CPU was doing when it was dumped: its live context, and the class of that.
//!
//! A trace shows more than one context if an interrupt came in. What the interrupt runs is the live one; what it
//! interrupted is older. A trace that a handler prints of its own CPU begins with the printing itself: there the
//! context below the interrupt is the one that a reader wants.
//!
//! In Linux: `kernel/smp.c`, `kernel/stop_machine.c`, `kernel/locking/`, `kernel/sched/idle.c`, and the entry code of
//! each architecture.

use serde::Serialize;

/// What a CPU's innermost functions say that it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Class {
    /// It has nothing to do.
    Idle,
    /// It waits for all others to arrive, as in `multi_cpu_stop` or `mce_start`.
    Rendezvous,
    /// It waits for a lock. The trace does not say who holds it.
    Lock,
    /// It waits for other CPUs to answer a call.
    Waiter,
    /// Anything else: it runs.
    Loop,
}

impl Class {
    /// Whether other CPUs keep it waiting, and must answer or arrive.
    pub(super) fn waits(self) -> bool {
        matches!(self, Class::Waiter | Class::Rendezvous)
    }
}

/// The functions of one context, the innermost first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Context {
    pub(super) frames: Vec<String>,
    /// It is the context of an interrupt's handler.
    pub(super) in_interrupt: bool,
    /// The trace was printed in an NMI.
    pub(super) in_nmi: bool,
}

/// More functions than any rule looks at.
const MOST_FRAMES: usize = 48;

/// So many functions may stand between the innermost one and the one that says what the CPU waits for.
const NEAR: usize = 3;

/// Loops that wait for a lock or for all others call many things: so far out stands the function that says so. What waits
/// for an answer may also run the called function itself, so that one has to be near.
const FAR: usize = 10;

/// Where an interrupt comes in.
const INTERRUPTS: [&str; 18] = [
    "el1_irq",
    "el0_irq",
    "el1h_64_irq",
    "el1t_64_irq",
    "el0t_64_irq",
    "__irq_svc",
    "__irq_usr",
    "asm_common_interrupt",
    "common_interrupt",
    "ret_from_intr",
    "apic_timer_interrupt",
    "call_function_interrupt",
    "call_function_single_interrupt",
    "reschedule_interrupt",
    "handle_IPI",
    "ret_from_exception",
    "ext_int_handler",
    "hardware_interrupt_common_virt",
];

/// Where an NMI comes in.
const NMIS: [&str; 4] = ["asm_exc_nmi", "end_repeat_nmi", "nmi", "system_reset_common"];

/// What prints a CPU's own stack.
const PRINTERS: [&str; 8] = [
    "dump_stack",
    "dump_stack_lvl",
    "__dump_stack",
    "show_stack",
    "dump_backtrace",
    "dump_cpu_task",
    "nmi_cpu_backtrace",
    "sched_show_task",
];

/// What a CPU that waits calls between two looks.
const HELPERS: [&str; 12] = [
    "__cmpwait_case_32",
    "__cmpwait_case_64",
    "arch_counter_get_cntvct",
    "sched_clock",
    "sched_clock_noinstr",
    "sched_clock_cpu",
    "ktime_get_mono_fast_ns",
    "__delay",
    "delay_tsc",
    "cpu_relax",
    "rep_nop",
    "native_pause",
];

fn is_interrupt(frame: &str) -> bool {
    INTERRUPTS.contains(&frame) || frame.starts_with("asm_sysvec_") || frame.starts_with("sysvec_")
}

/// The live context of a trace: what runs, or, if the trace begins with the printing of it, what that interrupted.
/// `interrupts` are the places that the trace itself marks.
pub(super) fn live(pc: Option<&str>, frames: &[String], interrupts: &[usize]) -> Context {
    // The NMI in which a CPU dumps itself is no context of its own.
    let nmi = frames.iter().take(MOST_FRAMES).rposition(|frame| NMIS.contains(&frame.as_str()));
    let start = nmi.map_or(0, |at| at + 1);
    let is_end =
        |at: &usize| *at > start && (interrupts.contains(at) || is_interrupt(&frames[*at - 1]));
    let ends: Vec<usize> = (start + 1..=frames.len()).filter(is_end).collect();
    let first = ends.first().copied().unwrap_or(frames.len());
    let prints = |frames: &[String]| frames.iter().any(|frame| PRINTERS.contains(&frame.as_str()));
    let waits = |frames: &[String]| frames.iter().any(|frame| is_wait(frame));
    let (from, to) = match ends[..] {
        // `dump_stack` in a handler of the timer: RCU's, or the watchdog's.
        [first, ref rest @ ..]
            if prints(&frames[start..first]) && !waits(&frames[start..first]) =>
        {
            (first, rest.first().copied().unwrap_or(frames.len()))
        }
        _ => (start, first),
    };
    let in_interrupt =
        from < to && is_interrupt(&frames[to - 1]) || ends.contains(&to) && to < frames.len();
    let mut out: Vec<String> = Vec::new();
    if from == 0 || nmi.is_some_and(|at| from == at + 1) {
        out.extend(pc.map(str::to_owned));
    }
    let same = out.first().is_some_and(|pc| frames.get(from) == Some(pc));
    let rest = &frames[from + usize::from(same)..to.max(from + usize::from(same))];
    out.extend(rest.iter().take(MOST_FRAMES).cloned());
    Context { frames: out, in_interrupt, in_nmi: nmi.is_some() }
}

/// Whether this function waits for other CPUs to answer a call. The receiving side of a call does not.
pub(super) fn is_wait(frame: &str) -> bool {
    const WAITS: [&str; 15] = [
        "smp_call_function_many",
        "smp_call_function_many_cond",
        "smp_call_function_single",
        "smp_call_function_single_async",
        "smp_call_function_any",
        "smp_call_function",
        "csd_lock_wait",
        "__csd_lock_wait",
        "csd_lock_wait_toolong",
        "csd_lock_record",
        "kick_all_cpus_sync",
        "flush_tlb_others_ipi",
        "smp_call_function_mask",
        "generic_exec_single",
        "nmi_trigger_cpumask_backtrace",
    ];
    let frame = stem(frame);
    WAITS.contains(&frame)
        || frame.starts_with("on_each_cpu")
        || frame.starts_with("native_flush_tlb_")
        || frame.starts_with("hyperv_flush_tlb_")
        || frame.starts_with("text_poke_bp")
        || frame.starts_with("text_poke_sync")
}

/// The name of a function without what the compiler appends to it.
fn stem(frame: &str) -> &str {
    frame.split('.').next().unwrap_or(frame)
}

fn is_lock(frame: &str) -> bool {
    const SLOW: [&str; 4] =
        ["spin_lock_slowpath", "read_lock_slowpath", "write_lock_slowpath", "lock_failed"];
    const BEGINS: [&str; 20] = [
        "raw_spin_lock",
        "raw_read_lock",
        "raw_write_lock",
        "raw_spin_rq_lock",
        "do_raw_spin_lock",
        "do_raw_read_lock",
        "do_raw_write_lock",
        "arch_spin_lock",
        "arch_read_lock",
        "arch_write_lock",
        "spin_lock",
        "spin_yield",
        "ticket_spin_lock",
        "rt_spin_lock",
        "mcs_spin",
        "osq_lock",
        "pv_wait",
        "kvm_wait",
        "xen_qlock_wait",
        "xen_poll_irq",
    ];
    let frame = stem(frame).trim_start_matches('_');
    SLOW.iter().any(|slow| frame.contains(slow))
        || BEGINS.iter().any(|begin| frame.starts_with(begin))
}

/// Whether this function waits for all CPUs to arrive somewhere.
fn is_rendezvous(frame: &str) -> bool {
    const RENDEZVOUS: [&str; 9] = [
        "multi_cpu_stop",
        "stop_machine_yield",
        "mce_start",
        "mce_end",
        "mce_timed_out",
        "wait_for_siblings",
        "wait_for_cpus",
        "mtrr_rendezvous_handler",
        "kgdb_cpu_enter",
    ];
    RENDEZVOUS.contains(&stem(frame).trim_start_matches('_'))
}

fn is_idle(frame: &str) -> bool {
    const IDLES: [&str; 18] = [
        "default_idle",
        "default_idle_call",
        "arch_cpu_idle",
        "cpu_do_idle",
        "native_safe_halt",
        "pv_native_safe_halt",
        "acpi_safe_halt",
        "acpi_idle_enter",
        "acpi_idle_do_entry",
        "intel_idle",
        "intel_idle_irq",
        "mwait_idle",
        "mwait_idle_with_hints",
        "poll_idle",
        "cpuidle_enter_state",
        "cpuidle_idle_call",
        "psw_idle",
        "do_idle",
    ];
    IDLES.contains(&stem(frame))
        || frame.starts_with("snooze_loop")
        || frame.starts_with("shared_cede_loop")
}

/// The class of a context; `None` if no function of it is known.
pub(super) fn classify(context: &Context) -> Option<Class> {
    let frames = &context.frames;
    let helped =
        |frame: &&String| !HELPERS.contains(&frame.as_str()) && !PRINTERS.contains(&frame.as_str());
    let shown: Vec<&str> = frames.iter().filter(helped).take(FAR).map(String::as_str).collect();
    shown.first()?;
    let at =
        |is: fn(&str) -> bool, within: usize| shown.iter().take(within).position(|frame| is(frame));
    let innermost = [
        (at(is_wait, NEAR), Class::Waiter),
        (at(is_lock, FAR), Class::Lock),
        (at(is_rendezvous, FAR), Class::Rendezvous),
        (at(is_idle, FAR), Class::Idle),
    ];
    let innermost = innermost.into_iter().filter_map(|(at, class)| Some((at?, class)));
    Some(innermost.min_by_key(|&(at, _)| at).map_or(Class::Loop, |(_, class)| class))
}

/// Whether a CPU that waits for a lock shows on its own stack that it holds it: it waits for the lock under which oopses
/// are reported, and further out it reports one.
///
/// In Linux: arm64's and riscv's `die` takes `die_lock` without looking whether this CPU has it; x86's `oops_begin`
/// forgets that it has it when an inner report ends.
pub(super) fn waits_for_itself(context: &Context) -> bool {
    let frames = &context.frames;
    let Some(lock) = frames.iter().take(NEAR).rposition(|frame| is_lock(frame)) else {
        return false;
    };
    let wants = |frame: &String| matches!(stem(frame), "die" | "oops_begin");
    let reports =
        |frame: &String| matches!(stem(frame), "die" | "__die" | "__die_body" | "notify_die");
    frames.get(lock + 1).is_some_and(wants) && frames[lock + 2..].iter().any(reports)
}

/// Whether a CPU waits for the lock under which oopses are reported: then another CPU reports one, or died in it. A lock
/// that is taken on the way from a fault may be that one, if functions are missing from the trace.
pub(super) fn waits_for_a_report(context: &Context) -> bool {
    const ON_THE_WAY: usize = 8;
    const FAULTS: [&str; 12] = [
        "die",
        "oops_begin",
        "page_fault_oops",
        "exc_page_fault",
        "exc_invalid_op",
        "asm_exc_page_fault",
        "die_kernel_fault",
        "__do_kernel_fault",
        "do_translation_fault",
        "do_mem_abort",
        "el1_abort",
        "bug_handler",
    ];
    let frames = &context.frames;
    frames.iter().take(ON_THE_WAY).any(|frame| FAULTS.contains(&stem(frame)))
}
