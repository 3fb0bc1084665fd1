//! A kernel's console as data: lockups, oopses, stalled calls and call traces, out of the bytes of a log.
//!
//! It reads what [`incident::console`](crate::incident::console) prints and what kernels of arm64, x86 and powerpc print;
//! of arm, s390, riscv, mips, parisc and loongarch the headlines, the program counter and whether interrupts were on.
//! Logs arrive damaged: stamps are missing, lines are cut and wrapped, several records share a line. Each line that
//! belongs to no class is kept, as [`Message::Other`].
//!
//! [`parse`] reads a log at once; [`entries`] gives one entry after the other and holds only a few of them, for logs of
//! hundreds of megabytes. Both read each byte a bounded number of times.
//!
//! In Linux: `kernel/watchdog.c`, `kernel/watchdog_perf.c`, `arch/powerpc/kernel/watchdog.c`, `kernel/smp.c`,
//! `kernel/rcu/tree_stall.h`, `lib/nmi_backtrace.c`, `kernel/panic.c`, `arch/arm64/kernel/traps.c`,
//! `arch/arm64/mm/fault.c`, `arch/x86/mm/fault.c`, `arch/x86/kernel/dumpstack.c`.
//! Here it differs: offsets into functions, module names and addresses of code are dropped, so that the same event
//! of two runs is equal.

mod assemble;
mod begins;
mod boot;
mod classify;
mod clock;
mod cpu_list;
mod csd;
pub mod diagnosis;
pub(crate) mod entry;
mod fault;
mod flags;
mod headline;
mod line;
mod lockup;
pub(crate) mod message;
mod open;
mod prefix;
mod quoted;
mod rcu;
mod reader;
mod registers;
mod regs;
mod scan;
mod split;
mod stamp;
mod state;
mod task;
mod trace;
mod usage;
mod window;
mod work;
mod wrap;

pub use cpu_list::CpuList;
pub use entry::{Caller, Entry, WallClock};
pub use message::{CsdKind, Message};
pub use reader::Entries;
pub use registers::Registers;

/// Reads a console, a `dmesg` or a syslog: any bytes. What is not UTF-8 is replaced, empty lines are dropped, and the
/// entries are in the order of their first lines.
///
/// ```
/// use softlockup::CpuId;
/// use softlockup::dmesg::{parse, Message};
///
/// let log = b"[  360.462046] watchdog: BUG: soft lockup - CPU#35 stuck for 22s! [docker-containe:29506]\r\n";
/// let Message::SoftLockup { cpu, secs, .. } = parse(log)[0].message else { panic!() };
/// assert_eq!((cpu, secs), (CpuId(35), 22));
/// ```
pub fn parse(bytes: &[u8]) -> Vec<Entry> {
    entries(bytes).collect()
}

/// Reads as [`parse`] does, entry by entry.
///
/// Lines of a dump are put together even if other CPUs print between them. So an entry is given out when 1024 later ones
/// or a mebibyte of text have begun, or at the end; a line that belongs to an entry already given out is an entry of its own.
///
/// ```
/// use softlockup::dmesg::{Message, entries};
///
/// let log = b"systemd[1]: started\n[   25.99] watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [a:1]\n";
/// let lockup = entries(log).find(|entry| matches!(entry.message, Message::SoftLockup { .. }));
/// assert_eq!(lockup.map(|entry| entry.line), Some(2));
/// ```
pub fn entries(bytes: &[u8]) -> Entries<'_> {
    Entries::new(bytes)
}
