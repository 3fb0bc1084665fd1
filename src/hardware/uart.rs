//! The serial line: it takes one byte after another, and each takes its time.
//!
//! | atomic | written by | read by | order |
//! |---|---|---|---|
//! | `free_at` | a CPU that prints | the next one | Relaxed: each change is one step, and nothing else hangs on it |
//!
//! `line_length` is a mutex of the host: whichever CPU records takes it, because a line's text depends on what all CPUs did
//! before. It is held for as long as one record is turned into text. Nothing waits under it: so a CPU that has interrupts
//! off, or `die_lock`, waits for it no longer than that; in lockstep never. In wall-clock time two CPUs may come to it in
//! another order than that of their records: then a line is a few bytes too long or too short.
//!
//! In Linux: `drivers/tty/serial/amba-pl011.c`, `pl011_console_write`; `8250_port.c`, `serial8250_console_write`.
//! Here it differs: the lines of one report go out together, where Linux may alternate between the lines of two CPUs.

use std::fmt;

use parking_lot::Mutex;

use crate::config::console::ConsoleTime;
use crate::record::Record;
use crate::time::KernelTime;
use std::sync::atomic::{AtomicU64, Ordering::*};

/// How many bytes a record is on the line. It is given every record of the machine.
pub(crate) type LineLength = dyn FnMut(&Record) -> usize + Send;

/// See the module's head.
pub(crate) struct Uart {
    speed: ConsoleTime,
    line_length: Mutex<Box<LineLength>>,
    free_at: AtomicU64,
}

impl fmt::Debug for Uart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uart").field("speed", &self.speed).finish_non_exhaustive()
    }
}

impl Uart {
    pub(crate) fn new(speed: ConsoleTime, line_length: Box<LineLength>) -> Self {
        let line_length = Mutex::new(line_length);
        Uart { speed, line_length, free_at: AtomicU64::new(0) }
    }

    /// How long what `record` prints occupies the line, in nanoseconds; 0 if it prints nothing.
    pub(crate) fn duration_ns(&self, record: &Record) -> u64 {
        let bytes = (*self.line_length.lock())(record);
        self.speed.duration_ns(bytes)
    }

    /// Sends for `ns` nanoseconds as soon as the line is free. Returns when that is done.
    pub(crate) fn send(&self, now: KernelTime, ns: u64) -> KernelTime {
        let end = |free_at: u64| free_at.max(now.ns()).saturating_add(ns);
        let before = self.free_at.fetch_update(Relaxed, Relaxed, |free_at| Some(end(free_at)));
        KernelTime::from_ns(end(before.unwrap_or_else(|free_at| free_at)))
    }
}
