//! The host: which cores there are, pinning a thread to one, and how much time a thread has used.
//!
//! The only module that talks to the host's kernel. Here "core" and "thread" mean the host's cores and threads, and
//! never a CPU.

use std::fs;
use std::sync::OnceLock;
use std::time::Duration;

use core_affinity::CoreId;

/// `CPU_SET` of libc aborts the process for an id beyond its mask.
const MAX_CORE_ID: usize = 1023;

/// The cores that this process may use. Read once, before anything is pinned: a pinned thread sees only its own core,
/// and so do the threads that it starts.
pub(crate) fn cores() -> &'static [CoreId] {
    static CORES: OnceLock<Vec<CoreId>> = OnceLock::new();
    CORES.get_or_init(|| {
        let mut cores = core_affinity::get_core_ids().unwrap_or_default();
        cores.retain(|core| core.id <= MAX_CORE_ID);
        cores
    })
}

/// Pins the calling thread to `core` and reads it back. Returns whether it worked.
pub(crate) fn pin(core: CoreId) -> bool {
    cores().contains(&core)
        && core_affinity::set_for_current(core)
        && core_affinity::get_core_ids().is_some_and(|now| now == [core])
}

/// Names the calling thread to the host, for [`thread_cpu_time`] and [`thread_is_blocked`]. `None` where there is no
/// `/proc`.
pub(crate) fn thread_id() -> Option<u64> {
    let link = fs::read_link("/proc/thread-self").ok()?;
    link.file_name()?.to_str()?.parse().ok()
}

/// How long a thread of this process has run on a core. `None` where the host does not say.
pub(crate) fn thread_cpu_time(thread: u64) -> Option<Duration> {
    let text = fs::read_to_string(format!("/proc/self/task/{thread}/schedstat")).ok()?;
    let ns = text.split_ascii_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(ns))
}

/// Whether a thread of this process sleeps; false if it runs, waits for a core, or the host does not say.
pub(crate) fn thread_is_blocked(thread: u64) -> bool {
    let stat = fs::read_to_string(format!("/proc/self/task/{thread}/stat")).unwrap_or_default();
    // "pid (comm) state ...": the name may contain anything, also brackets.
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    matches!(state, Some('S' | 'D'))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_read_back_and_a_foreign_core_is_refused() {
        let cores = cores();
        std::thread::spawn(move || {
            assert!(pin(cores[0]));
            assert!(!pin(CoreId { id: 1024 }));
            assert!(!pin(CoreId { id: usize::MAX }));
        })
        .join()
        .unwrap();
    }

    #[test]
    fn a_thread_that_runs_uses_time_and_is_not_blocked() {
        let me = thread_id().unwrap();
        let before = thread_cpu_time(me).unwrap();
        while thread_cpu_time(me).unwrap() == before {
            std::hint::black_box(());
        }
        assert!(!thread_is_blocked(me));
    }
}
