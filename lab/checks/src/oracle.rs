//! Asking a learner's function, and getting an answer whatever it does.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;

use softlockup::parts::contract::host::comes_back;

use crate::check::{Failure, LIMITS};

/// Runs `code`, which is a learner's, on a thread of its own.
///
/// # Errors
/// If it panics, or does not come back. `asked` says what it was asked, as the object of a sentence: "the number of
/// CPU#58".
pub fn ask<T: Send + 'static>(
    asked: &str,
    code: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let (answers, answer) = channel();
    let came_back = comes_back(LIMITS, move || {
        _ = answers.send(catch_unwind(AssertUnwindSafe(code)));
        Ok(())
    });
    match answer.try_recv() {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(panic)) => Err(Failure::new(match panic_message(&*panic) {
            message if message.starts_with(TODO) => {
                format!("asked for {asked}: not written yet{}", &message[TODO.len()..])
            }
            message => format!(
                "asked for {asked}, the code panicked: {message}. A part that panics takes its CPU with it, and a tool that \
                 panics tells its reader nothing"
            ),
        })),
        Err(_) => Err(came_back.map_or_else(Failure::from, |()| {
            Failure::new(format!("asked for {asked}, the code gave no answer"))
        })),
    }
}

/// How the panic of a `todo!` begins.
const TODO: &str = "not yet implemented";

/// What a panic said.
fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)")
}
