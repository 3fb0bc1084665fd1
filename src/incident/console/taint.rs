//! What already went wrong on a machine, as each report says it.
//!
//! In Linux: `kernel/panic.c`, `print_tainted`.

use crate::version::Kernel;

/// Flags that say what already went wrong on this machine, in the kernel's order.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Taint {
    pub(super) die: bool,
    pub(super) warn: bool,
    pub(super) soft_lockup: bool,
}

impl Taint {
    /// The flags in the columns of `print_tainted`, a blank where one is not set.
    pub(super) fn columns(self, kernel: Kernel) -> String {
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
    pub(super) fn names(self) -> String {
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
