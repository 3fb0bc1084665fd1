//! Single keys, without Enter, on a terminal. From a pipe, letters; elsewhere than on Unix, letters with Enter.

use std::io::{IsTerminal, Read, stdin};
use std::sync::mpsc::Sender;
use std::thread;

use super::super::hint;
use super::job::Job;
use super::{Event, Watching};
use crate::course::Exercise;
use crate::stop::Stop;

/// While it lives the terminal gives single keys. When it goes, the terminal is as it was.
pub(super) struct Keys {
    are_read: bool,
    #[cfg(unix)]
    before: Option<rustix::termios::Termios>,
}

impl Keys {
    /// Whether a person can press keys.
    pub(super) fn are_read(&self) -> bool {
        self.are_read
    }
}

/// Reads keys in a thread of its own. It ends with the program.
pub(super) fn read(sender: Sender<Event>) -> Keys {
    let is_terminal = stdin().is_terminal();
    if is_terminal && !in_foreground() {
        return Keys {
            are_read: false,
            #[cfg(unix)]
            before: None,
        };
    }
    let keys = Keys {
        are_read: is_terminal,
        #[cfg(unix)]
        before: if is_terminal { single_keys() } else { None },
    };
    thread::spawn(move || {
        for byte in stdin().lock().bytes().map_while(Result::ok) {
            let _ = sender.send(Event::Key(char::from(byte))); // without a receiver all is over
        }
        if is_terminal {
            let _ = sender.send(Event::HungUp);
        }
    });
    keys
}

/// A program in the background is stopped when it reads from its terminal.
#[cfg(unix)]
fn in_foreground() -> bool {
    rustix::termios::tcgetpgrp(stdin()).is_ok_and(|group| group == rustix::process::getpgrp())
}

#[cfg(not(unix))]
fn in_foreground() -> bool {
    true
}

/// Returns how the terminal was. Ctrl-C comes as a key too, so that the terminal can be put back first.
#[cfg(unix)]
fn single_keys() -> Option<rustix::termios::Termios> {
    use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
    let before = tcgetattr(stdin()).ok()?;
    let mut single = before.clone();
    single.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
    single.special_codes[SpecialCodeIndex::VMIN] = 1;
    single.special_codes[SpecialCodeIndex::VTIME] = 0;
    tcsetattr(stdin(), OptionalActions::Now, &single).ok()?;
    Some(before)
}

#[cfg(unix)]
impl Drop for Keys {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        if let Some(before) = &self.before {
            let _ = tcsetattr(stdin(), OptionalActions::Now, before);
        }
    }
}

impl Watching {
    pub(super) fn key(&mut self, key: char) -> Result<(), Stop> {
        self.ticker = None;
        match key {
            'h' => {
                if let Err(stop) = hint::run(&self.desk, Some(&self.at.id)) {
                    eprintln!("lab: {}", stop.message());
                }
            }
            'n' => {
                self.at = self.next()?;
                self.start(Job::Grade(vec![self.at.clone()]));
            }
            'c' => self.start(Job::Grade(self.desk.course.exercises.clone())),
            'r' => self.start(Job::Replay(self.at.clone())),
            _ => {}
        }
        Ok(())
    }

    /// The next exercise that has not passed: behind this one, else from the beginning, else the next one there is.
    fn next(&self) -> Result<Exercise, Stop> {
        let progress = self.desk.store.load()?;
        let all = &self.desk.course.exercises;
        let here = all.iter().position(|exercise| exercise.id == self.at.id).unwrap_or(0);
        let behind = || all[here + 1..].iter().chain(&all[..=here]);
        let open = behind().find(|exercise| progress.entry(exercise).passed.is_none());
        Ok(open.or(behind().next()).unwrap_or(&self.at).clone())
    }
}
