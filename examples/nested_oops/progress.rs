//! How far a run is, on a terminal: a line that is written over, and gone in the end.

#![expect(clippy::disallowed_methods, reason = "how long a person has waited is the host's time")]

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use softlockup::KernelTime;
use softlockup::time::NSEC_PER_SEC;

use crate::stderr;

/// A run that ends sooner shows nothing; and the line changes no more often.
const PATIENCE: Duration = Duration::from_secs(2);

/// The clock is asked at every so many records only.
const RECORDS_PER_LOOK: u32 = 4096;

/// Shows progress on standard error, if that is a terminal.
pub(crate) struct Progress {
    until: KernelTime,
    is_terminal: bool,
    is_shown: bool,
    last_change: Instant,
    records: u32,
}

impl Progress {
    pub(crate) fn new(until: KernelTime) -> Self {
        let is_terminal = io::stderr().is_terminal();
        Progress { until, is_terminal, is_shown: false, last_change: Instant::now(), records: 0 }
    }

    /// Something happened at this moment of kernel time.
    pub(crate) fn at(&mut self, now: KernelTime) {
        self.records += 1;
        if !self.is_terminal || !self.records.is_multiple_of(RECORDS_PER_LOOK) {
            return;
        }
        if self.last_change.elapsed() >= PATIENCE {
            let (now, until) = (now.ns() / NSEC_PER_SEC, self.until.ns() / NSEC_PER_SEC);
            stderr::show(format_args!("\r\x1b[K{now} of {until} s of kernel time; Ctrl-C ends it"));
            (self.is_shown, self.last_change) = (true, Instant::now());
        }
    }

    /// Takes the line away, because something else is to be printed.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.is_shown) {
            stderr::show("\r\x1b[K");
        }
    }
}
