//! When a CPU's interrupts are off: a flag that code sets, and every handler meanwhile.

use softlockup::{Event, KernelTime};

use crate::lanes::lane::Span;

/// How a CPU's interrupts come and go on the way through the records.
#[derive(Clone, Default)]
pub(crate) struct Irqs {
    off: bool,
    depth: u32,
    /// Since when they are off.
    pub(crate) since: Option<KernelTime>,
}

impl Irqs {
    pub(crate) fn read(&mut self, event: &Event, time: KernelTime, spans: &mut Vec<Span>) {
        match event {
            Event::IrqsOff => self.off = true,
            Event::IrqsOn => self.off = false,
            Event::IrqEnter { .. } => self.depth += 1,
            Event::IrqExit { .. } => self.depth = self.depth.saturating_sub(1),
            _ => return,
        }
        match (self.off || self.depth > 0, self.since) {
            (true, None) => self.since = Some(time),
            (false, Some(from)) => {
                self.since = None;
                if from < time {
                    spans.push(Span { from, to: Some(time) });
                }
            }
            _ => {}
        }
    }
}
