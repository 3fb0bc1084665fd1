//! What a program prints: read to its end, counted, and kept in part.

use std::io::Read;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// How much of the end is kept beside the beginning: a crash says why in its last lines.
const TAIL: usize = 8 * 1024;

/// The beginning of an output, its end, and how long it was.
#[derive(Debug, Default, Clone)]
pub(crate) struct Captured {
    head: Vec<u8>,
    tail: Vec<u8>,
    /// In bytes.
    pub(crate) length: u64,
}

impl Captured {
    /// The beginning.
    pub(crate) fn head(&self) -> String {
        String::from_utf8_lossy(&self.head).into_owned()
    }

    /// Beginning and end, to look for a word in.
    pub(crate) fn both(&self) -> String {
        let mut text = self.head();
        text.push_str(&String::from_utf8_lossy(&self.tail));
        text
    }

    /// Whether anything was left out.
    pub(crate) fn is_cut(&self) -> bool {
        self.length > (self.head.len() + self.tail.len()) as u64
    }

    fn add(&mut self, bytes: &[u8], keep: usize) {
        self.length += bytes.len() as u64;
        let room = keep.saturating_sub(self.head.len()).min(bytes.len());
        let (head, tail) = bytes.split_at(room);
        self.head.extend_from_slice(head);
        self.tail.extend_from_slice(tail);
        let extra = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..extra);
    }
}

/// An output that is being read.
pub(super) struct Capture(Receiver<Captured>);

/// Reads an output in a thread of its own.
pub(super) fn start(from: Option<impl Read + Send + 'static>, keep: usize) -> Capture {
    let (done, finished) = mpsc::channel();
    thread::spawn(move || {
        let mut captured = Captured::default();
        let mut buffer = vec![0; 64 * 1024];
        if let Some(mut from) = from {
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                captured.add(&buffer[..length], keep);
            }
        }
        let _ = done.send(captured); // the receiver may have given up
    });
    Capture(finished)
}

impl Capture {
    /// Waits for its end: at most a second, should a stranger hold the pipe open.
    pub(super) fn finish(self) -> Captured {
        self.0.recv_timeout(Duration::from_secs(1)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_kept_at_both_ends() {
        let flood = [vec![b'a'; 100_000], vec![b'b'; 100_000], b"the end".to_vec()].concat();
        let captured = start(Some(std::io::Cursor::new(flood)), 10).finish();
        assert_eq!((captured.length, captured.head().as_str()), (200_007, "aaaaaaaaaa"));
        assert!(captured.both().ends_with("bthe end") && captured.is_cut());
    }
}
