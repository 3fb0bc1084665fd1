//! A kernel's console as data: lockups, oopses, stalled calls and call traces, out of the bytes of a log.
//!
//! It reads what [`incident::console`](crate::incident::console) prints and what arm64 and x86 kernels print; of other
//! architectures the headlines and, mostly, the program counter. Logs arrive damaged: stamps are missing, lines are cut
//! and wrapped, several records share a line. Each line that belongs to no class is kept, as [`Message::Other`].
//!
//! In Linux: `kernel/watchdog.c`, `kernel/watchdog_perf.c`, `kernel/smp.c`, `lib/nmi_backtrace.c`, `kernel/panic.c`,
//! `arch/arm64/kernel/traps.c`, `arch/arm64/mm/fault.c`, `arch/x86/mm/fault.c`, `arch/x86/kernel/dumpstack.c`.
//! Here it differs: offsets into functions, module names and addresses of code are dropped, so that the same event
//! of two runs is equal.

mod headline;
mod line;
mod message;
mod prefix;
mod rcu;
mod reader;
mod scan;
mod state;

pub use message::{CsdKind, Entry, Message};

use crate::dmesg::reader::Reader;

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
    let text = String::from_utf8_lossy(bytes);
    let mut reader = Reader::default();
    for line in text.split(['\n', '\r']) {
        prefix::records(line, &mut |record| reader.record(&record));
    }
    reader.entries
}
