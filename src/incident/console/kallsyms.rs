//! Symbols as the console prints them: `smp_call_function_many+0x308/0x370`.
//!
//! Offsets are those of the article's console, where it shows the same function calling the same function. Any other
//! offset is `+0x0/0x0`, and not invented.
//!
//! In Linux: `kernel/kallsyms.c`, `%pS`. Here it differs: there is no code, so there are no addresses.

use std::fmt;

use crate::version::Kernel;

/// A place in a function, as `%pS` prints it.
pub(crate) struct Place<'a> {
    func: &'a str,
    offset: &'static str,
    module: Option<&'static str>,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.func, self.offset)?;
        self.module.map_or(Ok(()), |module| write!(f, " [{module}]"))
    }
}

/// Function, the function that it called (nothing for the innermost), and how far into the function the call was.
type CallSite = (&'static str, &'static str, &'static str);

/// The call sites that the article's console shows, on 4.19.
const CALL_SITES: [CallSite; 17] = [
    ("smp_call_function_many", "", "0x308/0x370"),
    ("kick_all_cpus_sync", "smp_call_function_many", "0x30/0x38"),
    ("sync_icache_aliases", "kick_all_cpus_sync", "0x74/0x98"),
    ("__sync_icache_dcache", "sync_icache_aliases", "0x94/0xc8"),
    ("alloc_set_pte", "__sync_icache_dcache", "0x460/0x570"),
    ("filemap_map_pages", "alloc_set_pte", "0x3e0/0x400"),
    ("__handle_mm_fault", "filemap_map_pages", "0xb78/0x10f0"),
    ("handle_mm_fault", "__handle_mm_fault", "0xf4/0x1c0"),
    ("do_page_fault", "handle_mm_fault", "0x230/0x488"),
    ("do_translation_fault", "do_page_fault", "0x74/0x84"),
    ("do_mem_abort", "do_translation_fault", "0x6c/0x130"),
    ("do_el0_ia_bp_hardening", "do_mem_abort", "0x64/0xa8"),
    ("el0_ia", "do_el0_ia_bp_hardening", "0x18/0x1c"),
    ("gen_seri_oops", "", "0x28/0x38"),
    ("gen_seri_oops", "el1_da", "0x28/0x38"),
    ("kthread", "gen_seri_oops", "0x108/0x138"),
    ("ret_from_fork", "kthread", "0x10/0x18"),
];

/// Where the link register pointed, for the innermost functions of the article: behind a call made earlier in the
/// same function.
const LINK_REGISTERS: [(&str, &str); 2] =
    [("smp_call_function_many", "0x2c4/0x370"), ("gen_seri_oops", "0x1c/0x38")];

/// The instruction words at the fault, the faulting one last: `mov x1, #0; mov w2, #'a'; …; strb w2, [x1]`.
const CODE: (&str, &str) = ("gen_seri_oops", "95c66ac7 d2800001 52800c22 52800000 (39000022)");

/// The functions that are in a module, and in which.
const MODULES: [(&str, &str); 2] = [("gen_seri_oops", "kpgen_kbox"), ("kbox_die", "kbox")];

/// Functions that the compiler inlines into their callers, so that no call trace shows them.
const INLINED: [&str; 1] = ["csd_lock_wait"];

/// The symbols of a kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kallsyms(pub(crate) Kernel);

impl Kallsyms {
    /// A stack as a call trace shows it: the innermost place first.
    pub(crate) fn call_trace<'a>(self, stack: &[&'a str]) -> Vec<Place<'a>> {
        let shown: Vec<_> = stack.iter().copied().filter(|func| !INLINED.contains(func)).collect();
        let callee = |n: usize| if n == 0 { "" } else { shown[n - 1] };
        shown
            .iter()
            .enumerate()
            .map(|(n, func)| self.place(func, self.site(func, callee(n))))
            .collect()
    }

    /// A function's first instruction.
    pub(crate) fn symbol(self, func: &str) -> Place<'_> {
        self.place(func, "0x0/0x0")
    }

    /// Where the link register points when `stack` is interrupted.
    pub(crate) fn link_register<'a>(self, stack: &[&'a str]) -> Option<Place<'a>> {
        let innermost = stack.iter().find(|func| !INLINED.contains(func))?;
        let known = LINK_REGISTERS.iter().find(|(func, _)| func == innermost);
        match known {
            Some((_, offset)) if self.0 == Kernel::Arm64V4_19 => {
                Some(self.place(innermost, offset))
            }
            _ => self.call_trace(stack).into_iter().nth(1),
        }
    }

    /// The instructions up to the one that faulted in `func`, if they are known.
    pub(crate) fn code(self, func: &str) -> Option<&'static str> {
        (func == CODE.0 && self.0 == Kernel::Arm64V4_19).then_some(CODE.1)
    }

    fn place<'a>(self, func: &'a str, offset: &'static str) -> Place<'a> {
        let module = MODULES.iter().find(|(name, _)| *name == func).map(|(_, module)| *module);
        Place { func, offset, module }
    }

    fn site(self, func: &str, callee: &str) -> &'static str {
        let known = CALL_SITES.iter().find(|site| site.0 == func && site.1 == callee);
        match known {
            Some(site) if self.0 == Kernel::Arm64V4_19 => site.2,
            _ => "0x0/0x0",
        }
    }
}
