//! From lines to entries: a line continues the line before it, belongs to an entry, or is an entry of its own.
//!
//! In Linux a CPU prints a dump line by line, and each line is a record. Here it differs: the lines of a dump are put
//! together again by their order, per caller id if the log has them.

use std::collections::HashMap;

use crate::dmesg::line::Line;
use crate::dmesg::message::{Entry, Message};
use crate::dmesg::prefix::Record;
use crate::dmesg::{headline, state};
use crate::time::KernelTime;

/// Wrapped lines are shorter.
const MAX_WRAPPED: usize = 512;

fn classify(text: &str) -> Line {
    headline::read(text).or_else(|| state::read(text)).unwrap_or(Line::Unknown)
}

/// Puts lines together.
#[derive(Default)]
pub(super) struct Reader {
    /// What was read so far.
    pub(super) entries: Vec<Entry>,
    /// By caller id: CPUs that print at the same time interleave their lines.
    open: HashMap<String, Open>,
    cut: Option<Cut>,
}

/// The entries that the next line of the same caller may belong to.
#[derive(Clone, Copy, Default)]
struct Open {
    fault: Option<usize>,
    pstate: Option<usize>,
    regs: Option<usize>,
    trace: Option<usize>,
}

/// The line just read, which is the last entry, if it may go on in the next line: a terminal or a mailer wrapped it.
struct Cut {
    text: String,
    caller: String,
    time: Option<KernelTime>,
    /// Its kind is known, though the end of it is missing.
    is_headline: bool,
    before: Open,
}

impl Reader {
    /// Reads the next record.
    pub(super) fn record(&mut self, record: &Record<'_>) {
        let text = record.text.trim();
        let line = classify(text);
        if let Some(cut) = self.cut.take()
            && let Some((joined, line)) = cut.join(record, &line)
        {
            self.entries.pop();
            self.open.insert(cut.caller.clone(), cut.before);
            self.line(cut.time, &cut.caller, &joined, line);
        } else {
            self.line(record.time, record.caller, text, line);
        }
    }

    fn line(&mut self, time: Option<KernelTime>, caller: &str, text: &str, line: Line) {
        let before = self.open.get(caller).copied().unwrap_or_default();
        let (open, is_headline) = self.apply(time, text, line, before);
        if open.is_empty() {
            self.open.remove(caller);
        } else {
            self.open.insert(caller.to_owned(), open);
        }
        self.cut = is_headline.filter(|_| text.len() <= MAX_WRAPPED).map(|is_headline| Cut {
            text: text.to_owned(),
            caller: caller.to_owned(),
            time,
            is_headline,
            before,
        });
    }

    /// Adds a line to the entry it belongs to, or as a new one. Returns what is open now and, if the line may be
    /// incomplete, whether its kind is known.
    fn apply(
        &mut self,
        time: Option<KernelTime>,
        text: &str,
        line: Line,
        open: Open,
    ) -> (Open, Option<bool>) {
        let next = Some(self.entries.len());
        let (message, open) = match line {
            Line::Access(is_write) if note_access(&mut self.entries, open, is_write) => {
                return (open, None);
            }
            Line::Pmr(masks) if note_mask(&mut self.entries, open, masks) => return (open, None),
            Line::Frame(None) if open.trace.is_some() || open.regs.is_some() => {
                return (open, None);
            }
            Line::Frame(Some(frame)) => match open.trace.map(|at| &mut self.entries[at].message) {
                Some(Message::CallTrace { frames }) => {
                    frames.push(frame);
                    return (open, None);
                }
                _ => (
                    Message::CallTrace { frames: vec![frame] },
                    Open { trace: next, ..Open::default() },
                ),
            },
            Line::HardLockups(cpus, reporter) => {
                let reporter = Some(reporter);
                let lockups = cpus.into_iter().map(|cpu| Message::HardLockup { cpu, reporter });
                self.entries.extend(lockups.map(|message| Entry { time, message }));
                return (Open::default(), None);
            }
            Line::Says(Message::Regs { x0, x1, x4 }) => {
                match open.regs.map(|at| &mut self.entries[at].message) {
                    Some(Message::Regs { x0: a, x1: b, x4: c }) => {
                        (*a, *b, *c) = (a.or(x0), b.or(x1), c.or(x4));
                        return (open, None);
                    }
                    _ => (
                        Message::Regs { x0, x1, x4 },
                        Open { regs: next, pstate: open.pstate, ..Open::default() },
                    ),
                }
            }
            Line::Says(message) => {
                let open = match message {
                    Message::Fault { .. } => Open { fault: next, ..Open::default() },
                    Message::PState { .. } => Open { pstate: next, ..Open::default() },
                    Message::CallTrace { .. } => Open { trace: next, ..Open::default() },
                    Message::Pc { .. } | Message::Lr { .. } => {
                        Open { pstate: open.pstate, ..Open::default() }
                    }
                    _ => Open::default(),
                };
                (message, open)
            }
            // Unknown lines may stand between a fault and the line that says whether it was a write.
            Line::Unknown | Line::Access(_) | Line::Pmr(_) | Line::Frame(None) => {
                (Message::Other(text.to_owned()), Open { fault: open.fault, ..Open::default() })
            }
        };
        let cut = match message {
            Message::Other(_) => Some(false),
            Message::SoftLockup { comm: None, .. } => Some(true),
            _ => None,
        };
        self.entries.push(Entry { time, message });
        (open, cut)
    }
}

/// Notes whether the open fault was a write; `false` if there is none.
fn note_access(entries: &mut [Entry], open: Open, is_write: bool) -> bool {
    match open.fault.map(|at| &mut entries[at].message) {
        Some(Message::Fault { write, .. }) => *write = Some(is_write),
        _ => return false,
    }
    true
}

/// Notes that the priority mask kept interrupts off at the open pstate; `false` if there is none.
fn note_mask(entries: &mut [Entry], open: Open, masks: bool) -> bool {
    match open.pstate.map(|at| &mut entries[at].message) {
        Some(Message::PState { irqs_off, .. }) => *irqs_off |= masks,
        _ => return false,
    }
    true
}

impl Open {
    fn is_empty(&self) -> bool {
        self.fault.or(self.pstate).or(self.regs).or(self.trace).is_none()
    }
}

impl Cut {
    /// The line before and this one as one line, with what that line says, if it makes sense.
    fn join(&self, record: &Record<'_>, line: &Line) -> Option<(String, Line)> {
        let wrapped = record.time.is_none() && record.caller.is_empty();
        if !wrapped || record.text.len() > MAX_WRAPPED {
            return None;
        }
        let (head, tail) = (self.text.as_str(), record.text.trim());
        let joined = format!("{head}{tail}");
        match line {
            Line::Unknown => {
                let sense = |joined: String| {
                    let line = classify(&joined);
                    let says_more = line != Line::Unknown && (is_whole(&line) || !self.is_headline);
                    says_more.then_some((joined, line))
                };
                sense(joined).or_else(|| sense(format!("{head} {tail}")))
            }
            // `smp_call_f` and `unction_many+0x308/0x370`.
            Line::Frame(Some(_)) if self.before.trace.is_some() && !record.is_indented => {
                let line = classify(&joined);
                let is_frame = matches!(line, Line::Frame(Some(_)));
                (is_frame && state::is_symbol(head)).then_some((joined, line))
            }
            _ => None,
        }
    }
}

/// Whether nothing is missing at its end.
fn is_whole(line: &Line) -> bool {
    !matches!(line, Line::Says(Message::SoftLockup { comm: None, .. }))
}
