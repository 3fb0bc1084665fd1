//! A panic in a model is a finding, not something to print.

use std::cell::RefCell;
use std::panic;
use std::sync::{Arc, Once};

use super::schedules::Schedules;
use super::strategy::Strategy;
use crate::engines;

thread_local! {
    static MESSAGE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The message of the last panic on this thread, with its line.
pub(crate) fn take_message() -> String {
    MESSAGE.take().unwrap_or_else(|| "panicked".into())
}

/// Keeps the message of every panic on a thread that checks a model.
///
/// shuttle puts a hook of its own in front at its first run, and that one prints. So shuttle runs once, and the hook
/// that was there before is what ours hands other panics to.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        let mut config = shuttle::Config::new();
        config.failure_persistence = shuttle::FailurePersistence::None;
        config.silence_warnings = true;
        let once = Schedules::new(Strategy::Random, 1, Arc::default());
        shuttle::Runner::new(once, config).run(|| ());
        panic::set_hook(Box::new(move |info| {
            if !engines::is_set() {
                return before(info);
            }
            let payload = info.payload();
            let text = payload.downcast_ref::<String>().map(String::as_str);
            let text =
                text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("panicked");
            let line = info.location().map_or(String::new(), |at| format!(" (line {})", at.line()));
            MESSAGE.set(Some(format!("{text}{line}")));
        }));
    });
}
