//! What no engine sees: a loop without an atomic operation, a CPU that sleeps in the host's way.
//!
//! The search runs on a thread of its own, and the thread that wants the verdict watches it: its operations, its time
//! on a host core, and whether the host lets it sleep. So the verdict does not depend on how busy the host is. A thread
//! that hangs is left behind. Linux only: elsewhere the caller must limit the time.

use std::fs;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::progress::{self, Progress};
use crate::Verdict;

/// How often the watcher looks.
const LOOK: Duration = Duration::from_millis(100);
/// Time on a host core without an operation, in the host's ticks of 10 ms.
const MAX_TICKS: u64 = 100;
/// Looks in a row at which the thread slept and did nothing.
const MAX_ASLEEP: u32 = 10;

/// Runs `search` and returns its verdict, or what keeps it from giving one.
pub(super) fn watched(search: impl FnOnce() -> Verdict + Send + 'static) -> Verdict {
    let (tell, told) = channel();
    let (tell_thread, told_thread) = channel();
    let progress = Arc::<Progress>::default();
    let theirs = Arc::clone(&progress);
    let searches = thread::spawn(move || {
        progress::report_to(theirs);
        _ = tell_thread.send(fs::canonicalize("/proc/thread-self"));
        _ = tell.send(search());
    });
    let stat = told_thread.recv().ok().and_then(Result::ok).map(|thread| thread.join("stat"));
    let mut quiet = Quiet::default();
    loop {
        match told.recv_timeout(LOOK) {
            Ok(verdict) => {
                _ = searches.join(); // or its thread-locals are dropped when the process ends
                return verdict;
            }
            Err(RecvTimeoutError::Disconnected) => {
                let panic = searches.join().expect_err("a search ends with a verdict");
                resume_unwind(panic);
            }
            Err(RecvTimeoutError::Timeout) => {
                if let Some(what) = quiet.look(progress.operations(), stat.as_ref()) {
                    return hangs(what, &progress);
                }
            }
        }
    }
}

fn hangs(what: &str, progress: &Progress) -> Verdict {
    let Some(place) = progress.place() else {
        return Verdict::Inconclusive { why: format!("the search {what}") };
    };
    Verdict::Wrong {
        rule: place.rule,
        why: format!("HANGS: after the call of {} the code {what}.", place.call),
        columns: String::new(),
        replay: place.replay.to_string(),
    }
}

/// How long a thread has done nothing that an engine sees.
#[derive(Debug, Default)]
struct Quiet {
    operations: u64,
    ticks: u64,
    asleep: u32,
}

impl Quiet {
    /// What hangs, if it is certain.
    fn look(&mut self, operations: u64, stat: Option<&PathBuf>) -> Option<&'static str> {
        let (ticks, sleeps) = stat.and_then(|stat| thread_state(stat))?;
        if operations != self.operations {
            *self = Quiet { operations, ticks, asleep: 0 };
            return None;
        }
        self.asleep = if sleeps { self.asleep + 1 } else { 0 };
        if self.asleep >= MAX_ASLEEP {
            return Some(
                "sleeps in the host's way (a std Mutex, a thread, a file?): a CPU waits in `relax`",
            );
        }
        (ticks >= self.ticks + MAX_TICKS)
            .then_some("ran for a second without an atomic operation and without `relax`")
    }
}

/// The thread's time on a core in ticks, and whether it sleeps.
fn thread_state(stat: &Path) -> Option<(u64, bool)> {
    let stat = fs::read_to_string(stat).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field)?.parse::<u64>().ok();
    Some((ticks(11)? + ticks(12)?, *fields.first()? == "S"))
}
