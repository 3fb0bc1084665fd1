//! The kernels that are simulated, and where they differ.

use serde::{Deserialize, Serialize};

/// `CSD_FLAG_SYNCHRONOUS` of 4.19: the caller waits. With `CSD_FLAG_LOCK` it is the 3 in the article's x1.
pub const CSD_FLAG_SYNCHRONOUS: u32 = 0x02;

/// `CSD_TYPE_SYNC` of 5.8 and later, the same thing: with `CSD_FLAG_LOCK` it is the 0x11 in a 6.12 dump.
pub const CSD_TYPE_SYNC: u32 = 0x10;

/// A kernel whose behaviour and console text the machine follows: its architecture and its version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Kernel {
    /// arm64 4.19, the article's: warns once per task; an exec fault interrupts every CPU.
    #[default]
    #[serde(rename = "4.19")]
    Arm64V4_19,
    /// arm64 6.1: repeats the warning with the total, too. No hard-lockup detector, and no way to ask another CPU for a
    /// backtrace; two CPUs' dumps can interleave.
    #[serde(rename = "6.1")]
    Arm64V6_1,
    /// arm64 6.12: repeats the warning with the total. Its stacks are those of a kernel patched so that an exec
    /// mapping interrupts every CPU, as 4.19's did.
    #[serde(rename = "6.12")]
    Arm64V6_12,
    /// x86-64 6.1: another order of prints, a `die_lock` that lets its owner in, real NMIs.
    #[serde(rename = "x86-6.1")]
    X86V6_1,
}

impl Kernel {
    /// Whether it runs on x86-64.
    pub(crate) const fn is_x86(self) -> bool {
        matches!(self, Kernel::X86V6_1)
    }

    /// Whether a detector asks the CPU that it names. On 4.19, too, although that kernel cannot: the detectors that do so
    /// are borrowed from later kernels there, and bring it with them.
    pub(crate) const fn asks_one_cpu_for_a_backtrace(self) -> bool {
        !matches!(self, Kernel::Arm64V6_1)
    }

    /// Whether a CPU can ask others for their backtraces: `arch_trigger_cpumask_backtrace`, on x86, and on arm64 from 6.7
    /// on. `trigger_allbutcpu_cpu_backtrace` does nothing without it.
    pub(crate) const fn has_cpu_backtrace(self) -> bool {
        matches!(self, Kernel::Arm64V6_12 | Kernel::X86V6_1)
    }

    /// Whether one lockup at a time is reported with all CPUs' backtraces, and after a panic is decided no other (6.8
    /// and later); before, the flag is given back before the panic, and hard lockups are dumped once since boot.
    pub(crate) const fn keeps_the_dump_for_a_panic(self) -> bool {
        matches!(self, Kernel::Arm64V6_12)
    }

    /// Whether `smp_send_stop` asks a second time, by NMI, where there are NMIs; and names the true failures. In Linux:
    /// arm64 since 6.12; x86's `native_stop_other_cpus`. Before, arm64 prints `cpu_online_mask`, with the stopping CPU
    /// in it.
    pub(crate) const fn retries_the_stop(self) -> bool {
        matches!(self, Kernel::Arm64V6_12 | Kernel::X86V6_1)
    }

    /// Whether the CPUs are asked to stop once since boot, so that a reboot after a panic does not ask again. In Linux:
    /// `stop_in_progress` of arm64 since 6.12, `stopping_cpu` of x86.
    pub(crate) const fn stops_once(self) -> bool {
        matches!(self, Kernel::Arm64V6_12 | Kernel::X86V6_1)
    }

    /// Whether an emergency restart counts as a reboot, so that it does not say `SMP: stopping secondary CPUs`. In
    /// Linux: `emergency_restart` sets `system_state` since 6.7, and 6.1.64.
    pub(crate) const fn emergency_is_a_restart(self) -> bool {
        !matches!(self, Kernel::Arm64V4_19)
    }

    /// The name of RCU's flavour: `rcu_preempt` where the kernel can be preempted, as Debian's for x86 can.
    pub(crate) const fn rcu_name(self) -> &'static str {
        match self {
            Kernel::Arm64V4_19 | Kernel::Arm64V6_1 | Kernel::Arm64V6_12 => "rcu_sched",
            Kernel::X86V6_1 => "rcu_preempt",
        }
    }

    /// Where a CPU that waits for a spinlock stands.
    pub(crate) const fn spin_lock_slowpath(self) -> &'static str {
        match self {
            Kernel::Arm64V4_19 | Kernel::Arm64V6_1 | Kernel::Arm64V6_12 => {
                "queued_spin_lock_slowpath"
            }
            Kernel::X86V6_1 => "native_queued_spin_lock_slowpath",
        }
    }

    /// The release as the console prints it.
    pub(crate) const fn release(self) -> &'static str {
        match self {
            Kernel::Arm64V4_19 => "4.19.5-1.1.29.aarch64 #1",
            Kernel::Arm64V6_1 => "6.1.0-56-arm64 #1",
            Kernel::Arm64V6_12 => "6.12.117 #1",
            Kernel::X86V6_1 => "6.1.0-56-amd64 #1",
        }
    }

    /// The flag that says "the caller waits" in a csd.
    pub(crate) const fn csd_sync_flag(self) -> u32 {
        match self {
            Kernel::Arm64V4_19 => CSD_FLAG_SYNCHRONOUS,
            Kernel::Arm64V6_1 | Kernel::Arm64V6_12 | Kernel::X86V6_1 => CSD_TYPE_SYNC,
        }
    }

    /// What lies on the stack between `kick_all_cpus_sync` and `smp_call_function_many`.
    pub(crate) const fn smp_call_function(self) -> &'static [&'static str] {
        match self {
            Kernel::Arm64V4_19 | Kernel::Arm64V6_1 | Kernel::X86V6_1 => &[], // inlined
            Kernel::Arm64V6_12 => &["smp_call_function"],
        }
    }

    /// The frames of `smp_call_function_many`.
    pub(crate) const fn call_many(self) -> &'static [&'static str] {
        match self {
            Kernel::Arm64V4_19 => &["smp_call_function_many"],
            Kernel::Arm64V6_12 => &["smp_call_function_many", "smp_call_function_many_cond"],
            Kernel::Arm64V6_1 | Kernel::X86V6_1 => &["smp_call_function_many_cond"],
        }
    }

    /// From the exception vector down to where the oops begins: the frames of a kernel fault.
    pub(crate) const fn kernel_fault(self) -> &'static [&'static str] {
        match self {
            Kernel::Arm64V4_19 => &[
                "el1_da",
                "do_mem_abort",
                "do_translation_fault",
                "do_page_fault",
                "__do_kernel_fault",
                "die_kernel_fault",
            ],
            Kernel::Arm64V6_1 | Kernel::Arm64V6_12 => &[
                "el1h_64_sync",
                "el1h_64_sync_handler",
                "el1_abort",
                "do_mem_abort",
                "do_translation_fault",
                "do_page_fault",
                "__do_kernel_fault",
                "die_kernel_fault",
            ],
            Kernel::X86V6_1 => &["asm_exc_page_fault", "exc_page_fault", "page_fault_oops"],
        }
    }

    /// The frames of a `BUG()`, from the exception vector down to `die`.
    pub(crate) const fn bug(self) -> &'static [&'static str] {
        match self {
            Kernel::Arm64V4_19 => &["el1_dbg", "do_debug_exception", "brk_handler", "bug_handler"],
            Kernel::Arm64V6_1 | Kernel::Arm64V6_12 => &[
                "el1h_64_sync",
                "el1h_64_sync_handler",
                "el1_dbg",
                "do_debug_exception",
                "brk_handler",
                "call_break_hook",
                "bug_brk_handler",
            ],
            Kernel::X86V6_1 => &["asm_exc_invalid_op", "exc_invalid_op", "handle_bug"],
        }
    }

    /// Why `die` panics with `panic_on_oops`.
    pub(crate) const fn fatal_exception(self) -> &'static str {
        match self {
            Kernel::Arm64V4_19 | Kernel::X86V6_1 => "Fatal exception",
            Kernel::Arm64V6_1 | Kernel::Arm64V6_12 => "Oops: Fatal exception",
        }
    }

    /// Why `die` panics in a handler.
    pub(crate) const fn fatal_exception_in_interrupt(self) -> &'static str {
        match self {
            Kernel::Arm64V4_19 | Kernel::X86V6_1 => "Fatal exception in interrupt",
            Kernel::Arm64V6_1 | Kernel::Arm64V6_12 => "Oops: Fatal exception in interrupt",
        }
    }

    /// The frames from user space down to the page table's lock (first part) and on to `kick_all_cpus_sync`
    /// (second part, with the lock held) when a page is first executed.
    pub(crate) const fn exec_fault(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Kernel::Arm64V4_19 => (
                &[
                    "el0_ia",
                    "do_el0_ia_bp_hardening",
                    "do_mem_abort",
                    "do_translation_fault",
                    "do_page_fault",
                    "handle_mm_fault",
                    "__handle_mm_fault",
                    "filemap_map_pages",
                ],
                &["alloc_set_pte", "__sync_icache_dcache", "sync_icache_aliases"],
            ),
            Kernel::Arm64V6_1 | Kernel::Arm64V6_12 => (
                &[
                    "el0t_64_sync",
                    "el0t_64_sync_handler",
                    "el0_svc",
                    "do_el0_svc",
                    "__arm64_sys_mprotect",
                    "do_mprotect_pkey",
                    "mprotect_fixup",
                ],
                &[
                    "change_protection",
                    "ptep_modify_prot_commit",
                    "__sync_icache_dcache",
                    "sync_icache_aliases",
                ],
            ),
            // Here a jump label is switched: what x86 sends to every CPU is an order to notice changed code.
            Kernel::X86V6_1 => (
                &["entry_SYSCALL_64_after_hwframe", "do_syscall_64", "__x64_sys_bpf"],
                &["jump_label_update", "arch_jump_label_transform_apply", "text_poke_bp_batch"],
            ),
        }
    }
}
