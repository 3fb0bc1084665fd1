//! From lines to entries: a line continues the line before it, belongs to an entry, or is an entry of its own.
//!
//! In Linux a CPU prints a dump line by line, and each line is a record. Here it differs: the lines of a dump are put
//! together again by their order, per caller id if the log has them.

use crate::dmesg::classify::{classify, may_go_on};
use crate::dmesg::clock::Clock;
use crate::dmesg::entry::{Entry, WallClock};
use crate::dmesg::line::Line;
use crate::dmesg::message::Message;
use crate::dmesg::open::{Callers, Open, Place};
use crate::dmesg::prefix::{self, Record, without_escapes};
use crate::dmesg::quoted::Unquote;
use crate::dmesg::registers::Registers;
use crate::dmesg::window::Window;
use crate::dmesg::wrap::{Cut, MAX_WRAPPED};
use crate::dmesg::{flags, regs};

/// More registers than any CPU shows.
const MAX_REGISTERS: usize = 128;

/// More frames than any stack has.
const MAX_FRAMES: usize = 512;

/// Puts lines together.
#[derive(Default)]
pub(super) struct Assembly {
    pub(super) entries: Window,
    open: Callers,
    cut: Option<Cut>,
    quoted: Unquote,
    /// The last time that a logger's clock showed.
    clock: Option<WallClock>,
    /// The kernel's release, as far as it matters: 4.16.
    release: Option<(u32, u32)>,
}

impl Assembly {
    /// Reads the next line. A lone `\r` ends a line too, but an editor does not count it.
    pub(super) fn line(&mut self, number: usize, line: &str) {
        let line = line.trim_end_matches(['\n', '\r']);
        if self.quoted.is_plain(line) {
            self.plain_line(number, line);
        } else if let Some((number, line)) = self.quoted.line(number, line) {
            self.plain_line(number, &line);
        }
    }

    /// The log ends: reads the line that would have gone on.
    pub(super) fn finish(&mut self) {
        if let Some((number, line)) = self.quoted.finish() {
            self.plain_line(number, &line);
        }
    }

    fn plain_line(&mut self, number: usize, line: &str) {
        let mut out = |record: Record<'_>| self.record(number, &record);
        // Without a jump out of the loop the compiler looks at many bytes at once.
        let is_odd =
            |byte| u8::from(byte == b'\r') | u8::from(byte == b'\x1b') | u8::from(byte == 0);
        if line.bytes().fold(0, |odd, byte| odd | is_odd(byte)) == 0 {
            prefix::records(line, &mut out);
        } else {
            line.split('\r').for_each(|part| prefix::records(&without_escapes(part), &mut out));
        }
    }

    fn record(&mut self, line: usize, record: &Record<'_>) {
        let text = record.text.trim();
        let clock = self.tick(record.clock);
        let says = classify(text);
        if let Some(cut) = self.cut.take()
            && let Some(head) = cut.head.as_deref().or_else(|| self.entries.last_text())
            && let Some((joined, says)) = cut.join(head, record, &says)
        {
            self.entries.take_back();
            self.open.set(cut.place.caller, cut.before, &self.entries);
            self.add(cut.place, &joined, says);
        } else {
            let place = Place { line, time: record.time, caller: record.caller, clock };
            self.add(place, text, says);
        }
    }

    /// What a logger's clock shows at this line.
    fn tick(&mut self, clock: Option<Clock>) -> Option<WallClock> {
        let now = match clock? {
            Clock::At(now) => now,
            Clock::After(micros) => WallClock { micros: self.clock?.micros.saturating_add(micros) },
        };
        self.clock = Some(now);
        Some(now)
    }

    fn add(&mut self, place: Place, text: &str, line: Line) {
        let before = self.open.get(place.caller);
        let (open, is_headline) = self.apply(place, text, line, before);
        self.open.set(place.caller, open, &self.entries);
        let is_cut = |_: &bool| text.len() <= MAX_WRAPPED && may_go_on(text);
        self.cut = is_headline.filter(is_cut).map(|is_headline| {
            // The text of a line that belongs to no class is in its entry.
            let head = is_headline.then(|| text.to_owned());
            Cut { head, place, is_headline, before }
        });
    }

    /// Adds a line to the entry it belongs to, or as a new one. Returns what is open now and, if the line may be
    /// incomplete, whether its kind is known.
    fn apply(&mut self, place: Place, text: &str, line: Line, open: Open) -> (Open, Option<bool>) {
        let next = Some(self.entries.next());
        let (message, open) = match line {
            Line::Access(is_write) if self.note_access(open, is_write) => return (open, None),
            Line::Pmr(masks) if self.note_mask(open, masks) => return (open, None),
            Line::Row(values) if self.note_row(open, &values) => return (open, None),
            Line::Frame { symbol: None, interrupted } if open.trace.or(open.regs).is_some() => {
                if interrupted {
                    self.note_interrupt(open);
                }
                return (open, None);
            }
            Line::Frame { symbol: Some(symbol), interrupted } => {
                if interrupted {
                    self.note_interrupt(open);
                }
                match self.note_frame(open, symbol) {
                    None => return (open, None),
                    Some(symbol) => (
                        Message::CallTrace { frames: vec![symbol], interrupts: Vec::new() },
                        Open { trace: next, ..Open::default() },
                    ),
                }
            }
            Line::Says(Message::Regs(regs)) => match self.note_registers(open, regs) {
                None => return (open, None),
                Some(regs) => (
                    Message::Regs(regs),
                    Open { regs: next, pstate: open.pstate, ..Open::default() },
                ),
            },
            Line::Several(messages) => {
                messages.into_iter().for_each(|message| self.push(place, message));
                return (Open::default(), None);
            }
            Line::Softe(value) => match flags::softe(value, self.release) {
                Some(message) => (message, Open { pstate: next, ..Open::default() }),
                None => (Message::Other(text.to_owned()), Open::default()),
            },
            Line::Says(message) => {
                self.note_release(&message);
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
            Line::Unknown | Line::Access(_) | Line::Pmr(_) | Line::Row(_) | Line::Frame { .. } => {
                (Message::Other(text.to_owned()), Open { fault: open.fault, ..Open::default() })
            }
        };
        let cut = match message {
            Message::Other(_) => Some(false),
            Message::SoftLockup { comm: None, .. } => Some(true),
            _ => None,
        };
        self.push(place, message);
        (open, cut)
    }

    fn push(&mut self, place: Place, message: Message) {
        let Place { line, time, caller, clock } = place;
        self.entries.push(Entry { line, time, caller, clock, message });
    }

    /// Notes whether the open fault was a write; `false` if there is none.
    fn note_access(&mut self, open: Open, is_write: bool) -> bool {
        match open.fault.and_then(|at| self.entries.message(at)) {
            Some(Message::Fault { write, .. }) => *write = Some(is_write),
            _ => return false,
        }
        true
    }

    /// Notes that the priority mask kept interrupts off at the open pstate; `false` if there is none.
    fn note_mask(&mut self, open: Open, masks: bool) -> bool {
        match open.pstate.and_then(|at| self.entries.message(at)) {
            Some(Message::PState { irqs_off, .. }) => *irqs_off |= masks,
            _ => return false,
        }
        true
    }

    /// Notes the registers that follow on the open ones; `false` if there are none.
    fn note_row(&mut self, open: Open, values: &[u64]) -> bool {
        match open.regs.and_then(|at| self.entries.message(at)) {
            Some(Message::Regs(open)) if open.len() < MAX_REGISTERS => {
                let first = open.len();
                let named = values.iter().zip(first..);
                named.for_each(|(&value, number)| open.push(&regs::general(number), value));
            }
            _ => return false,
        }
        true
    }

    /// Notes more of the open registers; gives them back if there are none.
    fn note_registers(&mut self, open: Open, regs: Registers) -> Option<Registers> {
        match open.regs.and_then(|at| self.entries.message(at)) {
            Some(Message::Regs(open)) if open.len() < MAX_REGISTERS => open.append(regs),
            _ => return Some(regs),
        }
        None
    }

    /// Notes the next frame of the open trace; gives it back if there is none.
    fn note_frame(&mut self, open: Open, symbol: String) -> Option<String> {
        match open.trace.and_then(|at| self.entries.message(at)) {
            Some(Message::CallTrace { frames, .. }) if frames.len() < MAX_FRAMES => {
                frames.push(symbol);
            }
            _ => return Some(symbol),
        }
        None
    }

    /// Notes that the open trace goes on in an older context.
    fn note_interrupt(&mut self, open: Open) {
        if let Some(Message::CallTrace { frames, interrupts }) =
            open.trace.and_then(|at| self.entries.message(at))
            && !frames.is_empty()
            && interrupts.last() != Some(&frames.len())
        {
            interrupts.push(frames.len());
        }
    }

    /// Notes which kernel it is.
    fn note_release(&mut self, message: &Message) {
        let (Message::CpuLine { release, .. } | Message::Booted { release }) = message else {
            return;
        };
        let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
        if let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) {
            self.release = Some((major, minor));
        }
    }
}
