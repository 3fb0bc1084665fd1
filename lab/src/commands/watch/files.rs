//! Notices saves: by the host's events, or by looking twice a second.
//!
//! What an event says is not believed in detail: hosts and editors differ too much. Each only means "look again", and
//! the files' hashes say what has changed. Reading a file is an event too, and is ignored: cargo reads them all.

use std::path::Path;
use std::sync::mpsc::Sender;
use std::time::Duration;

use notify::{Config, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};

use super::Event;
use crate::stop::Stop;

/// How often `--poll` looks.
const POLL: Duration = Duration::from_millis(500);

/// Watches until it is dropped.
pub(super) fn watch(
    folder: &Path,
    poll: bool,
    sender: Sender<Event>,
) -> Result<Box<dyn Watcher>, Stop> {
    if !poll {
        match start::<RecommendedWatcher>(folder, Config::default(), sender.clone()) {
            Ok(watcher) => return Ok(watcher),
            Err(error) => {
                eprintln!("lab: no events from the file system ({error}): looking twice a second")
            }
        }
    }
    let config = Config::default().with_poll_interval(POLL).with_compare_contents(true);
    start::<PollWatcher>(folder, config, sender)
        .map_err(|error| Stop::grader(format!("cannot watch {}: {error}", folder.display())))
}

fn start<W: Watcher + 'static>(
    folder: &Path,
    config: Config,
    sender: Sender<Event>,
) -> notify::Result<Box<dyn Watcher>> {
    let heard = move |event: notify::Result<notify::Event>| {
        // An error is a lost event at worst: looking again costs nothing.
        if event.map_or(true, |event| matters(&event)) {
            let _ = sender.send(Event::Files); // without a receiver all is over
        }
    };
    let mut watcher = W::new(heard, config)?;
    watcher.watch(folder, RecursiveMode::Recursive)?;
    Ok(Box::new(watcher))
}

fn matters(event: &notify::Event) -> bool {
    let is_change = !matches!(event.kind, EventKind::Access(_));
    let in_target = |path: &Path| path.components().any(|part| part.as_os_str() == "target");
    is_change && !event.paths.iter().all(|path| in_target(path)) || event.need_rescan()
}
