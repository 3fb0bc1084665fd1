//! The host cores that a measuring thread may use, by the host's numbers, and pinning it to one.

use std::sync::OnceLock;

use core_affinity::CoreId;

/// `CPU_SET` of libc aborts the process for an id beyond its mask.
const MAX_CORE_ID: usize = 1023;

/// The cores that this process may use. Read once, by a thread that is not pinned yet: a pinned thread sees only its
/// own core, and so do the threads that it starts.
pub fn usable() -> &'static [usize] {
    static CORES: OnceLock<Vec<usize>> = OnceLock::new();
    CORES.get_or_init(|| {
        let cores = core_affinity::get_core_ids().unwrap_or_default();
        cores.into_iter().map(|core| core.id).filter(|&id| id <= MAX_CORE_ID).collect()
    })
}

/// Pins the calling thread to a core, and reads it back. Returns whether it worked.
pub fn pin(core: usize) -> bool {
    let core = CoreId { id: core };
    core.id <= MAX_CORE_ID
        && core_affinity::set_for_current(core)
        && core_affinity::get_core_ids().is_some_and(|now| now == [core])
}

/// Pins the `n`-th of several threads: they go round the usable cores. If the host refuses, the thread runs where the
/// host likes.
pub fn pin_nth(n: usize) {
    let cores = usable();
    if !cores.is_empty() {
        pin(cores[n % cores.len()]);
    }
}
