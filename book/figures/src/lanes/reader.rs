//! What the records say of each CPU, one record after another.

use softlockup::dmesg::{self, Message};
use softlockup::incident::report::{Report, SoftLockup};
use softlockup::vector::Vector;
use softlockup::{CpuId, Event, Incident, KernelTime, Record};

use crate::lanes::calls::Calls;
use crate::lanes::irqs::Irqs;
use crate::lanes::lane::{Lane, Said, Span, Wait, What};
use crate::lanes::{Lanes, Panic};

/// What is known of all CPUs on the way through the records.
pub(super) struct Reader {
    lanes: Vec<Lane>,
    irqs: Vec<Irqs>,
    calls: Calls,
    panic: Option<Panic>,
    report: Report,
}

impl Reader {
    pub(super) fn new(incident: &Incident) -> Self {
        let nr_cpus = incident.config.nr_cpus as usize;
        Reader {
            lanes: (0..nr_cpus).map(|n| Lane::new(CpuId::from(n))).collect(),
            irqs: vec![Irqs::default(); nr_cpus],
            calls: Calls::default(),
            panic: None,
            report: incident.report(),
        }
    }

    /// Reads one record, and what it printed.
    pub(super) fn read(&mut self, record: &Record, printed_text: &str) {
        let &Record { time, cpu, ref event, .. } = record;
        self.calls.read(record);
        let lane = &mut self.lanes[cpu.index()];
        self.irqs[cpu.index()].read(event, time, &mut lane.irqs_off);
        match *event {
            Event::Feed => lane.feeds.push(time),
            Event::Fault { .. } => lane.faults.push(time),
            Event::Stopped => lane.stopped = Some(time),
            Event::IrqEnter { vector: Vector::Timer } => lane.samples.push(time),
            Event::CsdWait { on, .. } => {
                let ipi = self.calls.sent_ipi(cpu, on);
                lane.waits.push(Wait { span: Span { from: time, to: None }, on, ipi });
            }
            Event::CsdWaitEnd { .. } => {
                close(lane.waits.iter_mut().map(|wait| &mut wait.span), time)
            }
            Event::DieLock => lane.die_lock.push(Span { from: time, to: None }),
            Event::DieLockHeld { .. } => close(lane.die_lock.iter_mut(), time),
            Event::TaskEnd { .. } => {
                close(lane.die_lock.iter_mut(), time);
                close(lane.waits.iter_mut().map(|wait| &mut wait.span), time);
            }
            Event::SoftLockup { printed } => {
                let same = |soft: &&SoftLockup| (soft.cpu, soft.time) == (cpu, time);
                let fed =
                    self.report.soft_lockups.iter().find(same).and_then(|soft| soft.last_feed);
                let func = innermost(printed_text);
                lane.said.push(Said { time, what: What::Soft { printed, func, fed } });
            }
            Event::HardLockup { cpu: named } => {
                lane.said.push(Said { time, what: What::Hard { named } });
                self.lanes[named.index()].named_by.push(cpu);
            }
            Event::CsdStall { on, waited_ns, .. } => {
                lane.said.push(Said { time, what: What::Csd { on, waited_ns } });
            }
            Event::Panic { ref reason } => {
                lane.panicked = true;
                self.panic.get_or_insert((cpu, time, reason.to_string()));
            }
            _ => {}
        }
    }

    pub(super) fn finish(mut self, incident: &Incident) -> Lanes {
        for (irqs, lane) in self.irqs.iter().zip(&mut self.lanes) {
            lane.irqs_off.extend(irqs.since.map(|from| Span { from, to: None }));
        }
        for stuck in &self.report.stuck {
            self.lanes[stuck.cpu.index()].stuck = Some((stuck.place, stuck.waits_for));
        }
        Lanes::arrange(self.lanes, self.calls.all, self.panic, incident.ended, self.report)
    }
}

/// Ends the innermost span that is still open.
fn close<'a>(spans: impl DoubleEndedIterator<Item = &'a mut Span>, time: KernelTime) {
    spans.rev().find(|span| span.to.is_none()).into_iter().for_each(|span| span.to = Some(time));
}

/// The function in which a printed report says its CPU is: its program counter.
fn innermost(report: &str) -> Option<String> {
    dmesg::parse(report.as_bytes()).into_iter().find_map(|entry| match entry.message {
        Message::Pc { symbol } => Some(symbol),
        _ => None,
    })
}
