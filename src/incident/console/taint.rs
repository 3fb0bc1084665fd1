//! What already went wrong on a machine, as each report says it.
//!
//! In Linux: `kernel/panic.c`, `print_tainted`.

use crate::cpumask::CpuId;
use crate::record::{Event, Record};
use crate::vector::Vector;
use crate::version::Kernel;

/// Flags that say what already went wrong on this machine, in the kernel's order.
#[derive(Debug, Default)]
pub(super) struct Taint {
    die: bool,
    warn: bool,
    soft_lockup: bool,
    /// The CPUs whose soft-lockup report is not over.
    reporting: Vec<CpuId>,
}

impl Taint {
    /// What `record` adds, once it is printed. A soft lockup taints at the end of its report, when the other CPUs have
    /// shown their stacks, too: when the timer's handler ends, or panics. In Linux: `add_taint`; `kernel/watchdog.c`,
    /// `watchdog_timer_fn`, 4.19 to 6.12.
    pub(super) fn add(&mut self, record: &Record) {
        match record.event {
            Event::SoftLockup { .. } => self.reporting.push(record.cpu),
            Event::IrqExit { vector: Vector::Timer } | Event::Panic { .. } => {
                let before = self.reporting.len();
                self.reporting.retain(|&cpu| cpu != record.cpu);
                self.soft_lockup |= self.reporting.len() < before;
            }
            Event::OopsEnd => self.die = true,
            Event::Warn => self.warn = true,
            _ => {}
        }
    }

    /// The flags in the columns of `print_tainted`, a blank where one is not set.
    pub(super) fn columns(&self, kernel: Kernel) -> String {
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
    pub(super) fn names(&self) -> String {
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
