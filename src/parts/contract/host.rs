//! Code that never comes back, found by the host.

#![expect(clippy::disallowed_methods, reason = "the host's time is what is measured here")]

use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::config::clock::HostLimits;
use crate::host;
use crate::parts::contract::{Broken, Rule};

/// How often the host looks.
const INTERVAL: Duration = Duration::from_millis(20);

/// Code that waits calls `relax`, and all other code comes back. Tries `rule` on a thread of its own, and returns what it
/// returns.
///
/// On a [`FakeCpu`](crate::parts::fake_cpu::FakeCpu) a wait that does not end is an answer, but only if it calls `relax`.
/// A loop that does not, or a wait for a lock of the host, would never return.
///
/// # Errors
/// That of `rule`; or this rule, if the thread used more than [`HostLimits::running`] of a host core, or slept for
/// longer than [`HostLimits::blocked`]. The thread is left behind then.
///
/// # Panics
/// If `rule` does.
pub fn comes_back(
    limits: HostLimits,
    rule: impl FnOnce() -> Result<(), Broken> + Send + 'static,
) -> Result<(), Broken> {
    let this_rule = Rule(
        "code that waits calls `relax`, and all other code comes back",
        "This machine interrupts a CPU in `relax` only: a CPU that spins without it is found by no timer of its own, and \
         answers no call.",
    );
    let no_sleep = Rule(
        "code that waits calls `relax`, and does not sleep",
        "With interrupts off no scheduler runs: a CPU that sleeps there, in a lock of the host, is never woken.",
    );
    let (started, thread) = channel();
    let (done, ends) = channel();
    let trial = thread::spawn(move || {
        _ = started.send(host::thread_id());
        let end = rule();
        _ = done.send(());
        end
    });
    let thread = thread.recv().ok().flatten();
    let began = Instant::now();
    let mut asleep_since = None;
    loop {
        match ends.recv_timeout(INTERVAL) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => {
                return trial.join().unwrap_or_else(|panic| resume_unwind(panic));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        let Some(used) = thread.and_then(host::thread_cpu_time) else {
            if began.elapsed() > limits.blocked {
                return this_rule.broken("the code does not come back".to_owned());
            }
            continue;
        };
        if used > limits.running {
            return this_rule.broken(format!("the code has run for {used:.1?} and goes on"));
        }
        match thread.is_some_and(host::thread_is_blocked) {
            false => asleep_since = None,
            true if asleep_since.get_or_insert(Instant::now()).elapsed() > limits.blocked => {
                return no_sleep.broken("the code sleeps, and no CPU wakes it".to_owned());
            }
            true => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    const SHORT: HostLimits =
        HostLimits { running: Duration::from_millis(200), blocked: Duration::from_millis(500) };

    #[test]
    fn a_rule_that_ends_gives_its_own_answer() {
        assert_eq!(comes_back(SHORT, || Ok(())), Ok(()));
        let broken = Broken { rule: "r", happened: "h".to_owned(), why: "w" };
        let same = broken.clone();
        assert_eq!(comes_back(SHORT, move || Err(same)), Err(broken));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_loop_without_end_and_a_deadlock_of_the_host_are_found() {
        let running = comes_back(SHORT, || {
            loop {
                std::hint::black_box(());
            }
        });
        assert!(running.unwrap_err().happened.contains("goes on"));
        let asleep = comes_back(SHORT, || {
            static LOCK: Mutex<()> = Mutex::new(());
            std::mem::forget(LOCK.lock());
            let _again = LOCK.lock();
            Ok(())
        });
        assert!(asleep.unwrap_err().happened.contains("sleeps"));
    }
}
