//! In words: how a run ended that did not end by itself.

use crate::sandbox::{Ended, How, Run, SleepsIn};

/// What the code did to end its run, as the end of a sentence that begins "while …: ".
pub(crate) fn of(run: &Run) -> String {
    let stderr = run.stderr.both();
    match &run.ended.how {
        How::Exited(0) => {
            "the code ended the process with exit code 0. Nothing is checked by ending early: a \
             check counts when it has returned"
                .to_owned()
        }
        How::Exited(code) => match panic(&stderr) {
            Some(panic) => panic,
            None => format!("the code ended the process with exit code {code}"),
        },
        How::Signaled(signal) => signaled(*signal, &stderr),
        How::RanWithoutEnd => format!(
            "the code ran for {} of CPU time and got nowhere. It is in a loop that does not end, \
             and that never calls `relax`: so nothing could interrupt it",
            seconds(run.ended.cpu_since_report_ms)
        ),
        How::SleptForEver => asleep(&run.ended),
        How::TooMany(count) => too_many(*count),
        How::OutOfTime => out_of_time(&run.ended),
        How::Stopped => "the run was ended".to_owned(),
        How::NotStarted(why) => format!("the checks could not be started: {why}"),
        How::Unknown => "the code ended the program that watches over it".to_owned(),
    }
}

/// With less CPU time than this since its last word, code that was out of time got too little of it to be judged: the known
/// answers need up to 1.4 s between two words.
const STARVED_MS: u64 = 1_500;

/// Whether the host is to blame: the code got little CPU time and did not sleep.
pub(crate) fn is_undecided(ended: &Ended) -> bool {
    let starved = ended.cpu_since_report_ms < STARVED_MS && ended.sleeps_in.is_none();
    match ended.how {
        How::OutOfTime => starved,
        How::NotStarted(_) => true,
        _ => false,
    }
}

fn signaled(signal: i32, stderr: &str) -> String {
    const ILL: i32 = 4;
    const ABRT: i32 = 6;
    const FPE: i32 = 8;
    const KILL: i32 = 9;
    const SEGV: i32 = 11;
    const XCPU: i32 = 24;
    const XFSZ: i32 = 25;
    if stderr.contains("has overflowed its stack") {
        return "stack overflow: a function calls itself without end, or keeps too much on the \
                stack"
            .to_owned();
    }
    if let Some(bytes) = between(stderr, "memory allocation of ", " bytes failed") {
        return format!("the code asked for {bytes} bytes of memory at once; it may have 4 GiB");
    }
    match (signal, panic(stderr)) {
        (ABRT, Some(panic)) => format!("{panic}; and the process was aborted"),
        (ABRT, None) => "the code aborted the process".to_owned(),
        (SEGV, _) => "the code crashed: it used memory that is not its own (SIGSEGV)".to_owned(),
        (ILL, _) => "the code crashed: an illegal instruction (SIGILL)".to_owned(),
        (FPE, _) => "the code crashed: an arithmetic fault (SIGFPE)".to_owned(),
        (KILL, _) => {
            "the process was killed. If the code did not do that, this computer was out of memory"
                .to_owned()
        }
        (XCPU, _) => "the code used more than 12 s of CPU time".to_owned(),
        (XFSZ, _) => "the code wrote a file of more than 64 MiB".to_owned(),
        (signal, _) => format!("the process was ended by signal {signal}"),
    }
}

/// The first panic that was printed.
fn panic(stderr: &str) -> Option<String> {
    if stderr.contains("failed to spawn thread") {
        return Some("the code started more threads than it may have".to_owned());
    }
    let mut lines = stderr
        .lines()
        .skip_while(|line| !line.contains("' panicked at ") && !line.contains(") panicked at "));
    let place = lines.next()?.split_once(" panicked at ")?.1.trim_end_matches(':');
    let place = place.rfind("exercises/").map_or(place, |at| &place[at..]);
    let message = lines.next().unwrap_or_default();
    Some(match message.strip_prefix("not yet implemented") {
        Some(what) => format!("it is not written yet{what} ({place})"),
        None => format!("the code panicked: {message} ({place})"),
    })
}

fn asleep(ended: &Ended) -> String {
    match ended.sleeps_in {
        Some(SleepsIn::Time) => {
            "every thread sleeps, and has for a while: a part waits with `relax`, never with \
             `sleep`"
                .to_owned()
        }
        Some(SleepsIn::Another) => {
            "deadlock: every thread sleeps, and none is left to wake another. A `Mutex` that its \
             own owner locks again does that, or a `park`, `join` or `recv` that has no other side"
                .to_owned()
        }
        _ => "deadlock: every thread sleeps, and none is left to wake another".to_owned(),
    }
}

fn too_many(count: usize) -> String {
    format!("the code had {count} threads and processes, and went on: a part starts none")
}

fn out_of_time(ended: &Ended) -> String {
    let (wall, cpu) = (seconds(ended.wall_ms), seconds(ended.cpu_since_report_ms));
    if is_undecided(ended) {
        format!(
            "after {wall} it had {cpu} of CPU time: this computer is too busy to tell. Try again"
        )
    } else {
        format!("the code was still running after {wall}, {cpu} of it on a CPU, and got nowhere")
    }
}

/// `4.1 s`
pub(crate) fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1_000, ms % 1_000 / 100)
}

fn between<'text>(text: &'text str, before: &str, after: &str) -> Option<&'text str> {
    text.split_once(before)?.1.split_once(after).map(|(found, _)| found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_quoted_with_its_place() {
        let stderr =
            "\nthread 'main' (7) panicked at exercises/ex04/src/lib.rs:12:9:\nboom\nnote: …";
        assert_eq!(
            panic(stderr).as_deref(),
            Some("the code panicked: boom (exercises/ex04/src/lib.rs:12:9)")
        );
    }

    #[test]
    fn a_todo_is_not_called_a_panic() {
        let stderr =
            "thread 'main' panicked at src/lib.rs:3:5:\nnot yet implemented: take the lock";
        assert_eq!(
            panic(stderr).as_deref(),
            Some("it is not written yet: take the lock (src/lib.rs:3:5)")
        );
    }

    #[test]
    fn code_that_the_host_hardly_ran_is_not_judged() {
        let out_of_time =
            |cpu_since_report_ms| Ended { how: How::OutOfTime, cpu_since_report_ms, ..ended() };
        assert!(is_undecided(&out_of_time(1_400)));
        assert!(!is_undecided(&out_of_time(1_600)));
        let asleep = Ended { sleeps_in: Some(SleepsIn::Time), ..out_of_time(100) };
        assert!(!is_undecided(&asleep), "it had its turn, and slept");
    }

    fn ended() -> Ended {
        Ended {
            how: How::Unknown,
            cpu_ms: 0,
            cpu_since_report_ms: 0,
            wall_ms: 14_000,
            left_behind: 0,
            sleeps_in: None,
        }
    }

    #[test]
    fn a_number_of_bytes_is_found() {
        assert!(signaled(6, "memory allocation of 99 bytes failed").contains("99 bytes"));
        assert!(signaled(6, "thread 'x' has overflowed its stack").contains("stack overflow"));
    }
}
