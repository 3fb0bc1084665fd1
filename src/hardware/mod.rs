//! What stands in for hardware.

pub(crate) mod clock;
pub(crate) mod interrupts;
pub(crate) mod uart;
