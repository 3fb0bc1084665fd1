//! Whether another CPU stands still: in wall-clock time the host may not run its thread. The looking CPU's own.
//!
//! A CPU that is run passes interruption points, also if it spins with its interrupts off. So a CPU that passed none, and
//! does not sleep with its interrupts off either, is not locked up: the host did not run it, or (where code never reaches an interruption point) the host will say so.
//!
//! In Linux: nothing; a guest cannot tell.

use std::cell::Cell;

use crate::cpumask::CpuId;

/// The CPU that was looked at last, and how many interruption points it had passed.
#[derive(Debug, Default)]
pub(crate) struct Standstill {
    seen: Cell<Option<(CpuId, u64)>>,
}

impl Standstill {
    /// Looks at `on`. Returns whether it has passed no interruption point since the last look at it; `progress` says how
    /// many it has passed, or `None` if it sleeps with its interrupts off, which is no standstill. Called once a sample: a
    /// period is long enough for any CPU that is run.
    pub(crate) fn look(
        &self,
        on: Option<CpuId>,
        progress: impl FnOnce(CpuId) -> Option<u64>,
    ) -> bool {
        let now = on.and_then(|on| Some((on, progress(on)?)));
        self.seen.replace(now) == now && now.is_some()
    }
}
