//! What a report shows when, and how long its lines take.
//!
//! In Linux: `arch/arm64/kernel/traps.c`, `die`; `console=` on the command line.

use serde::{Deserialize, Serialize};

use crate::time::NSEC_PER_SEC;

/// When an oops prints its registers, call trace and code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrintOrder {
    /// After the notifiers, as arm64 does. Of the article's first oops the console would show nothing but the header.
    Stock,
    /// Before the notifiers, as the article's console shows. Its vendor's kernel or kernel box must have done that.
    #[default]
    Vendor,
}

/// How fast a serial line can be, in bits per second.
pub(super) const BAUDS: std::ops::RangeInclusive<u32> = 300..=4_000_000;

/// How fast the serial line is that the console is printed on.
///
/// In Linux: `console=ttyAMA0,115200`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleTime {
    /// Bits per second, 300 to 4000000. A byte is ten bits: one to start, eight, one to stop.
    pub baud: u32,
}

impl Default for ConsoleTime {
    fn default() -> Self {
        ConsoleTime { baud: 115_200 }
    }
}

impl ConsoleTime {
    /// How long `bytes` take, in nanoseconds.
    pub(crate) fn duration_ns(self, bytes: usize) -> u64 {
        const BITS_PER_BYTE: u64 = 10;
        bytes as u64 * BITS_PER_BYTE * NSEC_PER_SEC / u64::from(self.baud)
    }
}
