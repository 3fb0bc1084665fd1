//! What arm64 prints of a fault, before `die`.
//!
//! In Linux: `arch/arm64/mm/fault.c`, `die_kernel_fault`, `mem_abort_decode`, `show_pte`.

use std::fmt;

use crate::incident::console::{Console, Printer};
use crate::version::Kernel;

impl Console {
    /// `die_kernel_fault`, `mem_abort_decode`, `show_pte`.
    pub(super) fn unable_to_handle(
        &self,
        p: &mut Printer<'_>,
        addr: u64,
        write: bool,
        esr: u32,
    ) -> fmt::Result {
        let what = if addr < 4096 { "NULL pointer dereference" } else { "paging request" };
        let (iss, fsc, wnr) = (esr & 0x1ff_ffff, esr & 0x3f, u32::from(write));
        p.line(format_args!("Unable to handle kernel {what} at virtual address {addr:016x}"))?;
        p.line(format_args!("Mem abort info:"))?;
        match self.kernel {
            Kernel::Arm64V4_19 => {
                p.line(format_args!("  ESR = {esr:#010x}"))?;
                p.line(format_args!("  Exception class = DABT (current EL), IL = 32 bits"))?;
                p.line(format_args!("  SET = 0, FnV = 0"))?;
                p.line(format_args!("  EA = 0, S1PTW = 0"))?;
                p.line(format_args!("Data abort info:"))?;
                p.line(format_args!("  ISV = 0, ISS = {iss:#010x}"))?;
                p.line(format_args!("  CM = 0, WnR = {wnr}"))?;
                p.line(format_args!(
                    "user pgtable: 4k pages, 48-bit VAs, pgdp = (____ptrval____)"
                ))?;
            }
            Kernel::Arm64V6_1 | Kernel::Arm64V6_12 | Kernel::X86V6_1 => {
                p.line(format_args!("  ESR = {esr:#018x}"))?;
                p.line(format_args!("  EC = {:#04x}: DABT (current EL), IL = 32 bits", esr >> 26))?;
                p.line(format_args!("  SET = 0, FnV = 0"))?;
                p.line(format_args!("  EA = 0, S1PTW = 0"))?;
                p.line(format_args!("  FSC = {fsc:#04x}: level {} translation fault", fsc & 3))?;
                p.line(format_args!("Data abort info:"))?;
                if self.kernel == Kernel::Arm64V6_1 {
                    p.line(format_args!("  ISV = 0, ISS = {iss:#010x}"))?;
                    p.line(format_args!("  CM = 0, WnR = {wnr}"))?;
                } else {
                    p.line(format_args!("  ISV = 0, ISS = {iss:#010x}, ISS2 = 0x00000000"))?;
                    p.line(format_args!("  CM = 0, WnR = {wnr}, TnD = 0, TagAccess = 0"))?;
                    p.line(format_args!("  GCS = 0, Overlay = 0, DirtyBit = 0, Xs = 0"))?;
                }
                // The page table's address, of a machine that has no page tables.
                p.line(format_args!("user pgtable: 4k pages, 48-bit VAs, pgdp={:016x}", 0))?;
            }
        }
        p.line(format_args!("[{addr:016x}] pgd={:016x}", 0))
    }
}
